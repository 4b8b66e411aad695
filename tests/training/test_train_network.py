import csv
import json
import struct
from pathlib import Path

import keras
import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event

from keras_lvseg.data import SAXDataset
from keras_lvseg.data.pydataset import SAXPyDataset
from keras_lvseg.errors import DataError
from keras_lvseg.files import locked_directory
from keras_lvseg.models import unet
from keras_lvseg.models.build import load_network
from keras_lvseg.phantom import write_phantom
from keras_lvseg.training import TrainingSettings, read_settings, train
from keras_lvseg.training.callbacks import Checkpoint
from keras_lvseg.training.train_network import learning_rate_schedule
from tests.small_tree import write_small_tree


def rows(run):
    with run.history.open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def events(folder):
    """Yield the events of a folder's event file, a TFRecord file: length, its CRC, content, its CRC."""
    (path,) = folder.glob("events.*")
    content = path.read_bytes()
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        yield Event.FromString(content[12 : 12 + length])
        content = content[16 + length :]


def test_train_in_the_folder_of_another_training_is_one_line(phantom_tree, tmp_path):
    dataset = SAXDataset(phantom_tree, splits={"train": ["PHANTOM0001"]}, image_size=(32, 32))
    with locked_directory(tmp_path / "run"), pytest.raises(DataError, match="run: is in use by another process"):
        train(dataset, tmp_path / "run", settings=TrainingSettings(epochs=1), resume=True)


@pytest.mark.slow
def test_train_lowers_the_loss_and_writes_the_history(small_run):
    history = rows(small_run)
    assert [row["epoch"] for row in history] == [*range(1, 7)]
    assert history[-1]["loss"] < 0.6 * history[0]["loss"]
    assert history[-1]["dice_coefficient"] > 0.7
    rates = [row["learning_rate"] for row in history]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-6)


@pytest.mark.slow
def test_train_writes_settings_split_and_curves(small_run):
    assert read_settings(small_run.settings).epochs == 6
    data = json.loads(small_run.data.read_text())
    assert data["contour_origin"] == -0.75
    assert data["image_size"] == [48, 48]
    assert json.loads(small_run.split.read_text()) == {
        "train": ["PHANTOM0001", "PHANTOM0002"],
        "test": ["PHANTOM0003"],
    }
    assert small_run.curves.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_train_writes_scalars_and_images_for_tensorboard(small_run):
    scalars, images_logged = {}, []
    for event in events(small_run.logs):
        for value in event.summary.value:
            if value.HasField("image"):
                images_logged.append((event.step, value.image.height, value.image.width))
            else:
                scalars.setdefault(value.tag, []).append(value.simple_value)
    history = rows(small_run)
    assert scalars["loss"] == pytest.approx([row["loss"] for row in history])
    assert scalars["dice_coefficient"] == pytest.approx([row["dice_coefficient"] for row in history])
    assert [step for step, _, _ in images_logged] == [*range(1, 7)]
    assert {(height, width) for _, height, width in images_logged} == {(4 * 48, 3 * 48)}


@pytest.mark.slow
def test_train_leaves_one_network_in_both_formats(small_run):
    model, info = load_network(small_run.network)
    assert model.count_params() == unet(filters=4).count_params()
    assert info.training["patients"] == ["PHANTOM0001", "PHANTOM0002"]
    kept = keras.saving.load_model(small_run.model)
    for array, other in zip(model.get_weights(), kept.get_weights(), strict=True):
        np.testing.assert_array_equal(array, other)
    logits = keras.ops.convert_to_numpy(model(np.zeros((1, 33, 47, 1), np.float32)))
    assert logits.shape == (1, 33, 47, 2)


@pytest.mark.slow
def test_train_validation_split_is_in_the_history(eager, phantom_tree, tmp_path):
    splits = {"train": ["PHANTOM0001"], "validation": ["PHANTOM0002"]}
    dataset = SAXDataset(phantom_tree, target="myocardium", splits=splits, image_size=(32, 32))
    run = train(dataset, tmp_path / "run", settings=TrainingSettings(epochs=1, filters=2, batch_size=16))
    names = {"loss", "dice_coefficient", "dice_coefficient_2"}
    assert set(rows(run)[0]) == {"epoch", "learning_rate"} | names | {f"val_{name}" for name in names}


