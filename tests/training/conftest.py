import pytest

from keras_lvseg.data import SAXDataset
from keras_lvseg.training import TrainingSettings, train
from tests.harness import train_eagerly


@pytest.fixture
def eager(monkeypatch):
    train_eagerly(monkeypatch)


@pytest.fixture(scope="session")
def small_run(phantom_tree, tmp_path_factory):
    """A U-Net trained for seconds on two patients of `phantom_tree`, tested on the third. Tests must not change it."""
    splits = {"train": ["PHANTOM0001", "PHANTOM0002"], "test": ["PHANTOM0003"]}
    dataset = SAXDataset(phantom_tree, splits=splits, image_size=(48, 48), pixel_spacing=2.0)
    settings = TrainingSettings(epochs=6, filters=4, learning_rate=1e-2, batch_size=4, augmentation="none")
    return train(dataset, tmp_path_factory.mktemp("runs") / "run", settings=settings)
