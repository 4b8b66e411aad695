"""A classic DICOM study, laid out again as other scanners, archives and programs have it."""

import copy
import shutil
import subprocess
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import generate_uid

from tests.small_tree import save

_UIDS = ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID")


def read_study(paths: Sequence[Path], phases: int) -> dict[int, list[pydicom.Dataset]]:
    """Return the data sets of a study by slice, each slice in the order of its phases."""
    datasets = sorted((pydicom.dcmread(path) for path in paths), key=lambda dataset: int(dataset.InstanceNumber))
    slices: dict[int, list[pydicom.Dataset]] = {}
    for dataset in datasets:
        slices.setdefault((int(dataset.InstanceNumber) - 1) // phases, []).append(dataset)
    return slices


def write_bowl(slices: dict[int, list[pydicom.Dataset]], folder: Path, *, seed: int = 0) -> Path:
    """Write the tree of the Data Science Bowl: a folder and a series per slice, no UIDs, numbers from 1 in each."""
    rng = np.random.default_rng(seed)
    numbers = rng.permutation(100)[: len(slices)].tolist()  # they have no order
    for number, datasets in zip(numbers, slices.values(), strict=True):
        for instance, dataset in enumerate(datasets, 1):
            for keyword in (*_UIDS, "StudyDate"):
                if keyword in dataset:
                    delattr(dataset, keyword)
            dataset.SeriesNumber, dataset.InstanceNumber = number, instance
            path = folder / str(dataset.PatientID) / "study" / f"sax_{number}" / f"IM-{2000 + number}-{instance:04}.dcm"
            path.parent.mkdir(parents=True, exist_ok=True)
            save(dataset, path)
    return folder


def write_enhanced(slices: dict[int, list[pydicom.Dataset]], folder: Path, *, per_slice: bool) -> Path:
    """Write legacy converted enhanced files by highdicom, one per slice or one of all frames in any order."""
    legacy = pytest.importorskip("highdicom.legacy")
    folder.mkdir(parents=True, exist_ok=True)
    series, same = generate_uid(), {"StudyInstanceUID": generate_uid(), "FrameOfReferenceUID": generate_uid()}
    dates = dict.fromkeys(("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"), "20120101")
    blank = dict.fromkeys(("PatientBirthDate", "PatientSex", "AccessionNumber", "ReferringPhysicianName"), "")
    groups = list(slices.values()) if per_slice else [[dataset for own in slices.values() for dataset in own]]
    with warnings.catch_warnings(action="ignore"):  # of the UIDs and names of the source
        for number, group in enumerate(groups, 1):
            for dataset in group:
                for keyword, value in (same | dates | blank | {"StudyID": "1", "SeriesInstanceUID": series}).items():
                    setattr(dataset, keyword, value)
                dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
                if "PerFrameFunctionalGroupsSequence" in dataset:
                    del dataset.PerFrameFunctionalGroupsSequence
            shuffled = [group[i] for i in np.random.default_rng(number).permutation(len(group))]
            converted = legacy.LegacyConvertedEnhancedMRImage(shuffled, series, 7, generate_uid(), number)
            save(converted, folder / f"{number}.dcm")
    return folder


def write_nifti(study: Path, folder: Path) -> Path:
    """Convert a folder of DICOM by Debian's dcm2niix."""
    program = shutil.which("dcm2niix")
    if program is None:
        pytest.skip("dcm2niix is not installed: apt-get install dcm2niix")
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([program, "-z", "y", "-b", "n", "-f", "sax", "-o", folder, study], check=True, capture_output=True)
    return folder


def write_plain_multi_frame(datasets: Sequence[pydicom.Dataset], path: Path) -> Path:
    """Write frames as one file without functional groups."""
    whole = copy.deepcopy(datasets[0])
    whole.NumberOfFrames = len(datasets)
    whole.PixelData = b"".join(dataset.PixelData for dataset in datasets)
    if "PerFrameFunctionalGroupsSequence" in whole:
        whole.PerFrameFunctionalGroupsSequence = DicomSequence([])
    return save(whole, path)
