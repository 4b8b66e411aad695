"""Memory of `segment` over 200 studies, and runs that are killed at random moments.

    python -m benchmarks.robustness.long_runs docs/validation/long_runs.md

Studies are synthetic: five slices at two phases of four hearts, copied under other names and UIDs. A killed run must
have lost at most one study. After `--resume`, its folder must equal that of an undisturbed run, byte by byte.

What was measured is kept in a JSON file beside the table until the table is written, so a campaign that is stopped goes
on with the next kill. `--only memory` and `--only kills` run one part.
"""

import argparse
import json
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
from pydicom.uid import generate_uid

from benchmarks.table import write_table
from keras_lvseg import Segmenter
from keras_lvseg.inference import open_results
from keras_lvseg.phantom import write_phantom

_HEARTS = 4
_PHASES = (6, 18)  # near end-systole and end-diastole
_SLICES = range(2, 7)  # of those with a cavity
_KILLED_STUDIES = 6
_SEED = 0


def write_studies(folder: Path, count: int) -> None:
    """Write synthetic studies of two phases."""
    with tempfile.TemporaryDirectory() as scratch:
        write_phantom(Path(scratch) / "hearts", patients=_HEARTS, frames="all", seed=_SEED)
        hearts = [sorted(heart.glob("*.dcm")) for heart in sorted((Path(scratch) / "hearts" / "dicoms").iterdir())]
        for number in range(count):
            name = f"STUDY{number:04d}"
            (folder / name).mkdir(parents=True)
            for path in hearts[number % _HEARTS]:
                dataset = pydicom.dcmread(path)
                slice_, phase = divmod(dataset.InstanceNumber - 1, dataset.CardiacNumberOfImages)
                if slice_ not in _SLICES or phase not in _PHASES:
                    continue
                dataset.PatientID = dataset.PatientName = name
                for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "SOPInstanceUID"):
                    setattr(dataset, keyword, generate_uid(entropy_srcs=[name, dataset[keyword].value]))
                dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
                dataset.save_as(folder / name / path.name)


def segment(studies: Path, out: Path, resume: bool) -> None:
    """Segment in this process, and print images and memory after each step."""
    with open_results(out, resume=resume, outputs=("masks", "report", "nifti", "dicom-seg")) as results:
        segmentation = Segmenter().segment(studies)

        def report(done: int, total: int) -> None:
            print(done, resident_bytes(), flush=True)

        results.write(segmentation, report)
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, flush=True)


def resident_bytes() -> int:
    """Return the memory that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def start(studies: Path, out: Path, *options: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "benchmarks.robustness.long_runs", "--segment", studies, out, *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def measure_memory(count: int) -> dict[str, float]:
    """Return images, memory after the first quarter and peak in MB, and the slope after the quarter in KB per study."""
    with tempfile.TemporaryDirectory() as folder:
        studies = Path(folder) / "studies"
        write_studies(studies, count)
        process = start(studies, Path(folder) / "out")
        *steps, (_, peak) = (line.split() for line in process.communicate()[0].splitlines())
        if process.returncode:
            raise SystemExit(f"segment ended with {process.returncode}")
    images, memory = np.array(steps, dtype=float).T
    study = images / images[-1] * count
    later = study > count / 4
    return {
        "studies": count,
        "images": int(images[-1]),
        "quarter": memory[later][0] / 2**20,
        "slope": np.polyfit(study[later], memory[later], 1)[0] / 2**10,
        "peak": float(peak) / 2**20,
    }


def contents(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def kill_runs(results: dict, kills: int, keep: Callable[[], None]) -> None:
    """Add results of killed runs until there are `kills`: studies finished and lost, and files that differ."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        studies, out = scratch / "studies", scratch / "killed"
        write_studies(studies, _KILLED_STUDIES)
        start(studies, scratch / "whole").communicate()
        expected = contents(scratch / "whole")
        frames = np.cumsum([len(list(folder.iterdir())) for folder in sorted(studies.iterdir())])
        while len(results["kills"]) < kills:
            chance = random.Random(f"{_SEED} {len(results['kills'])} {results['too_late']}")
            process = start(studies, out)
            images = wait_and_kill(process, chance.uniform(0, frames[-1]), chance.uniform(0, 2))
            if process.returncode == -signal.SIGKILL:
                finished = {path.parent.name for path in out.glob("[!.]*/study.json")}
                left = {name: content for name, content in contents(out).items() if name.split("/")[0] in finished}
                wrong = {name for name, content in left.items() if expected.get(name) != content}
                start(studies, out, "--resume").communicate()
                resumed = contents(out)
                wrong |= {name for name in expected.keys() | resumed.keys() if expected.get(name) != resumed.get(name)}
                lost = int((frames <= images).sum()) - len(finished)
                results["kills"].append({"finished": len(finished), "lost": lost, "different": sorted(wrong)})
            else:
                results["too_late"] += 1
            keep()
            shutil.rmtree(out)


