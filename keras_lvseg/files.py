"""Files and folders that are written whole or not at all."""

from __future__ import annotations

import csv
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from keras_lvseg.errors import DataError


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a scratch path that takes the name `path` when the block ends well, and is removed when not.

    Args:
        path: The file to write. One that exists is replaced, at the end, in one step.

    Yields:
        A path in the same folder with the same suffix, to be written by the caller.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "numbers.txt"
        >>> with atomic_file(path) as scratch:
        ...     _ = scratch.write_text("1 2 3")
        ...     path.exists()
        False
        >>> path.read_text()
        '1 2 3'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield scratch
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


@contextmanager
def open_bytes(path: str | os.PathLike[str]) -> Iterator[tuple[BinaryIO, int]]:
    """Open a file to read; gives it, and how many bytes it has.

    Raises:
        DataError: There is no such file, or it cannot be opened, or read within the block.
    """
    path = Path(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # to open a pipe may take for ever
            raise DataError(path, "is not a file")
        with path.open("rb") as file:
            yield file, os.fstat(file.fileno()).st_size
    except OSError as error:
        raise DataError(path, f"cannot be read ({error.strerror or error})") from None


def read_bytes(path: str | os.PathLike[str], largest: int) -> bytes:
    """Read a file whole, so long as that is no more than `largest` bytes.

    Raises:
        DataError: There is no such file, it cannot be read, or it is larger.
    """
    with open_bytes(path) as (file, size):
        if size > largest:
            raise DataError(path, f"is too large: {size:,} bytes", f"at most {largest:,} are due")
        return file.read()


def write_json(path: str | os.PathLike[str], values: Any) -> None:
    """Write plain values as JSON, whole or not at all."""
    with atomic_file(path) as scratch:
        scratch.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def write_rows(path: str | os.PathLike[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows of plain values as CSV, whole or not at all; the first row names the columns."""
    with atomic_file(path) as scratch, scratch.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: str | os.PathLike[str]) -> list[dict[str, str]]:
    """Read what `write_rows` wrote, every cell as text."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def require_empty(folder: Path) -> None:
    """See to it that a folder can be written without touching what somebody else wrote.

    Raises:
        DataError: It is there and holds something, or is no folder; or nothing can be written there.
    """
    real = Path(os.path.realpath(folder))
    try:
        if real.exists() and (not real.is_dir() or any(real.iterdir())):
            raise DataError(folder, "is there already and not empty", "name a new or an empty folder")
        # Tried, for permissions do not tell of a file system that is read-only or full.
        os.rmdir(tempfile.mkdtemp(dir=next(place for place in (real, *real.parents) if place.exists())))
    except OSError as error:
        raise DataError(folder, f"cannot be written ({error.strerror or error})", "name another folder") from None


@contextmanager
def atomic_directory(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a scratch folder that takes the name `path` when the block ends well, and is removed when not.

    Args:
        path: The folder to make. An empty one may stand there, and is filled at the end: folders come first and files
            last, as they say what is there. One with anything in it is left alone.

    Yields:
        An empty folder.

    Raises:
        DataError: `path` exists and is not an empty folder, or cannot be written.
    """
    path = Path(path)
    require_empty(path)
    path = Path(os.path.realpath(path))
    # A folder that is there is not replaced: it may be somebody's working directory, or a disk of its own.
    fill = path.exists()
    place = path if fill else path.parent
    place.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".unfinished.", dir=place))
    scratch.chmod(0o755)  # mkdtemp's 0700 would stay on the finished folder
    try:
        yield scratch
        if fill:
            for entry in sorted(scratch.iterdir(), key=Path.is_file):
                entry.rename(path / entry.name)
        else:
            scratch.rename(path)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
