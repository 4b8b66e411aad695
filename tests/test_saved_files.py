"""Saved models, loaded in a new process."""

import json

import keras
import numpy as np
import pytest

from keras_lvseg import DiceCoefficient, SparseDiceCE, SparseSoftDice, SparseSoftmaxCE, fcn, fully_connected, unet
from tests.harness import BACKEND, LACKS_CHANNELS_FIRST, ROOT, arrays_of, run_in_new_process
from tests.layers.cases import CASES, needs_channels_first
from tests.reload_models import predictions, trained_on

pytestmark = pytest.mark.slow

MODELS = {
    "fully_connected": lambda: fully_connected((16, 16, 1), hidden_units=3),
    "fcn": lambda: fcn((16, 16, 1), filters=(2, 2, 2, 2)),
    "unet": lambda: unet(filters=2, depth=1),
}
LOSSES = {
    "ce": lambda: SparseSoftmaxCE(class_weights=(1.0, 2.0), label_smoothing=0.1, ignore_class=255),
    "dice": lambda: SparseSoftDice(average="batch", ignore_class=255, dtype="float16"),
    "dice_ce": lambda: SparseDiceCE(dice_weight=0.5, ignore_class=255),
}
TRAINED = [f"{model}-{loss}" for model, loss in zip(MODELS, LOSSES, strict=True)]  # every model and loss once
SAVED_POLICIES = ("float32", "mixed_bfloat16")
LAYERS = [name for name in CASES if not (needs_channels_first(name) and LACKS_CHANNELS_FIRST)]


def all_layers(policy):
    """Return one model with every layer in it, and its inputs."""
    inputs, outputs, arrays = [], {}, []
    for name in LAYERS:
        case = CASES[name]
        tensors = [keras.Input(shape[1:]) for shape in case.shapes]
        outputs[name] = case.layer_class(**case.kwargs, dtype=policy)(*tensors)
        inputs += tensors
        arrays += arrays_of(case.shapes, seed=len(arrays))
    return keras.Model(inputs, outputs), arrays


@pytest.fixture(scope="module")
def reloaded(tmp_path_factory):
    """Return the folder with the results of the new process, and the results of this one."""
    folder = tmp_path_factory.mktemp("saved")
    here = {}
    for policy in SAVED_POLICIES:
        model, arrays = all_layers(policy)
        model.save(folder / f"{policy}.keras")
        np.savez(folder / f"{policy}.npz", **{f"x{i}": x for i, x in enumerate(arrays)})
        here[policy] = predictions(model, arrays), None
    rng = np.random.default_rng(0)
    images = rng.normal(size=(4, 16, 16, 1)).astype("float32")
    labels = rng.choice([0, 1, 255], size=(4, 16, 16, 1)).astype("uint8")
    for name in TRAINED:
        model, loss = name.split("-")
        model = MODELS[model]()
        metrics = [DiceCoefficient(class_id=c, ignore_class=255, average="dataset") for c in range(2)]
        how = {"jit_compile": BACKEND == "jax", "run_eagerly": BACKEND == "tensorflow"}  # tracing would take longest
        model.compile(optimizer="adam", loss=LOSSES[loss](), metrics=metrics, **how)
        model.fit(images, labels, batch_size=2, shuffle=False, verbose=0)
        model.save(folder / f"{name}.keras")
        np.savez(folder / f"{name}.npz", x0=images, y=labels)
        here[name] = predictions(model, images), trained_on(model, images, labels)
    run_in_new_process(ROOT / "tests" / "reload_models.py", str(folder))
    return folder, here


@pytest.mark.parametrize("policy", SAVED_POLICIES)
def test_saved_layers_loaded_in_a_new_process_give_equal_bits(reloaded, policy):
    folder, here = reloaded
    with np.load(folder / f"{policy}.outputs.npz") as there:
        assert set(there) == set(LAYERS)
        for name in LAYERS:
            assert (there[name] == here[policy][0][name]).all(), name


@pytest.mark.parametrize("name", TRAINED)
def test_saved_models_loaded_in_a_new_process_give_equal_bits_and_train_on(reloaded, name):
    folder, here = reloaded
    predicted, history = here[name]
    with np.load(folder / f"{name}.outputs.npz") as there:
        assert (there["output"] == predicted["output"]).all()
    there = json.loads((folder / f"{name}.history.json").read_text())
    assert set(there) == {"loss", "dice_coefficient", "dice_coefficient_0"}
    for key, values in there.items():
        assert values == pytest.approx(history[key], rel=1e-5, abs=1e-6)
