"""A new process, small enough to fork: processes that decode, killed at random moments or many at once.

python killed_while_decoding.py TREE FOLDER REPORT
"""

import importlib.util
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np

WORKER = Path(__file__).parents[2] / "keras_lvseg" / "data" / "decoding_worker.py"
ROUNDS, PROCESSES = 30, 4


def start(paths: list[Path], folder: Path, report: Path | None = None) -> int:
    """Fork a process that decodes into `folder` and writes how many it had to."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        decoded = FrameCache(folder).decode(paths)
        if report:
            report.write_text(str(decoded))
        status = 0
    finally:
        os._exit(status)


def check_whole(folder: Path, expected: list[np.ndarray]) -> int:
    """Every array that has its name is one of those expected; gives how many there are."""
    contents = {pixels.tobytes() for pixels in expected}
    arrays = [np.load(path) for path in folder.glob("*/arrays/*/*")]
    assert all(array.tobytes() in contents for array in arrays)
    return len(arrays)


def check_complete(folder: Path, paths: list[Path], expected: list[np.ndarray]) -> None:
    cache = FrameCache(folder)
    cache.decode(paths)
    for path, pixels in zip(paths, expected, strict=True):
        np.testing.assert_array_equal(cache.read(path), pixels)


def killed_at_random(folder: Path, paths: list[Path], expected: list[np.ndarray]) -> list[int]:
    """How many arrays were there when each was killed: any number of files, and some part of the next one, into it."""
    draw = random.Random(0)
    there = []
    for round_ in range(ROUNDS):
        # Every third one starts workers, which outlive it.
        decoding.SERIAL_BELOW = 1 if round_ % 3 == 0 else len(paths) + 1
        own = folder / str(round_)
        child = start(paths, own)
        due, deadline = draw.randrange(len(paths)), time.monotonic() + 20
        while sum(1 for _ in own.glob("*/arrays/*/*")) < due and time.monotonic() < deadline:
            pass
        time.sleep(draw.uniform(0, 0.002))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        there.append(check_whole(own, expected))
        decoding.SERIAL_BELOW = len(paths) + 1
        check_complete(own, paths, expected)
    return there


def many_at_once(folder: Path, paths: list[Path], expected: list[np.ndarray]) -> list[int]:
    """How many files each of the processes decoded."""
    folder.mkdir()
    reports = [folder / f"{i}.txt" for i in range(PROCESSES)]
    children = [start(paths, folder / "cache", report) for report in reports]
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * PROCESSES
    check_complete(folder / "cache", paths, expected)
    return [int(report.read_text()) for report in reports]


if __name__ == "__main__":
    spec = importlib.util.spec_from_file_location("decoding_worker", WORKER)
    worker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(worker)
    worker.bare_packages()
    from keras_lvseg.data import decoding
    from keras_lvseg.data.cache import FrameCache
    from keras_lvseg.data.dicom import read_pixels

    assert "keras" not in sys.modules
    tree, folder, report = (Path(argument) for argument in sys.argv[1:])
    paths = sorted(tree.glob("dicoms/*/*.dcm"))
    expected = [read_pixels(path) for path in paths]
    found = {
        "files": len(paths),
        "there": killed_at_random(folder, paths, expected),
        "decoded": many_at_once(folder / "many", paths, expected),
    }
    report.write_text(json.dumps(found))
