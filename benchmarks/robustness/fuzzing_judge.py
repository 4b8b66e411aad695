"""What a reader makes of an input: an answer, a refusal in one line, or a failure."""

import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from keras_lvseg import DataError

SECONDS = 5
MEMORY = 10**9  # bytes
FINE = ("read", "refused")


@dataclass
class Outcome:
    """Results of a reader's inputs."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*FINE, "failed"), 0))
    slowest: float = 0.0
    failures: list[str] = field(default_factory=list)

    def add(self, result: str, seconds: float, file: Path) -> None:
        """Count an input.

        Args:
            result: Of `judge`.
            seconds: How long it took.
            file: The input, which is kept if it failed.
        """
        self.slowest = max(self.slowest, seconds)
        self.counts[result if result in FINE else "failed"] += 1
        if result not in FINE:
            kept = Path(tempfile.mkdtemp(prefix="fuzzing-")) / file.name
            shutil.copy(file, kept)
            self.failures.append(f"{kept}: {result}")


class Opened:
    """Files and folders that Python opens, once `watch` has been called."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self._watching = False
        sys.addaudithook(self._hook)  # cannot be taken away again

    def watch(self, action: Callable[[], object]) -> list[str]:
        """Call a function, and return the real paths of what it opened, also if it raised."""
        self.paths.clear()
        self._watching = True
        try:
            action()
        finally:
            self._watching = False
        return self.paths

    def _hook(self, event: str, arguments: tuple) -> None:
        if self._watching and event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], str | bytes):
            self.paths.append(os.path.realpath(os.fsdecode(arguments[0])))


OPENED = Opened()


def own_places() -> tuple[str, ...]:
    """Return where code lies that Python imports on first use, the checkout among it, and what the system offers."""
    return (sys.prefix, sys.base_prefix, os.path.realpath(os.curdir), "/proc/", "/sys/", "/dev/")


def judge(read: Callable[[Path], object], folder: Path) -> str:
    """Read the tree in `folder`; return one of `FINE`, or what is wrong."""
    result = _judge_answer(read, folder)
    outside = [path for path in OPENED.paths if not path.startswith((str(folder), *own_places()))]
    return f"opened {outside[0]}" if outside else result


def _judge_answer(read: Callable[[Path], object], folder: Path) -> str:
    try:
        OPENED.watch(lambda: read(folder))
    except DataError as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, MemoryError):
                return f"asked for more memory than there is: {error}"
            cause = cause.__context__
        if not Path(error.path).is_relative_to(folder):
            return f"names something else: {error}"
        return "refused"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "read"


def limit_memory() -> None:
    """Let this process ask for `MEMORY` bytes more than it has now."""
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))


def resident() -> float:
    """Return the peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
