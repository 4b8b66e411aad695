"""Runs that are killed with SIGKILL at random moments, again and again, until they are finished.

    python -m benchmarks.robustness.kills docs/validation/kills.md

Each part starts the same run anew until it was killed often enough. `files` writes with the functions of
`keras_lvseg.files` in a process without Keras. `segment` has two workers; the run or one of its workers is killed.
`train` is resumed after each kill. `tune` has two processes that share a search of 30 trials; one of them is killed.

What was measured is kept in a JSON file beside the table until all parts are done. A campaign that is stopped goes on
with the run that it was in, and the table has the parts that were measured so far. Set KERAS_BACKEND for the backend of
`train` and `tune`.
"""

import argparse
import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

import keras_lvseg
from benchmarks.robustness.archive_runs import segment, start, worker_processes
from benchmarks.robustness.long_runs import contents, write_studies
from benchmarks.table import write_table
from keras_lvseg import SAXDataset
from keras_lvseg.files import delete_abandoned, locked_directory
from keras_lvseg.inference import TrainedNetwork
from keras_lvseg.phantom import write_phantom
from keras_lvseg.training import RunFolder, SearchFolder, read_settings, train

_STUDIES = 8
_TRIALS = 30
_FOLDS = 2
_SETTINGS = 'filters = 2\ncrop = 24\naugmentation = "none"\nepochs = 1\nflip_tta = false\n'
_SPACE = "learning_rate = [1e-3, 1e-1]\nepochs = [1, 2]\n"
_TRAIN = ("--filters=4", "--crop=32", "--epochs=20", "--seed=3", "--image-size=64")

