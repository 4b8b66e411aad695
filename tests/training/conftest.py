import pytest

from keras_lvseg.data import SAXDataset
from keras_lvseg.training import RunFolder, TrainingSettings, train
from tests.harness import train_eagerly
from tests.inference.planted import write_planted_run


@pytest.fixture
def eager(monkeypatch):
    train_eagerly(monkeypatch)


SPLITS = {"train": ["PHANTOM0001", "PHANTOM0002"], "test": ["PHANTOM0003"]}


@pytest.fixture(scope="session")
def planted_run(tmp_path_factory):
    """A run on two patients of `phantom_tree` whose network takes bright pixels. Tests must not change it."""
    return RunFolder(write_planted_run(tmp_path_factory.mktemp("planted") / "run", 150.0, split=SPLITS))


@pytest.fixture(scope="session")
def small_run(phantom_tree, tmp_path_factory):
    """A U-Net trained on two patients of `phantom_tree`, tested on the third. Tests must not change it."""
    dataset = SAXDataset(phantom_tree, splits=SPLITS, image_size=(48, 48), pixel_spacing=2.0)
    settings = TrainingSettings(epochs=6, filters=4, learning_rate=1e-2, batch_size=4, augmentation="none")
    return train(dataset, tmp_path_factory.mktemp("runs") / "run", settings=settings)
