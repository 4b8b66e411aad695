import os
from pathlib import Path

import pytest
from hypothesis import settings

if os.environ.get("KERAS_BACKEND") == "jax":
    # Most of the time goes into compiling what then runs once; a test of what optimizations do turns them on again.
    os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

# The first call on a backend compiles and takes as long as it takes. CI draws the same examples every time.
settings.register_profile("keras-lvseg", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("keras-lvseg")


@pytest.fixture(scope="session")
def sunnybrook() -> Path:
    """The folder of the real sample."""
    folder = os.environ.get("KERAS_LVSEG_SUNNYBROOK")
    if not folder:
        pytest.skip("KERAS_LVSEG_SUNNYBROOK is not set: the folder of the Sunnybrook sample")
    return Path(folder)


@pytest.fixture(scope="session")
def sunnybrook_png() -> Path:
    """The folder of the challenge's training patients as PNG files."""
    folder = os.environ.get("KERAS_LVSEG_SUNNYBROOK_PNG")
    if not folder:
        pytest.skip("KERAS_LVSEG_SUNNYBROOK_PNG is not set: the folder of the training patients as PNG files")
    return Path(folder)


@pytest.fixture(scope="session")
def phantom_tree(tmp_path_factory) -> Path:
    """Three synthetic patients, the contoured frames only; read-only."""
    return _write_phantoms(tmp_path_factory, "sample")


@pytest.fixture(scope="session")
def atlas_tree(tmp_path_factory) -> Path:
    """The patients of `phantom_tree` in the folders of the Cardiac Atlas Project; read-only."""
    return _write_phantoms(tmp_path_factory, "cardiac-atlas")


@pytest.fixture(scope="session")
def challenge_tree(tmp_path_factory) -> Path:
    """The patients of `phantom_tree` in the folders of the challenge, with decoys; read-only."""
    return _write_phantoms(tmp_path_factory, "challenge")


def _write_phantoms(tmp_path_factory, tree: str) -> Path:
    from keras_lvseg.phantom import write_phantom

    folder = tmp_path_factory.mktemp(tree) / "tree"
    write_phantom(folder, patients=3, seed=7, frames="contoured", tree=tree)
    return folder


@pytest.fixture(scope="session")
def small_run(phantom_tree, tmp_path_factory):
    """A U-Net trained for seconds on two of the three, tested on the third; read-only."""
    from keras_lvseg.data import SAXDataset
    from keras_lvseg.training import TrainingSettings, train

    splits = {"train": ["PHANTOM0001", "PHANTOM0002"], "test": ["PHANTOM0003"]}
    dataset = SAXDataset(phantom_tree, splits=splits, image_size=(80, 80))
    settings = TrainingSettings(epochs=10, filters=6, learning_rate=5e-3, batch_size=4, augmentation="none")
    return train(dataset, tmp_path_factory.mktemp("runs") / "run", settings=settings)
