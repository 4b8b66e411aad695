"""What of a patient's identity `segment` writes and prints: the table of `docs/validation/identity.md`.

    python -m benchmarks.robustness.identity docs/validation/identity.md

Words that occur nowhere else are planted in every element of a synthetic study where an identity may stand, and in the
names of its files and folders, one of which cannot be read. Then all outputs are searched for them, byte by byte.
"""

import argparse
import gzip
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from benchmarks.table import write_table
from keras_lvseg.inference import OUTPUTS
from keras_lvseg.phantom import write_phantom

ELEMENTS = (
    *("PatientName", "PatientBirthName", "PatientMotherBirthName", "OtherPatientNames", "ReferringPhysicianName"),
    *("PerformingPhysicianName", "OperatorsName", "NameOfPhysiciansReadingStudy", "RequestingPhysician"),
    *("PatientID", "OtherPatientIDs", "AccessionNumber", "StudyID", "DeviceSerialNumber", "MedicalRecordLocator"),
    *("InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName", "StationName", "PatientAddress"),
    *("PatientTelephoneNumbers", "StudyDescription", "SeriesDescription", "ProtocolName", "PatientComments"),
    *(
        "ImageComments",
        "AdditionalPatientHistory",
        "RequestedProcedureDescription",
        "PerformedProcedureStepDescription",
    ),
)
DATES = ("PatientBirthDate", "StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")
UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
PLACES = {
    "terminal": "terminal",
    "study.json": "`study.json`",
    "volumes.csv": "`volumes.csv`",
    "segmentation.json": "`segmentation.json`",
    ".html": "reports",
    ".png": "pictures",
    ".txt": "contours",
    ".gz": "NIfTI",
    ".dcm": "DICOM SEG",
}
FOLDER, FILE = "a folder's name", "a file's name"
_IMAGES = 4


def plant(folder: Path) -> dict[str, bytes]:
    """Write a study of a few images.

    Returns:
        What is searched for, by where it was planted.
    """
    words = {name: f"ZQ{number:02}QZ" for number, name in enumerate(ELEMENTS)}
    words |= {name: f"19{number:02}0307" for number, name in enumerate(DATES, 41)}
    words |= {name: f"1.2.987.{number}.654" for number, name in enumerate(UIDS, 1)}
    for number, name in enumerate(("an element in a sequence", "a private element", FOLDER, FILE)):
        words[name] = f"ZX{number:02}XZ"
    study = folder / words[FOLDER]
    study.mkdir()
    with tempfile.TemporaryDirectory() as scratch:
        write_phantom(Path(scratch) / "hearts", patients=1, frames="contoured")
        for number, path in enumerate(sorted(Path(scratch).glob("hearts/dicoms/*/*.dcm"))[4 : 4 + _IMAGES]):
            dataset = pydicom.dcmread(path)
            for name in (*ELEMENTS, *DATES, *UIDS):
                setattr(dataset, name, f"{words[name]}.{number}" if name == "SOPInstanceUID" else words[name])
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            item = Dataset()
            item.PatientID = words["an element in a sequence"]
            dataset.OtherPatientIDsSequence = [item]
            dataset.private_block(0x11, "keras-lvseg", create=True).add_new(1, "LO", words["a private element"])
            dataset.save_as(study / f"{words[FILE]}-{number}.dcm")
    damaged = study / f"{words[FILE]}-damaged.dcm"
    damaged.write_bytes(b"\0" * 128 + b"DICM")
    return {name: word.encode() for name, word in words.items()}


def found(folder: Path, out: Path, words: dict[str, bytes], *options: str) -> dict[str, set[str]]:
    """Segment the study, and return the outputs that hold each word."""
    command = [sys.executable, "-m", "keras_lvseg_cli", "segment", folder, out, "--write", ",".join(OUTPUTS), *options]
    done = subprocess.run(command, capture_output=True, check=False)
    if not list(out.rglob("study.json")):
        raise RuntimeError(done.stderr.decode())
    contents = [("terminal", done.stdout + done.stderr)]
    for path in out.rglob("*"):
        contents.append(("names of files and folders", str(path.relative_to(out)).encode()))
        if path.is_file():
            place = next(place for ending, place in PLACES.items() if path.name.endswith(ending))
            data = path.read_bytes()
            contents.append((place, gzip.decompress(data) if path.suffix == ".gz" else data))
    return {name: {place for place, content in contents if word in content} for name, word in words.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="the Markdown file to write")
    table = parser.parse_args().table
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "in"
        folder.mkdir()
        words = plant(folder)
        plain = found(folder, Path(scratch) / "plain", words)
        anonymous = found(folder, Path(scratch) / "anonymous", words, "--anonymous")
    groups = defaultdict(list)
    for name in words:
        cells = (", ".join(sorted(own[name])) or "nothing" for own in (plain, anonymous))
        groups[tuple(cells)].append(name if " " in name else f"`{name}`")
    lines = [
        "# What of a patient's identity is written",
        "",
        "A word is planted in each of these places of a study. `segment` writes all that it can write. One more file",
        "of the study cannot be read. These outputs hold the word:",
        "",
        "| planted in | without an option | with `--anonymous` |",
        "| --- | --- | --- |",
        *(f"| {', '.join(names)} | {' | '.join(cells)} |" for cells, names in groups.items()),
    ]
    write_table(table, lines, "python -m benchmarks.robustness.identity TABLE", ("keras-lvseg", "pydicom"))


if __name__ == "__main__":
    main()