# Keras takes seconds to import, and the files do not need it.
_WRITER = """\
import sys, types
from pathlib import Path
package = types.ModuleType("keras_lvseg")
package.__path__ = [sys.argv[2]]
sys.modules["keras_lvseg"] = package
from keras_lvseg.files import atomic_directory, delete_abandoned, locked_directory, write_json, write_rows
folder, number = Path(sys.argv[1]), int(sys.argv[3])
with locked_directory(folder):
    delete_abandoned(folder)
    while True:
        number += 1
        values = [number] * 20_000
        write_json(folder / "values.json", values)
        write_rows(folder / "values.csv", [{"number": value} for value in values])
        with atomic_directory(folder / f"{number}") as scratch:
            for name in ("a", "b"):
                (scratch / name).write_text(str(values))
        print(number, flush=True)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, nargs="?", default=Path("kills.md"), help="the Markdown file to write")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=[*PARTS], help="the parts to run")
    parser.add_argument("--kills", type=int, default=100, help="kills of each part; ten times as many of `files`")
    arguments = parser.parse_args()
    kept = arguments.table.with_suffix(".json")
    results = json.loads(kept.read_text()) if kept.exists() else {}
    for part in arguments.only:
        own = results.setdefault(part, {"backend": BACKENDS[part], "kills": 0, "runs": 0, "faults": []})
        wanted = arguments.kills * (10 if part == "files" else 1)
        if own["kills"] >= wanted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            run = PARTS[part](Path(folder))
            while own["kills"] < wanted:
                chance = random.Random(f"{part} {own['runs']}")
                kills, faults = run(chance, wanted - own["kills"])
                own.update(kills=own["kills"] + kills, runs=own["runs"] + 1, faults=own["faults"] + faults)
                kept.write_text(json.dumps(results, indent=1))
                print(part, own, flush=True)
    lines = [
        "# Kills",
        "",
        "Runs that are killed with SIGKILL at random moments and started again, until they are finished. A fault is a",
        "file that differs from that of an undisturbed run, is half-written or left over, another weight, or a trial",
        "that is missing.",
        "",
        "| run | backend | runs to the end | kills | faults |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for part, own in results.items():
        lines.append(
            f"| {TITLES[part]} | {own['backend']} | {own['runs']:,} | {own['kills']:,} | {len(own['faults'])} |"
        )
    write_table(
        arguments.table,
        lines,
        f"python -m benchmarks.robustness.kills {arguments.table}",
        ("keras", keras.backend.backend(), "optuna", "distributed"),
    )
    if len(arguments.only) == len(PARTS):
        kept.unlink()
    sys.exit(any(own["faults"] for own in results.values()))


Run = Callable[[random.Random, int], tuple[int, list[str]]]
"""Makes a run that is killed up to a number of times; returns the kills and what was wrong."""


def writers(scratch: Path) -> Run:
    """Return the run of one kill. It must lose nothing that was written before, and leave nothing half-written."""
    out, package = scratch / "out", Path(keras_lvseg.__file__).parent
    last = 0

    def run(chance: random.Random, _: int) -> tuple[int, list[str]]:
        nonlocal last
        before = last
        command = [sys.executable, "-c", _WRITER, out, package, str(last)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        last = int(process.stdout.readline() or -1)
        time.sleep(chance.uniform(0, 0.2))
        process.kill()
        last = max([last, *(int(line) for line in process.communicate()[0].splitlines())])
        faults = [] if last > before else ["the writer did not start"]
        values = json.loads((out / "values.json").read_text())
        rows = [int(row["number"]) for row in read_rows(out / "values.csv")]
        for found in (values, rows):
            if found != [found[0]] * 20_000 or found[0] not in (last, last + 1):
                faults.append(f"after {last}, a file has {len(found)} values of {found[0]}")
        for number in range(before + 1, last + 1):
            texts = {(out / f"{number}" / name).read_text() for name in ("a", "b")}
            if texts != {str([number] * 20_000)}:
                faults.append(f"folder {number} has other text")
        with locked_directory(out):
            delete_abandoned(out)
            faults += [f"{path.name} was left" for path in out.glob(".*") if path.name != ".lock"]
        for number in range(before + 1, last + 2):
            shutil.rmtree(out / f"{number}", ignore_errors=True)
        last += 1
        return 1, faults

    return run


def segmentations(scratch: Path) -> Run:
    """Return the run whose files must be those of an undisturbed run in one process."""
    studies, out = scratch / "studies", scratch / "out"
    write_studies(studies, _STUDIES)
    begun = time.monotonic()
    segment(studies, scratch / "whole").communicate()
    longest, expected = time.monotonic() - begun, contents(scratch / "whole")

    def run(chance: random.Random, most: int) -> tuple[int, list[str]]:
        shutil.rmtree(out, ignore_errors=True)
        kills, faults = 0, []
        while True:
            process = segment(studies, out, "--workers", 2, "--retries", 1000, "--resume")
            workers: list[int] = []
            while process.poll() is None and kills < most:
                try:
                    process.wait(chance.uniform(0, longest))
                except subprocess.TimeoutExpired:
                    workers = worker_processes(process.pid)
                    victim = chance.choice([process.pid, *workers])
                    if kill(victim):
                        kills += 1
                    if victim == process.pid:
                        process.wait()
            error = process.communicate()[1]
            faults += [f"worker {worker} outlived the run" for worker in workers if not ends(worker, 60)]
            unstarted = process.returncode == 1 and "cannot be started" in error  # a worker was killed while it started
            if process.returncode != -signal.SIGKILL and not unstarted:
                break
        if process.returncode:
            faults.append(f"ended with {process.returncode}: {error.strip().splitlines()[-1:]}")
        found = contents(out)
        faults += sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        return kills, faults

    return run


def trainings(scratch: Path) -> Run:
    """Return the run whose weights and history must be those of an undisturbed run."""
    tree = scratch / "tree"
    write_phantom(tree, patients=3, frames="contoured", seed=0)

    def train_on(out: Path) -> subprocess.Popen:
        return start("keras_lvseg_cli", "train", tree, out, *_TRAIN, "--test=PHANTOM0003", "--resume")

    begun = time.monotonic()
    train_on(scratch / "whole").communicate()
    longest, whole = time.monotonic() - begun, RunFolder(scratch / "whole")

    def run(chance: random.Random, most: int) -> tuple[int, list[str]]:
        own = RunFolder(scratch / "run")
        shutil.rmtree(own, ignore_errors=True)
        kills, process = 0, train_on(own.path)
        while kills < most:
            try:
                process.wait(chance.uniform(0, longest))
                break
            except subprocess.TimeoutExpired:
                kills += kill(process.pid)
                process.communicate()
                process = train_on(own.path)
        error = process.communicate()[1]
        if process.returncode:
            return kills, [f"ended with {process.returncode}: {error.strip().splitlines()[-1:]}"]
        faults = [] if same_weights(own, whole) else ["has other weights"]
        if own.history.read_bytes() != whole.history.read_bytes():
            faults.append("has another history")
        return kills, faults + [f"{path.name} was left" for path in own.path.glob(".*")]

    return run


def searches(scratch: Path) -> Run:
    """Return the search by two processes. All trials must be finished, and the best one the same when trained again."""
    tree, out = scratch / "tree", scratch / "search"
    write_phantom(tree, patients=3, frames="contoured", seed=0)
    for name, text in (("settings", _SETTINGS), ("space", _SPACE)):
        (scratch / f"{name}.toml").write_text(text)

    def join() -> subprocess.Popen:
        options = [f"--trials={_TRIALS}", f"--folds={_FOLDS}", "--test=PHANTOM0003"]
        files = [f"--{name}={scratch / name}.toml" for name in ("settings", "space")]
        return start("keras_lvseg_cli", "tune", tree, out, *options, *files)

    def run(chance: random.Random, most: int) -> tuple[int, list[str]]:
        shutil.rmtree(out, ignore_errors=True)
        kills, processes = 0, [join(), join()]
        while kills < most and all(process.poll() is None for process in processes):
            time.sleep(chance.uniform(0, 30))
            victim = chance.randrange(2)
            if processes[victim].poll() is None:
                kills += kill(processes[victim].pid)
                processes[victim].communicate()
                processes[victim] = join()
        errors = [process.communicate()[1] for process in processes]
        if any(process.returncode for process in processes):
            return kills, [f"ended with {process.returncode}" for process in processes] + errors
        return kills, search_faults(SearchFolder(out), tree, scratch / "again")

    return run


def search_faults(search: SearchFolder, tree: Path, again: Path) -> list[str]:
    """Return what is wrong with a finished search."""
    trials = read_rows(search.trials)
    finished = sum(trial["state"] in ("complete", "pruned") for trial in trials)
    faults = [] if finished == _TRIALS else [f"has {finished} finished trials"]
    complete = [trial for trial in trials if trial["state"] == "complete"]
    best = max(complete, key=lambda trial: (float(trial["mean_dice"]), -int(trial["trial"])))
    settings = read_settings(search.best)
    for fold in range(_FOLDS):
        # A trial that was queued again has the folder of its first start, which has the same settings.
        runs = [search.run(int(trial["trial"]), fold) for trial in trials if trial_key(trial) == trial_key(best)]
        own = next(run for run in runs if run.network.is_file())
        roles = own.roles()
        splits = {split: [name for name in roles if roles[name] == split] for split in ("train", "test")}
        shutil.rmtree(again, ignore_errors=True)
        as_trained = TrainedNetwork.from_run(own).info.data
        repeated = train(SAXDataset(tree, splits=splits, **as_trained), again, settings=settings)
        if not same_weights(repeated, own):
            faults.append(f"trial {best['trial']}, trained again, has other weights in fold {fold}")
    return faults


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return [*csv.DictReader(file)]


def trial_key(trial: dict[str, str]) -> tuple[str, ...]:
    return tuple(value for name, value in trial.items() if name not in ("trial", "state", "mean_dice"))


def same_weights(one: RunFolder, other: RunFolder) -> bool:
    weights = [TrainedNetwork.from_run(run).model.get_weights() for run in (one, other)]
    return all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))


def kill(process: int) -> bool:
    """Kill a process; return whether it ran."""
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def ends(process: int, seconds: float) -> bool:
    """Return whether a process has ended within a time."""
    limit = time.monotonic() + seconds
    while Path(f"/proc/{process}").exists():
        if time.monotonic() > limit:
            return False
        time.sleep(0.1)
    return True


PARTS: dict[str, Callable[[Path], Run]] = {
    "files": writers,
    "segment": segmentations,
    "train": trainings,
    "tune": searches,
}
BACKENDS = {"files": "none", "segment": "OpenVINO, if it is installed"} | dict.fromkeys(
    ("train", "tune"), keras.backend.backend()
)
TITLES = {
    "files": "writing files, without Keras",
    "segment": f"`segment --workers 2` of {_STUDIES} studies",
    "train": "`train` of 20 epochs",
    "tune": f"`tune` of {_TRIALS} trials by two processes",
}


if __name__ == "__main__":
    main()
