"""Time and memory of reading the headers of an archive, in one process and by workers.

    python -m benchmarks.robustness.archive_index docs/validation/archive_index.md

The archive has studies of 240 files with 16 x 16 pixels, because pixels are not read.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pydicom

from benchmarks.robustness.long_runs import resident_bytes
from benchmarks.table import write_table
from keras_lvseg import Segmenter
from keras_lvseg.inference import open_cluster
from keras_lvseg.phantom import write_phantom

_UID = "1.2.826.0.1.3680043.9.3811.1000000"
_PATIENT = "PATIENT1000000"


def write_archive(folder: Path, files: int) -> int:
    """Write an archive; return the number of its files, which is `files` or a little more."""
    with tempfile.TemporaryDirectory() as scratch:
        write_phantom(Path(scratch), patients=1, frames="all", seed=0)
        study = {path.name: one_study_file(path) for path in sorted(Path(scratch).glob("dicoms/*/*.dcm"))}
    studies = -(-files // len(study))
    for number in range(studies):
        own = folder / f"{number // 100:03d}" / f"{number:06d}"
        own.mkdir(parents=True)
        for name, content in study.items():
            for text in (_UID, _PATIENT):
                content = content.replace(text.encode(), f"{text[:-6]}{number:06d}".encode())
            (own / name).write_bytes(content)
    return studies * len(study)


def one_study_file(path: Path) -> bytes:
    """Return a file with small pixels, whose identities are replaced in its bytes."""
    dataset = pydicom.dcmread(path)
    dataset.PixelData = np.ascontiguousarray(dataset.pixel_array[::16, ::16]).tobytes()
    dataset.Rows = dataset.Columns = 16
    dataset.PatientID = dataset.PatientName = _PATIENT
    for number, keyword in enumerate(("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")):
        setattr(dataset, keyword, f"{_UID}.{number}")
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{_UID}.9.{dataset.InstanceNumber}"
    dataset.save_as(path)
    return path.read_bytes()


def read_archive(archive: Path, workers: int) -> None:
    """Read the headers in this process, or by workers, and print seconds and bytes per file."""
    segmenter = Segmenter()
    with open_cluster(workers=workers) if workers else nullcontext() as client:
        segmenter.segment(next(archive.glob("*/*")), client=client)  # what the first call imports
        before, begun = resident_bytes(), time.monotonic()
        segmentation = segmenter.segment(archive, client=client)
        seconds = time.monotonic() - begun
        files = sum(len(study.frames) for study in segmentation.studies)
        print(json.dumps({"seconds": seconds, "files": files, "bytes": resident_bytes() - before}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, nargs="?", default=Path("archive_index.md"), help="the Markdown file")
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--read", nargs=2, help=argparse.SUPPRESS)  # what the processes are started with
    arguments = parser.parse_args()
    if arguments.read:
        read_archive(Path(arguments.read[0]), int(arguments.read[1]))
        return
    lines = [
        "# Index of an archive",
        "",
        "| headers read | seconds | files per second | memory of the command, KB per file |",
        "| --- | ---: | ---: | ---: |",
    ]
    with tempfile.TemporaryDirectory() as folder:
        files = write_archive(Path(folder), arguments.files)
        for workers in (0, *arguments.workers):
            command = [sys.executable, "-m", "benchmarks.robustness.archive_index", "--read", folder, str(workers)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            result = json.loads(done.stdout.splitlines()[-1])
            if result["files"] != files:
                raise SystemExit(f"{result['files']} of {files} files became frames")
            name = f"by `--workers {workers}`" if workers else "in one process"
            rate, memory = files / result["seconds"], result["bytes"] / files / 1024
            lines.append(f"| {files:,} files {name} | {result['seconds']:.0f} | {rate:,.0f} | {memory:.2f} |")
            print(lines[-1], flush=True)
    command = f"python -m benchmarks.robustness.archive_index {arguments.table}"
    write_table(arguments.table, lines, command, ("keras-lvseg", "pydicom", "distributed"))


if __name__ == "__main__":
    main()
