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


def start(paths: list[Path], folder: Path, report: Path | None = None, killed_at: str | None = None) -> int:
    """Fork a process that decodes into `folder` and writes how many it had to.

    It is killed before a file takes a name that ends with `killed_at`.
    """
    child = os.fork()
    if child:
        return child
    status = 1

    def kill(event: str, arguments: tuple) -> None:
        if killed_at and event == "os.rename" and str(arguments[1]).endswith(killed_at):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(kill)
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
    """How many arrays were there when each was killed: any number of files, and some part of the next one, into it.

    Three after each other share a cache, and the last of them is killed when all arrays are there.
    """
    draw = random.Random(0)
    there = []
    for round_ in range(ROUNDS):
        # Every sixth one starts workers, which outlive it.
        decoding.SERIAL_BELOW = 1 if round_ % 6 == 1 else len(paths) + 1
        own, last = folder / str(round_ // 3), round_ % 3 == 2
        already = min(check_whole(own, expected), len(paths) - 1)
        child = start(paths, own)
        due, deadline = len(paths) if last else draw.randrange(already, len(paths)), time.monotonic() + 20
        while sum(1 for _ in own.glob("*/arrays/*/*")) < due and time.monotonic() < deadline:
            pass
        time.sleep(draw.uniform(0, 0.002))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        there.append(check_whole(own, expected))
        if last:
            decoding.SERIAL_BELOW = len(paths) + 1
            check_complete(own, paths, expected)
    return there


def killed_while_remembering(folder: Path, paths: list[Path], expected: list[np.ndarray]) -> list[str]:
    """What is left that nobody takes away, of one that was killed when its first list was written and had no name."""
    child = start(paths, folder, killed_at=".json")
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    check_complete(folder, paths, expected)
    scraps = [path for path in folder.glob("*/*/*") if path.is_file() and path.suffix != ".json"]
    return [path.name for path in (*scraps, *folder.glob("*/*/.*"))]


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
    from keras_lvseg.data import cache, decoding
    from keras_lvseg.data.cache import FrameCache
    from keras_lvseg.data.dicom import read_pixels

    assert "keras" not in sys.modules
    cache._SETTLED = 0  # so that there is something to remember
    tree, folder, report = (Path(argument) for argument in sys.argv[1:])
    paths = sorted(tree.glob("dicoms/*/*.dcm"))
    expected = [read_pixels(path) for path in paths]
    found = {
        "files": len(paths),
        "there": killed_at_random(folder, paths, expected),
        "left": killed_while_remembering(folder / "remembering", paths, expected),
        "decoded": many_at_once(folder / "many", paths, expected),
    }
    report.write_text(json.dumps(found))
