"""Bounded reads, atomic writes and locks of files and folders."""

from __future__ import annotations

import csv
import json
import os
import platform
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from keras_lvseg.errors import DataError, as_data_error

LOCK_FILE = ".lock"
"""Name of the file by which a folder is locked."""

# Also behind apostrophes, so that the one in front can be told from the text's own.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_ESCAPED = re.compile(rf"'{_FORMULA.pattern}")
_STEM_LENGTH = 40  # of the name that a temporary name repeats; file systems take names of 255 bytes


@contextmanager
def open_bytes(path: str | os.PathLike[str]) -> Iterator[tuple[BinaryIO, int]]:
    """Open a file for reading.

    Yields:
        The open file and its size in bytes.

    Raises:
        DataError: The file is missing or cannot be read, also when that shows only inside the block.
    """
    path = Path(path)
    with as_data_error(path, "cannot be read"):
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe may block for ever
            raise DataError(path, "is not a file")
        with path.open("rb") as file:
            yield file, os.fstat(file.fileno()).st_size


def read_bytes(path: str | os.PathLike[str], max_size: int) -> bytes:
    """Read a whole file of at most `max_size` bytes.

    Raises:
        DataError: The file is missing, cannot be read, or is larger.
    """
    with open_bytes(path) as (file, size):
        if size > max_size:
            raise DataError(path, "is too large", expected=f"at most {max_size:,} bytes", got=f"{size:,}")
        return file.read()


def read_json(path: str | os.PathLike[str], max_size: int = 10_000_000) -> Any:
    """Read a JSON file of at most `max_size` bytes.

    Raises:
        DataError: The file is missing, cannot be read, is larger, or is not valid JSON.
    """
    data = read_bytes(path, max_size)
    with as_data_error(path, "is not valid JSON"):
        return json.loads(data)


def read_rows(path: str | os.PathLike[str]) -> list[dict[str, str]]:
    """Read a CSV file written by `write_rows`, every cell as text, without the apostrophes that it added."""
    with open(path, newline="", encoding="utf-8") as file:
        return [{column: csv_text(cell) for column, cell in row.items()} for row in csv.DictReader(file)]


def csv_text(cell: str) -> str:
    """Return the text of a CSV cell, without the apostrophe that `write_rows` puts in front of formulas.

    Example:
        >>> csv_text("'=1+2"), csv_text("'P1'")
        ('=1+2', "'P1'")
    """
    return cell[1:] if _ESCAPED.match(cell) else cell


def write_rows(path: str | os.PathLike[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows of plain values as CSV, atomically. The first row names the columns.

    A text that a spreadsheet would take as a formula gets an apostrophe in front. Numbers do not. A tuple is one cell,
    its values separated by blanks. Parts of damaged characters are escaped.
    """
    with (
        atomic_file(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file,
    ):
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({column: _csv_cell(value) for column, value in row.items()} for row in rows)


def _csv_cell(value: Any) -> Any:
    if isinstance(value, tuple):
        return " ".join(str(_csv_cell(part)) for part in value)
    if not isinstance(value, str | os.PathLike):
        return value
    text = os.fspath(value)
    return f"'{text}" if _FORMULA.match(text) else text


def write_json(path: str | os.PathLike[str], values: Any) -> None:
    """Write plain values as JSON, atomically."""
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a file atomically: under a temporary name first, renamed if the block succeeds.

    Args:
        path: The file to write. An existing file is replaced only at the end.

    Yields:
        A temporary path with the same folder and suffix. It is deleted if the block raises.

    Raises:
        OSError: The file cannot be written, for example because the disk is full. Its `filename` is `path`.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "numbers.txt"
        >>> with atomic_file(path) as temporary:
        ...     _ = temporary.write_text("1 2 3")
        ...     path.exists()
        False
        >>> path.read_text()
        '1 2 3'
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem[:_STEM_LENGTH]}.{_owner()}{path.suffix}")
    try:
        with _errors_that_name(path, temporary):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            os.replace(temporary, path)
    finally:
        with suppress(OSError):  # the file system may be gone
            temporary.unlink(missing_ok=True)


@contextmanager
def _errors_that_name(path: Path, temporary: Path) -> Iterator[None]:
    """Put a path into a system error of the block that names none, as on a full disk, or a temporary path."""
    try:
        yield
    except OSError as error:
        cause: BaseException | None = error
        while isinstance(cause, OSError) and cause.errno is None:  # pydicom wraps the error of the system in a text
            cause = cause.__cause__ or cause.__context__
        if not isinstance(cause, OSError):
            raise
        named = cause.filename
        if named is None or (isinstance(named, str) and Path(named).is_relative_to(temporary)):
            raise OSError(cause.errno, cause.strerror, str(path)) from error
        raise


@contextmanager
def atomic_directory(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a folder atomically: under a temporary name first, renamed if the block succeeds.

    Args:
        path: The folder to make. An existing empty folder is filled at the end, folders first and files last, because
            the files list the content of the folders.

    Yields:
        A temporary empty folder. It is deleted if the block raises.

    Raises:
        DataError: `path` is a file or a folder with content, or cannot be written.
        OSError: The disk became full, or the folder vanished. Its `filename` is `path`.
    """
    path = Path(path)
    require_empty(path)
    path = Path(os.path.realpath(path))
    # An existing folder is not replaced: it may be the working directory of a process, or a mount point.
    fill = path.exists()
    parent = path if fill else path.parent
    parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".unfinished.{_owner()}.", dir=parent))
    temporary.chmod(0o755)  # the finished folder would keep the 0700 of mkdtemp
    try:
        with _errors_that_name(path, temporary):
            yield temporary
            if fill:
                for entry in sorted(temporary.iterdir(), key=Path.is_file):
                    entry.rename(path / entry.name)
            else:
                temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def require_empty(folder: Path) -> None:
    """Raise if a folder has content or cannot be written. It may be missing.

    Raises:
        DataError: See above.
    """
    real = Path(os.path.realpath(folder))
    with as_data_error(folder, "cannot be written", "name another folder"):
        if real.exists() and (not real.is_dir() or any(entry.name != LOCK_FILE for entry in real.iterdir())):
            raise DataError(folder, "is not empty", "name a new or an empty folder")
        # Tried by writing, because permissions do not show a file system that is read-only or full.
        os.rmdir(tempfile.mkdtemp(dir=next(parent for parent in (real, *real.parents) if parent.exists())))


