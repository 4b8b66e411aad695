from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def atlas_tree(tmp_path_factory) -> Path:
    """The patients of `phantom_tree` as the Cardiac Atlas Project arranges files; to be read, not to be changed."""
    return _written(tmp_path_factory, "cardiac-atlas")


@pytest.fixture(scope="session")
def challenge_tree(tmp_path_factory) -> Path:
    """The same as the challenge arranges files, with decoys; to be read, not to be changed."""
    return _written(tmp_path_factory, "challenge")


def _written(tmp_path_factory, tree: str) -> Path:
    from keras_lvseg.phantom import write_phantom

    folder = tmp_path_factory.mktemp(tree) / "tree"
    write_phantom(folder, patients=3, seed=7, frames="contoured", tree=tree)
    return folder
