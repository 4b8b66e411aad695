"""Damaged and malicious files: each is read, or raises a one-line error that names it.

    python -m benchmarks.robustness.fuzzing docs/validation/fuzzing.md

Every reader gets files that Hypothesis makes up and valid ones with bytes changed, in processes of its own that may
ask for 1 GB of memory on top of what they start with, and are ended by the clock 5 s after they open a file. Anything
but an answer or a DataError that names a file of the tree is a failure: it is kept, named, and ends the run with 1.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from benchmarks.robustness.fuzzing_inputs import readers
from benchmarks.table import write_table
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


def fuzz(name: str, count: int, start: int, folder: Path, clock: float = 0.0) -> Outcome:
    """Read inputs with a reader.

    Args:
        name: The reader's.
        count: How many inputs.
        start: Seed of the draw.
        folder: An empty folder, which becomes the tree.
        clock: Seconds after which an input ends the process, busy in C or not; 0 lets it be.
    """
    reader = readers()[name]
    for other, content in reader.others.items():
        (folder / other).parent.mkdir(parents=True, exist_ok=True)
        (folder / other).write_bytes(content)
    outcome = Outcome()

    @seed(start)
    @settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=HealthCheck
    )
    @given(reader.inputs)
    def try_one(content: bytes) -> None:
        (folder / reader.file).write_bytes(content)
        begin = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, clock)
        result = judge(reader.read, folder)
        signal.setitimer(signal.ITIMER_REAL, 0)
        outcome.slowest = max(outcome.slowest, time.perf_counter() - begin)
        outcome.counts[result if result in FINE else "failed"] += 1
        if result not in FINE:
            kept = Path(tempfile.mkdtemp(prefix="fuzzing-")) / reader.file
            kept.write_bytes(content)
            outcome.failures.append(f"{kept}: {result}")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of what it forgives
        try_one()
    return outcome


def judge(read: Callable[[Path], object], folder: Path) -> str:
    """Read the tree in `folder`; return one of `FINE`, or what is wrong."""
    try:
        read(folder)
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


def work(name: str, count: int) -> dict[str, object]:
    """Run `fuzz` with limits on time and memory, in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch).resolve()
        fuzz(name, 5, 0, folder)  # what is loaded on first use is not the files' doing
        before = _resident()
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
        outcome = fuzz(name, count, 1, folder, SECONDS)
    return {**asdict(outcome), "megabytes": _resident() - before}


def _resident() -> float:
    """Return the process's peak memory in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(name: str, count: int) -> dict:
    """Start `work` in a process. A crash or a timeout counts as a failure."""
    command = [sys.executable, "-m", "benchmarks.robustness.fuzzing", "--reader", name, "--inputs", str(count)]
    scratch = tempfile.mkdtemp(prefix="fuzzing-")
    environment = {**os.environ, "TMPDIR": scratch}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        hung = done.returncode == -signal.SIGALRM
        end = f"hung for {SECONDS} s" if hung else f"ended with {done.returncode}: {done.stderr[-2000:]}"
        outcome = Outcome({"read": 0, "refused": 0, "failed": 1}, SECONDS, [f"{scratch}: {name} {end}"])
        return {**asdict(outcome), "megabytes": 0.0}
    result = json.loads(done.stdout.splitlines()[-1])
    if not result["failures"]:
        shutil.rmtree(scratch)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, nargs="?", help="the Markdown file to write")
    parser.add_argument("--inputs", type=int, default=20_000, help="number of inputs, over all readers")
    parser.add_argument("--reader", help=argparse.SUPPRESS)  # what the processes are started with
    arguments = parser.parse_args()
    if arguments.reader:
        print(json.dumps(work(arguments.reader, arguments.inputs)))
        return
    names = tuple(readers())
    results = {name: run(name, -(-arguments.inputs // len(names))) for name in names}
    rows = [
        f"| {name} | {sum(result['counts'].values()):,} | "
        + " | ".join(f"{result['counts'][kind]:,}" for kind in (*FINE, "failed"))
        + f" | {result['slowest'] * 1000:.0f} | {result['megabytes']:.0f} |"
        for name, result in results.items()
    ]
    failures = [failure for result in results.values() for failure in result["failures"]]
    print("\n".join([*rows, *failures]))
    lines = [
        "# Damaged and malicious files",
        "",
        "Files that Hypothesis makes up, and valid ones with bytes changed, are read in processes that may ask for",
        f"{MEMORY // 10**9} GB of memory on top of what they start with, and that are ended {SECONDS} s after they",
        "open a file. *read*: there was an answer. *refused*: one line, a `DataError`, named a file of the tree.",
        "*failed*: anything else.",
        "",
        "| reader | inputs | read | refused | failed | slowest, ms | memory, MB more than before |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *rows,
    ]
    if arguments.table:
        command = f"python -m benchmarks.robustness.fuzzing {arguments.table} --inputs {arguments.inputs}"
        write_table(arguments.table, lines, command, ("hypothesis", "pydicom", "pillow", "numpy"))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
