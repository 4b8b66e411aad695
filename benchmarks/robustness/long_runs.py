"""Memory of `segment` over 200 studies, and runs that are killed at random moments.

    python -m benchmarks.robustness.long_runs docs/validation/long_runs.md

Studies are synthetic: five slices at two phases of four hearts, copied under other names and UIDs. A killed run must
have lost at most one study. After `--resume`, its folder must equal that of an undisturbed run, byte by byte.
"""

import argparse
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
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
            print(done, int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize(), flush=True)

        results.write(segmentation, report)
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, flush=True)


def start(studies: Path, out: Path, *options: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "benchmarks.robustness.long_runs", "--segment", studies, out, *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def measure_memory(studies: Path, out: Path, count: int) -> tuple[float, float, float]:
    """Return the peak in MB, the memory after the first quarter in MB, and the slope after it in KB per study."""
    process = start(studies, out)
    *steps, (_, peak) = (line.split() for line in process.communicate()[0].splitlines())
    if process.returncode:
        raise SystemExit(f"segment ended with {process.returncode}")
    images, memory = np.array(steps, dtype=float).T
    study = images / images[-1] * count
    later = study > count / 4
    slope = np.polyfit(study[later], memory[later], 1)[0]
    return float(peak) / 2**20, memory[later][0] / 2**20, slope / 2**10


def contents(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def kill_runs(studies: Path, scratch: Path, kills: int) -> tuple[int, int]:
    """Return the largest number of studies lost, and the number of files that differ from an undisturbed run."""
    start(studies, scratch / "whole").communicate()
    expected, chance = contents(scratch / "whole"), random.Random(_SEED)
    frames = np.cumsum([len(list(folder.iterdir())) for folder in sorted(studies.iterdir())])
    most, different = 0, 0
    for number in range(kills):
        out = scratch / "killed"
        process = start(studies, out)
        images = wait_and_kill(process, chance.uniform(0, frames[-1]), chance.uniform(0, 2))
        finished = {path.parent.name for path in out.glob("*/study.json") if not path.parent.name.startswith(".")}
        lost = int((frames <= images).sum()) - len(finished)
        left = {name: content for name, content in contents(out).items() if name.split("/")[0] in finished}
        wrong = sum(expected[name] != content for name, content in left.items())
        start(studies, out, "--resume").communicate()
        resumed = contents(out)
        wrong += sum(expected.get(name) != resumed.get(name) for name in expected.keys() | resumed.keys())
        most, different = max(most, lost), different + wrong
        print(f"kill {number + 1}: {len(finished)} finished, {lost} lost, {wrong} files differ", flush=True)
        shutil.rmtree(out)
    return most, different


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
    parser.add_argument("table", type=Path, nargs="?", help="the Markdown file to write")
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--segment", type=Path, nargs=2, help=argparse.SUPPRESS)  # what the processes are started with
    parser.add_argument("--resume", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.segment:
        segment(*arguments.segment, arguments.resume)
        return
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        write_studies(scratch / "many", arguments.studies)
        peak, quarter, slope = measure_memory(scratch / "many", scratch / "out", arguments.studies)
        print(f"{quarter:.0f} MB after a quarter, {slope:.1f} KB per study, peak {peak:.0f} MB", flush=True)
        images = len(list((scratch / "many").glob("*/*.dcm")))
        write_studies(scratch / "few", 8)
        lost, different = kill_runs(scratch / "few", scratch, arguments.kills)
    lines = [
        "# Long runs",
        "",
        "`segment` with masks, report, NIfTI and DICOM SEG of synthetic studies of five slices at two phases.",
        "",
        "| | |",
        "| --- | --- |",
        f"| studies, images | {arguments.studies}, {images:,} |",
        f"| memory after a quarter of the studies | {quarter:.0f} MB |",
        f"| growth from there on | {slope:.1f} KB per study |",
        f"| peak | {peak:.0f} MB |",
        f"| runs of 8 studies killed with SIGKILL at a random moment | {arguments.kills} |",
        f"| most studies lost by one | {lost} |",
        f"| files that differ from an undisturbed run, finished or after `--resume` | {different} |",
    ]
    print("\n".join(lines))
    if arguments.table:
        command = f"python -m benchmarks.robustness.long_runs {arguments.table}"
        write_table(arguments.table, lines, command, ("keras", "tensorflow", "highdicom", "nibabel"))
    sys.exit(1 if lost > 1 or different else 0)


if __name__ == "__main__":
    main()
