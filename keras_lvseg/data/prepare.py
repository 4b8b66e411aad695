"""Decode a whole tree into the cache, before it is trained on."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from keras_lvseg.data.cache import FrameCache, cache_folder
from keras_lvseg.data.layouts import index_tree
from keras_lvseg.errors import DataError


@dataclass(frozen=True)
class Prepared:
    """What `prepare` did.

    Attributes:
        frames: How many DICOM files the tree has; none where it is made of records or pictures.
        decoded: How many of them had to be decoded.
        folder: The cache.
    """

    frames: int
    decoded: int
    folder: Path


def prepare(data_dir: str | os.PathLike[str], on_progress: Callable[[int, int], None] | None = None) -> Prepared:
    """Decode a tree's DICOM files into the cache, in as many processes as there are cores.

    Args:
        data_dir: The folder that the data lies in; the tree is recognised by looking.
        on_progress: Told how many frames are there, and how many are due, after each.

    Raises:
        DataError: A file cannot be read or decoded, or the cache cannot be written or is turned off.

    Example:
        >>> import tempfile
        >>> from keras_lvseg.data.phantom import write_phantom
        >>> tree = tempfile.mkdtemp()
        >>> _ = write_phantom(tree, patients=1, seed=0, frames="contoured")
        >>> prepare(tree).frames == len(list(Path(tree).glob("dicoms/*/*.dcm"))), prepare(tree).decoded
        (True, 0)
    """
    paths = [path for patient in index_tree(data_dir) for path in patient.images]
    folder = cache_folder()
    if folder is None:
        raise DataError("KERAS_LVSEG_CACHE", "is set and empty, which turns the cache off", "name a folder or unset it")
    try:
        decoded = FrameCache(folder).decode(paths, on_progress)
    except OSError as error:
        problem = f"cannot be written ({error.strerror or error})"
        raise DataError(folder, problem, "KERAS_LVSEG_CACHE names another folder") from None
    return Prepared(len(paths), decoded, folder)
