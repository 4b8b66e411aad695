import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def sunnybrook() -> Path:
    """The real sample's folder."""
    folder = os.environ.get("KERAS_LVSEG_SUNNYBROOK")
    if not folder:
        pytest.skip("KERAS_LVSEG_SUNNYBROOK is not set: the folder of the Sunnybrook sample")
    return Path(folder)


@pytest.fixture(scope="session")
def phantom_tree(tmp_path_factory) -> Path:
    """Three synthetic patients, the contoured frames only; to be read, not to be changed."""
    from keras_lvseg.data.phantom import write_phantom

    folder = tmp_path_factory.mktemp("phantom") / "tree"
    write_phantom(folder, patients=3, seed=7, frames="contoured")
    return folder