@contextmanager
def locked_directory(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Create a folder if it is missing, and lock it for this process.

    The system releases the lock when the process ends, however it ends. A file system without locks is written without
    one. A folder that this call created and that is still empty is deleted at the end.

    Yields:
        The folder.

    Raises:
        DataError: Another process holds the lock, or the folder cannot be written.

    Example:
        >>> import tempfile
        >>> with locked_directory(Path(tempfile.mkdtemp()) / "out") as folder, locked_directory(folder):
        ...     pass
        Traceback (most recent call last):
        keras_lvseg.errors.DataError: ...out: is in use by another process; wait until it ends, or name another folder
    """
    path = Path(path)
    with as_data_error(path, "cannot be written", "name another folder"):
        created = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(parents=True, exist_ok=True)
        lock = _lock(path / LOCK_FILE)
    try:
        yield path
    finally:
        (path / LOCK_FILE).unlink(missing_ok=True)
        os.close(lock)
        for folder in created:
            with suppress(OSError):  # it has content
                folder.rmdir()


def _lock(path: Path) -> int:
    """Return the descriptor of a lock file that no other process has locked."""
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock_descriptor(lock)
        except (BlockingIOError, PermissionError) as error:
            os.close(lock)
            hint = "wait until it ends, or name another folder"
            raise DataError(path.parent, "is in use by another process", hint) from error
        except OSError:  # the file system has no locks
            return lock
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), path.stat()):
                return lock
        os.close(lock)  # the last holder deleted the file after it was opened here


def _lock_descriptor(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def delete_abandoned(folder: Path) -> None:
    """Delete temporary files and folders that processes of this host left in a folder when they were killed.

    Args:
        folder: The folder. Those in its subfolders are kept.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / f".scores.{_host()}-99999999.csv").touch()
        >>> delete_abandoned(folder)
        >>> list(folder.iterdir())
        []
    """
    name = re.compile(rf"\..+\.{re.escape(_host())}-(\d+)\.?.*")
    for entry in folder.iterdir():
        owner = name.fullmatch(entry.name)
        if owner is None or _is_running(int(owner[1])):
            continue
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def _owner() -> str:
    """Return host and process, as temporary names carry them."""
    return f"{_host()}-{os.getpid()}"


def _host() -> str:
    return re.sub(r"\W", "_", platform.node())[:_STEM_LENGTH] or "host"


def _is_running(process: int) -> bool:
    if sys.platform == "win32":  # there, os.kill would end the process
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it belongs to another user
        return True
    return True
