"""Damaged and malicious files: each is read, or raises a one-line error that names it.

    pip install "keras-lvseg[test,codecs]" atheris
    python -m benchmarks.robustness.fuzzing docs/validation/fuzzing.md

Every reader gets files that Hypothesis makes up and valid ones with bytes changed, then files that Atheris changes
further where they reach new code. Each reader has processes of its own, which may ask for 1 GB of memory on top of what
they start with, and which are ended 5 s after they open a file. A failure is anything but an answer or a DataError that
names a file of the tree, or a file that is opened outside of the tree. It is kept, named, and ends the run with 1.
Results of finished readers are kept in a JSON file beside the page. `--resume` takes them from there.
"""

import argparse
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from benchmarks.robustness.fuzzing_judge import FINE, MEMORY, SECONDS, Outcome, judge, limit_memory, resident
from benchmarks.robustness.fuzzing_readers import READERS
from benchmarks.table import write_table

GUIDED = 10_000  # inputs per process


def fuzz(name: str, count: int, start: int, folder: Path, clock: float = 0.0) -> Outcome:
    """Read inputs with a reader.

    Args:
        name: The reader's.
        count: How many inputs.
        start: Seed of the draw.
        folder: An empty folder, which becomes the tree.
        clock: Seconds after which an input ends the process, busy in C or not; 0 lets it be.
    """
    reader = READERS[name]()
    reader.prepare(folder)
    outcome = Outcome()

    @seed(start)
    @settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=HealthCheck
    )
    @given(reader.inputs)
    def try_one(content: bytes) -> None:
        reader.write(folder, content)
        begin = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, clock)
        result = judge(reader.read, folder)
        signal.setitimer(signal.ITIMER_REAL, 0)
        outcome.add(result, time.perf_counter() - begin, folder / reader.file)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of what it forgives
        try_one()
    return outcome


def work(name: str, count: int) -> dict[str, object]:
    """Run `fuzz` with limits on time and memory, in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch).resolve()
        fuzz(name, 5, 0, folder)  # what is loaded on first use is not the files' doing
        before = resident()
        limit_memory()
        outcome = fuzz(name, count, 1, folder, SECONDS)
    return {**asdict(outcome), "megabytes": resident() - before}


def run(name: str, module: str, arguments: Sequence[str]) -> dict:
    """Start a process for a reader. A crash or a timeout counts as a failure."""
    scratch = tempfile.mkdtemp(prefix="fuzzing-")
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env={**os.environ, "TMPDIR": scratch},
    )
    if done.returncode:
        hung = done.returncode == -signal.SIGALRM
        end = f"hung for {SECONDS} s" if hung else f"ended with {done.returncode}: {done.stderr[-2000:]}"
        outcome = Outcome({"read": 0, "refused": 0, "failed": 1}, SECONDS, [f"{scratch}: {name} {end}"])
        return {**asdict(outcome), "megabytes": 0.0}
    result = json.loads(done.stdout.splitlines()[-1])
    if not result["failures"]:
        shutil.rmtree(scratch)
    return result


def run_guided(name: str, count: int) -> dict:
    """Guide a reader's inputs, in processes one after the other, because Atheris' own memory grows."""
    results = []
    with tempfile.TemporaryDirectory() as corpus:
        for number, start in enumerate(range(0, count, GUIDED), 1):
            arguments = (name, str(min(GUIDED, count - start)), corpus, str(number))
            results.append(run(name, "benchmarks.robustness.fuzzing_guided", arguments))
    return merged(results)


def merged(results: Sequence[dict]) -> dict:
    """Return the results of several runs as those of one."""
    return {
        "counts": {kind: sum(result["counts"][kind] for result in results) for kind in (*FINE, "failed")},
        "failures": [failure for result in results for failure in result["failures"]],
        **{name: max(result[name] for result in results) for name in ("slowest", "megabytes")},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, nargs="?", help="the Markdown file to write")
    parser.add_argument("--inputs", type=int, default=20_000, help="number of inputs, over all readers and both ways")
    parser.add_argument("--resume", action="store_true", help="keep the results of readers that have finished")
    parser.add_argument("--reader", help=argparse.SUPPRESS)  # what the processes are started with
    arguments = parser.parse_args()
    if arguments.reader:
        print(json.dumps(work(arguments.reader, arguments.inputs)))
        return
    ways = ("drawn", "guided") if find_spec("atheris") else ("drawn",)
    shares = {name: make().share for name, make in READERS.items()}
    whole = sum(shares.values()) * len(ways)
    counts = {name: math.ceil(arguments.inputs * share / whole) for name, share in shares.items()}
    kept = (arguments.table or Path(tempfile.gettempdir()) / "fuzzing").with_suffix(".json")
    results: dict[str, dict] = json.loads(kept.read_text()) if arguments.resume and kept.is_file() else {}
    for way in ways:
        for name in READERS:
            key, count = f"{name} | {way}", counts[name]
            if key not in results and way == "drawn":
                command = ("--reader", name, "--inputs", str(count))
                results[key] = run(name, "benchmarks.robustness.fuzzing", command)
            elif key not in results:
                results[key] = run_guided(name, count)
            else:
                continue
            kept.write_text(json.dumps(results, indent=1))
            print(f"{key} {results[key]['counts']}", *results[key]["failures"], sep="\n", flush=True)
    rows = [
        f"| {key} | {sum(result['counts'].values()):,} | "
        + " | ".join(f"{result['counts'][kind]:,}" for kind in (*FINE, "failed"))
        + f" | {result['slowest'] * 1000:.0f} | {result['megabytes']:.0f} |"
        for key, result in [*sorted(results.items()), ("all | both", merged([*results.values()]))]
    ]
    lines = [
        "# Damaged and malicious files",
        "",
        f"Files are read in processes that may ask for {MEMORY // 10**9} GB of memory on top of what they start with.",
        f"They are ended {SECONDS} s after they open a file. *drawn*: Hypothesis made the file up, or changed bytes of",
        "a valid one. *guided*: Atheris changed valid files, and went on from those that reached new code. *right",
        "checksums*: the file got the checksums of its changed content. *read*: there was an answer. *refused*: one",
        "line, a `DataError`, named a file of the tree. *failed*: anything else, or a file opened outside of the tree.",
        "",
        "| file | changed | inputs | read | refused | failed | slowest, ms | memory, MB more than before |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *rows,
    ]
    if arguments.table:
        command = f"python -m benchmarks.robustness.fuzzing {arguments.table} --inputs {arguments.inputs}"
        packages = ("hypothesis", *(("atheris",) if "guided" in ways else ()), "pydicom", "pillow", "nibabel", "numpy")
        write_table(arguments.table, lines, command, packages)
        kept.unlink(missing_ok=True)
    sys.exit(any(result["failures"] for result in results.values()))


if __name__ == "__main__":
    main()