def wait_and_kill(process: subprocess.Popen, images: float, seconds: float) -> int:
    """Kill a process some time after it has segmented a number of images; return how many it had segmented."""
    done = 0
    for line in process.stdout:
        done = int(line.split()[0])
        if done >= images:
            break
    time.sleep(seconds)
    process.kill()
    steps = [line.split()[0] for line in process.communicate()[0].splitlines()]
    return max([done, *(int(step) for step in steps if step.isdigit())])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, nargs="?", default=Path("long_runs.md"), help="the Markdown file to write")
    parser.add_argument("--only", choices=["memory", "kills"], help="run one part")
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--segment", type=Path, nargs=2, help=argparse.SUPPRESS)  # what the processes are started with
    parser.add_argument("--resume", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.segment:
        segment(*arguments.segment, arguments.resume)
        return
    kept = arguments.table.with_suffix(".json")
    results = json.loads(kept.read_text()) if kept.exists() else {"memory": None, "kills": [], "too_late": 0}

    def keep() -> None:
        kept.write_text(json.dumps(results, indent=1))
        print(results["memory"], results["kills"][-1:], flush=True)

    if arguments.only != "kills" and results["memory"] is None:
        results["memory"] = measure_memory(arguments.studies)
        keep()
    if arguments.only != "memory":
        kill_runs(results, arguments.kills, keep)
    if results["memory"] is None or len(results["kills"]) < arguments.kills:
        return
    lines = table(results["memory"], results["kills"])
    print("\n".join(lines))
    command = f"python -m benchmarks.robustness.long_runs {arguments.table}"
    write_table(arguments.table, lines, command, ("keras", "tensorflow", "highdicom", "nibabel"))
    kept.unlink()
    sys.exit(any(kill["lost"] > 1 or kill["different"] for kill in results["kills"]))


def table(memory: dict[str, float], kills: list[dict]) -> list[str]:
    finished = [kill["finished"] for kill in kills]
    return [
        "# Long runs",
        "",
        "`segment` with masks, report, NIfTI and DICOM SEG of synthetic studies of five slices at two phases.",
        "",
        "| | |",
        "| --- | --- |",
        f"| studies, images | {memory['studies']}, {memory['images']:,} |",
        f"| memory after a quarter of the studies | {memory['quarter']:,.0f} MB |",
        f"| growth from there on | {memory['slope']:.1f} KB per study |",
        f"| peak | {memory['peak']:,.0f} MB |",
        f"| runs of {_KILLED_STUDIES} studies killed with SIGKILL at a random moment | {len(kills)} |",
        f"| studies that these had finished, least and most | {min(finished)}, {max(finished)} |",
        f"| most studies lost by one | {max(kill['lost'] for kill in kills)} |",
        "| files that differ from an undisturbed run, finished or after `--resume` | "
        f"{sum(len(kill['different']) for kill in kills)} |",
    ]


if __name__ == "__main__":
    main()
