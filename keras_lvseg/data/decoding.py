"""Decode many DICOM files into a folder of arrays, in several processes where there is enough to do."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from keras_lvseg.data.dicom import decode_pixels, read_content

_WORKER = Path(__file__).with_name("decoding_worker.py")
SERIAL_BELOW = 512  # files; to start workers takes as long as to decode about as many, of uncompressed ones
MOST_WORKERS = 16  # past that the disk is what is waited for


def decode_file(path: Path, arrays: Path, scratch: Path) -> tuple[str, bool]:
    """Decode one file, unless an array of its content is there.

    Args:
        path: A DICOM file with one grey-scale image.
        arrays: Folder of the arrays, `array_path` gives the name.
        scratch: Folder on the same disk for what is not whole yet.

    Returns:
        The hash of the file's bytes, and whether it was decoded.

    Raises:
        DataError: The file cannot be read or decoded.
        OSError: The array cannot be written.
    """
    content = read_content(path)
    digest = hashlib.sha256(content).hexdigest()
    array = array_path(arrays, digest)
    if array.exists():
        return digest, False
    pixels = decode_pixels(content, path)  # of the very bytes that the hash is of, whatever the file holds by now
    unfinished = scratch / f"{digest}.{os.getpid()}"
    with unfinished.open("wb") as file:
        np.save(file, pixels, allow_pickle=False)
    array.parent.mkdir(exist_ok=True)
    unfinished.replace(array)
    return digest, True


def array_path(arrays: Path, digest: str) -> Path:
    """Where the array lies whose file's bytes have this hash."""
    return arrays / digest[:2] / f"{digest}.npy"


def decode_files(paths: Sequence[Path], arrays: Path, scratch: Path) -> Iterator[tuple[str, bool]]:
    """`decode_file` of each path, in their order.

    The workers are plain processes that run one script, which imports NumPy and pydicom only. What the standard
    library starts would import the caller's own script once more, and with this package Keras and its backend.
    """
    count = min(_cores(), MOST_WORKERS) if len(paths) >= SERIAL_BELOW and sys.executable else 1
    if count == 1:
        yield from (decode_file(path, arrays, scratch) for path in paths)
        return
    with _workers([paths[first::count] for first in range(count)], arrays, scratch) as lines:
        for i, path in enumerate(paths):
            digest, _, decoded = lines[i % count].readline().decode().strip().partition(" ")
            # Where a worker could not, or is dead: here, so that what is wrong with the file is raised here.
            yield (digest, decoded == "new") if decoded else decode_file(path, arrays, scratch)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _workers(shares: Sequence[Sequence[Path]], arrays: Path, scratch: Path) -> Iterator[list[IO[bytes]]]:
    """Start a process for each share of the files; gives what they write: a line a file, in the share's order."""
    # -P: the script's own folder is full of modules that could be taken for others of the same name.
    command = [sys.executable, "-P", os.fspath(_WORKER), os.fspath(arrays), os.fspath(scratch)]
    # NumPy's algebra starts a thread a core on import, for nothing here.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    with ExitStack() as stack:
        lines = []
        for share in shares:
            # A file, for a pipe would be full before the worker has loaded what it needs to read it.
            tasks = stack.enter_context(tempfile.TemporaryFile(dir=scratch))
            tasks.write(b"\0".join(map(os.fsencode, share)))
            tasks.seek(0)
            process = subprocess.Popen(
                command, stdin=tasks, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
            )
            stack.enter_context(process)
            stack.callback(process.kill)  # before the process is waited for
            assert process.stdout is not None
            lines.append(process.stdout)
        yield lines