def test_train_folder_not_empty_is_unchanged(phantom_tree, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    dataset = SAXDataset(phantom_tree, splits={"train": ["PHANTOM0001"]}, image_size=(32, 32))
    with pytest.raises(DataError, match="not empty"):
        train(dataset, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_train_without_patients_writes_nothing(phantom_tree, tmp_path):
    dataset = SAXDataset(phantom_tree, splits={"train": []}, image_size=(32, 32))
    with pytest.raises(DataError, match="no patient in split 'train'"):
        train(dataset, tmp_path / "run")
    assert not any(tmp_path.iterdir())


def test_train_for_the_myocardium_without_an_epicardial_contour_is_one_line(tmp_path):
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1", "P2": "O2"})
    dataset = SAXDataset(tree, splits={"train": ["P1"]}, target="myocardium", partial=True)
    with pytest.raises(DataError, match="tree: has no myocardium in split 'train': no epicardial contour"):
        train(dataset, tmp_path / "run", settings=TrainingSettings(epochs=1))
    assert not (tmp_path / "run").exists()


def test_train_intensity_function_raises(phantom_tree, tmp_path):
    splits = {"train": ["PHANTOM0001"]}
    dataset = SAXDataset(phantom_tree, splits=splits, image_size=(32, 32), intensity=np.sqrt)
    with pytest.raises(ValueError, match="Invalid value for argument `intensity`"):
        train(dataset, tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "parameters"), [("fully_connected", 12_714_048), ("fcn", 1_857_848)])
def test_train_course_network_has_the_course_s_parameters_and_loads(phantom_tree, tmp_path, name, parameters):
    before = keras.config.dtype_policy().name
    dataset = SAXDataset(phantom_tree, splits={"train": ["PHANTOM0001"]})
    settings = TrainingSettings(model=name, epochs=1, augmentation="none", batch_size=16)
    model, info = load_network(train(dataset, tmp_path / "run", settings=settings).network)
    assert model.count_params() == parameters
    assert (info.network, info.data["image_size"]) == (name, [256, 256])
    assert keras.config.dtype_policy().name == before


@pytest.mark.slow
def test_train_diverged_is_one_line_and_not_finished(eager, phantom_tree, tmp_path):
    dataset = SAXDataset(phantom_tree, splits={"train": ["PHANTOM0001"]}, image_size=(32, 32))
    settings = TrainingSettings(epochs=1, filters=2, batch_size=8, learning_rate=1e38, decay_rate=1.0, decay_steps=1)
    with pytest.raises(DataError, match=r"has a network that diverged .*; train with a lower learning rate"):
        train(dataset, tmp_path / "run", settings=settings)
    assert not (tmp_path / "run" / "network.json").exists()


def test_learning_rate_schedule_with_decay_is_a_staircase():
    rate = learning_rate_schedule(TrainingSettings(learning_rate=0.03, decay_rate=0.75, decay_steps=100), 7)
    values = [float(rate(step)) for step in (0, 99, 100, 199, 200)]
    assert values == pytest.approx([0.03, 0.03, 0.0225, 0.0225, 0.016875])


def test_learning_rate_schedule_default_ends_at_zero():
    rate = learning_rate_schedule(TrainingSettings(learning_rate=0.01, epochs=5), 8)
    assert [float(rate(step)) for step in (0, 20, 40)] == pytest.approx([0.01, 0.005, 0], abs=1e-7)


@pytest.mark.slow
def test_train_with_phantoms_in_bfloat16_leaves_a_float32_network(eager, phantom_tree, tmp_path, monkeypatch):
    written, checkpoints = [], []

    def write(folder, patients, seed, **options):
        write_phantom(folder, patients=patients, seed=seed, **options)
        written.append((patients, seed, len(list(Path(folder).glob("dicoms/*/*.dcm")))))

    def look(self, epoch, logs=None):
        dtypes = {layer.compute_dtype for layer in self.model.layers}
        checkpoints.append((int(self.model.optimizer.iterations), dtypes))

    monkeypatch.setattr("keras_lvseg.training.train_network.write_phantom", write)
    monkeypatch.setattr(Checkpoint, "on_epoch_end", look)
    dataset = SAXDataset(phantom_tree, splits={"train": ["PHANTOM0001"]}, image_size=(32, 32), pixel_spacing=2.0)
    settings = TrainingSettings(epochs=1, filters=2, phantoms=1, batch_size=3, dtype="mixed_bfloat16")
    run = train(dataset, tmp_path / "run", settings=settings)

    ((patients, seed, images),) = written
    assert patients == 1
    assert seed not in range(100)  # demonstrations and tests count from 0
    ((steps, dtypes),) = checkpoints
    assert steps == (len(dataset.labelled_frames("train")) + images) // 3
    assert "bfloat16" in dtypes
    model, _ = load_network(run.network)
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert {weight.dtype for weight in model.weights} == {"float32"}


@pytest.mark.parametrize(("model", "crop", "seen"), [("unet", 24, 24), ("unet", 500, 40), ("fcn", 24, (40, 48))])
def test_train_unet_crop_is_at_most_the_image(phantom_tree, tmp_path, monkeypatch, model, crop, seen):
    class Made(Exception):
        pass

    def stop(*arguments, **options):
        raise Made(SAXPyDataset(*arguments, **options))

    monkeypatch.setattr("keras_lvseg.training.train_network.SAXPyDataset", stop)
    dataset = SAXDataset(phantom_tree, splits={"train": ["PHANTOM0001"]}, image_size=(40, 48))
    with pytest.raises(Made) as made:
        train(dataset, tmp_path / "run", settings=TrainingSettings(model=model, crop=crop, batch_size=5))
    images, labels = made.value.args[0][0]
    assert images.shape == labels.shape == (5, *np.broadcast_to(seen, 2), 1)


@pytest.mark.slow
def test_train_partial_myocardium_for_a_number_of_steps(eager, phantom_tree, tmp_path):
    dataset = SAXDataset(
        phantom_tree, target="myocardium", partial=True, splits={"train": ["PHANTOM0001"]}, image_size=(32, 32)
    )
    images, labels = dataset.as_arrays("train")
    assert set(np.unique(labels)) == {0, 1, 2, 3}
    settings = TrainingSettings(steps=5, filters=2, batch_size=len(images) // 2, augmentation="broad", crop=32)
    run = train(dataset, tmp_path / "run", settings=settings)
    history = rows(run)
    assert [row["epoch"] for row in history] == [1, 2]  # 5 steps of 2 per epoch
    assert all(np.isfinite(row["loss"]) for row in history)
    assert {"dice_coefficient", "dice_coefficient_2"} <= {*history[0]}
    assert load_network(run.network)[1].architecture["num_classes"] == 3
