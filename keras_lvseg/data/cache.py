"""Stored pixels of DICOM files, decoded once and kept on disk."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from keras_lvseg.data.decoding import array_path, decode_files
from keras_lvseg.data.dicom import read_pixels
from keras_lvseg.errors import DataError

_FORMAT = "frames-2"  # to be raised when what lies there, or how a file is decoded, changes
_SETTLED = 2_000_000_000  # ns; the coarsest step in which a file system tells when a file was changed
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PATIENCE = 3.0  # seconds to wait for another process before a word is said

Stamp = list[int]


def cache_folder() -> Path | None:
    """The folder that `KERAS_LVSEG_CACHE` names, None where that is empty; `~/.cache/keras-lvseg` where it is unset."""
    named = os.environ.get("KERAS_LVSEG_CACHE")
    if named is not None:
        return Path(named).absolute() if named else None
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "keras-lvseg"


def read_decoded(paths: Sequence[Path]) -> Iterator[np.ndarray]:
    """Read the stored pixels of DICOM files by way of the cache, and without where there is none or it is not writable.

    Raises:
        DataError: A file cannot be read or decoded.
    """
    folder = cache_folder()
    if folder is None:
        return map(read_pixels, paths)
    cache = FrameCache(folder)
    try:
        cache.decode(paths)
    except OSError as error:
        problem = f"cannot be written ({error.strerror or error}), so that DICOM is decoded anew each time"
        warnings.warn(f"{folder}: {problem}; KERAS_LVSEG_CACHE names another folder", stacklevel=3)
    return map(cache.read, paths)


class FrameCache:
    """A folder that keeps the stored pixels of DICOM files, so that each file is decoded once.

    An array is named by the hash of its file's bytes: trees, splits and settings share it, since nothing of theirs is
    applied to it, and it cannot go stale. Which bytes a file holds is remembered together with its size, inode and
    times of change, one of which the system sets itself at every change; only a file that still has them all is not
    opened again. What is written takes its name when it is whole. One process decodes at a time, under a lock that
    ends with the process; others wait, and then share.

    The folder grows by what the images take as stored (128 KiB for 256 x 256 pixels) and is never pruned. It may be
    removed at any time.

    Args:
        folder: The folder, made when it is first written to.

    Example:
        >>> import tempfile
        >>> from keras_lvseg.data.phantom import write_phantom
        >>> tree = Path(tempfile.mkdtemp())
        >>> _ = write_phantom(tree, patients=1, seed=0, frames="contoured")
        >>> paths = sorted(tree.glob("dicoms/*/*.dcm"))
        >>> cache = FrameCache(tree / "cache")
        >>> cache.decode(paths) == len(paths), cache.decode(paths)
        (True, 0)
        >>> cache.read(paths[0]).shape
        (256, 256)
    """

    def __init__(self, folder: str | os.PathLike[str]):
        self.folder = Path(folder)
        self._arrays, self._scratch, self._lists = (
            self.folder / _FORMAT / name for name in ("arrays", "scratch", "lists")
        )
        self._digests: dict[Path, str] = {}

    def decode(self, paths: Sequence[Path], on_progress: Callable[[int, int], None] | None = None) -> int:
        """See to it that the files' pixels lie in the folder.

        Args:
            paths: DICOM files with one grey-scale image each.
            on_progress: Told how many of them are there, and how many are due, after each.

        Returns:
            How many had to be decoded.

        Raises:
            DataError: A file cannot be read or decoded.
            OSError: The folder cannot be written.
        """
        on_progress = on_progress or (lambda done, due: None)
        now = time.time_ns()
        stamps = {path: _stamp(path) for path in paths}  # before any of them is opened
        missing = self._look_up(stamps)
        decoded = 0
        if missing:
            with self._lock():
                missing = self._look_up({path: stamps[path] for path in missing})  # others may have been faster
                results = decode_files(missing, self._arrays, self._scratch)
                for done, (path, (digest, new)) in enumerate(zip(missing, results, strict=True), 1):
                    self._digests[path] = digest
                    decoded += new
                    on_progress(len(stamps) - len(missing) + done, len(stamps))
                self._remember({path: stamps[path] for path in missing if _is_settled(stamps[path], now)})
        on_progress(len(stamps), len(stamps))
        return decoded

    def read(self, path: Path) -> np.ndarray:
        """Read a file's pixels: those that `decode` saw to, else from the file itself.

        Returns:
            Array of shape (rows, columns) of the type that the file stores.

        Raises:
            DataError: There is no array and the file cannot be decoded.
        """
        if path in self._digests:
            array = array_path(self._arrays, self._digests[path])
            try:
                return np.load(array, allow_pickle=False)
            except OSError:  # removed, or no longer to be read
                pass
            except (ValueError, EOFError):  # a power cut may leave a name with nothing under it
                with suppress(OSError):
                    array.unlink()
        return read_pixels(path)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        # Whoever may not read the DICOM files shall not read them here; a folder made for a group is left as it is.
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self._arrays, self._scratch, self._lists):
            folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / "lock")
        try:
            lock.acquire(timeout=_PATIENCE)
        except Timeout:
            warnings.warn(f"{self.folder}: another process decodes into it; waiting for it", stacklevel=2)
            lock.acquire()
        try:
            for leftover in self._scratch.iterdir():  # of processes that were killed
                leftover.unlink(missing_ok=True)
            yield
        finally:
            lock.release()

    def _look_up(self, stamps: dict[Path, Stamp]) -> list[Path]:
        """Fill in the hashes that are remembered; gives the files that have none, or no array."""
        lists = {folder: self._list(folder) for folder in {path.parent for path in stamps}}
        missing = []
        for path, stamp in stamps.items():
            *remembered, digest = lists[path.parent].get(path.name, [""])
            if remembered == stamp and array_path(self._arrays, digest).exists():
                self._digests[path] = digest
            else:
                missing.append(path)
        return missing

    def _remember(self, stamps: dict[Path, Stamp]) -> None:
        by_folder = defaultdict(list)
        for path in stamps:
            by_folder[path.parent].append(path)
        for folder, paths in by_folder.items():
            entries = self._list(folder) | {path.name: [*stamps[path], self._digests[path]] for path in paths}
            path = self._list_path(folder)
            unfinished = self._scratch / path.name  # one process at a time: the lock is held
            unfinished.write_text(json.dumps(entries), encoding="utf-8")
            unfinished.replace(path)

    def _list(self, folder: Path) -> dict[str, list]:
        """The list of a folder of DICOM files: for each file's name its stamp and the hash of its bytes."""
        try:
            entries = json.loads(self._list_path(folder).read_bytes())
        except (OSError, ValueError, RecursionError):  # not there, or damaged: it only saves time
            return {}
        if not isinstance(entries, dict):
            return {}
        return {name: entry for name, entry in entries.items() if _is_entry(entry)}

    def _list_path(self, folder: Path) -> Path:
        return self._lists / f"{hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:32]}.json"


def _is_entry(entry: Any) -> bool:
    """Whether it is a list that ends with a hash; what comes before is a file's stamp where it equals it."""
    return isinstance(entry, list) and bool(entry) and isinstance(entry[-1], str) and bool(_DIGEST.fullmatch(entry[-1]))


def _stamp(path: Path) -> Stamp:
    """What changes when a file does: size, time of writing, time of any change at all (which nobody can set), inode."""
    try:
        status = path.stat()
    except OSError as error:
        raise DataError(path, f"cannot be read ({error.strerror or error})") from None
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _is_settled(stamp: Stamp, now: int) -> bool:
    """Whether another change would show in the stamp: not within the clock's last step, and not on Windows.

    There the third number is the time of creation.
    """
    return os.name != "nt" and max(stamp[1:3]) < now - _SETTLED
