"""A small tree with a link table, of any number of slices, phases and pixels, written with pydicom."""

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pydicom
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

ROW, COLUMN = np.array([0.6, 0.8, 0.0]), np.array([0.0, 0.0, -1.0])


def write_small_tree(
    root: Path,
    patients: Mapping[str, str],
    slices: int = 2,
    phases: int = 3,
    shape: tuple[int, int] = (20, 16),
    pixel_spacing: float = 1.5,
    slice_spacing: float = 8.0,
    radius: Callable[[int, int], float | None] = lambda slice_, phase: 3.0,
    seed: int = 0,
    **header,
) -> Path:
    """Write patients by their two names, with a bright disc and its contour of `radius(slice, phase)`, if not None."""
    lines = ["patient_id,original_id", *(f"{patient},{original}" for patient, original in patients.items())]
    root.mkdir(parents=True, exist_ok=True)
    (root / "link.csv").write_text("\n".join(lines) + "\n")
    for number, (patient, original) in enumerate(patients.items(), 1):
        rng = np.random.default_rng((seed, number))
        (root / "dicoms" / patient).mkdir(parents=True)
        (root / "contourfiles" / original / "i-contours").mkdir(parents=True)
        for slice_ in range(slices):
            for phase in range(phases):
                frame = slice_ * phases + phase + 1
                disc = radius(slice_, phase)
                dataset = _dataset(f"1.2.{number}", frame, slice_, phase, phases, pixel_spacing, slice_spacing, header)
                pixels = _pixels(rng, shape, disc)
                dataset.Rows, dataset.Columns, dataset.PixelData = *shape, pixels.tobytes()
                dataset.save_as(root / "dicoms" / patient / f"{frame}.dcm", enforce_file_format=True)
                if disc is not None:
                    name = f"IM-0001-{frame:04}-icontour-manual.txt"
                    _write(
                        root / "contourfiles" / original / "i-contours" / name,
                        _circle(shape, disc + 1e-7 * (1000 * number + frame)),
                    )  # all contours differ
    return root


def images_of(root: Path, patient: str) -> Iterable[Path]:
    return sorted((root / "dicoms" / patient).glob("*.dcm"), key=lambda path: int(path.stem))


def _pixels(rng: np.random.Generator, shape: tuple[int, int], disc: float | None) -> np.ndarray:
    y, x = np.ogrid[: shape[0], : shape[1]]
    blood = (x - shape[1] // 2) ** 2 + (y - shape[0] // 2) ** 2 < (disc or 0) ** 2
    return (rng.integers(20, 60, shape) + 200 * blood).astype("<i2")


def _circle(shape: tuple[int, int], radius: float) -> np.ndarray:
    angles = np.linspace(0, 2 * math.pi, 90, endpoint=False)
    points = np.stack([shape[1] // 2 + radius * np.cos(angles), shape[0] // 2 + radius * np.sin(angles)], axis=1)
    return points + 0.75  # the files' origin


def _write(path: Path, points: np.ndarray) -> None:
    path.write_text("".join(f"{x:.7f} {y:.7f}\n" for x, y in points))


def _dataset(uid, frame, slice_, phase, phases, pixel_spacing, slice_spacing, header) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = MRImageStorage, f"{uid}.{frame}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = uid, f"{uid}.0.1", f"{uid}.0.2"
    dataset.InstanceNumber = frame
    dataset.PixelSpacing = [pixel_spacing] * 2
    dataset.ImageOrientationPatient = [*ROW, *COLUMN]
    position = [10.0, -20.0, 5.0] + slice_ * slice_spacing * np.cross(ROW, COLUMN)
    dataset.ImagePositionPatient = [round(float(value), 3) for value in position]
    dataset.SliceThickness = dataset.SpacingBetweenSlices = slice_spacing
    dataset.NominalInterval, dataset.CardiacNumberOfImages = 800, phases
    dataset.TriggerTime = round((phase + 0.5) * 800 / phases, 3)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
    for keyword, value in header.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = MRImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    return dataset


def save(dataset: Dataset, path: Path) -> Path:
    """Write a DICOM file, valid or not, without pydicom's warnings."""
    with pydicom.config.disable_value_validation():
        dataset.save_as(path)
    return path


def edit(path: Path, *removed: str, **values: object) -> Path:
    """Remove and set elements of a DICOM file, valid or not."""
    dataset = pydicom.dcmread(path)
    for keyword in removed:
        delattr(dataset, keyword)
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return save(dataset, path)


def write_stack(
    folder: Path,
    places: Iterable[float] = (0, 8, 16, 24),
    phases: int = 4,
    tilt: float = 0.0,
    shape: tuple[int, int] = (20, 16),
    series: int = 1,
    time: str = "100000",
    study: str | None = "1.2.3",
    patient: str | None = "P1",
    name: str = "",
    **header,
) -> list[Path]:
    """Write one series of slices at `places` in mm along the normal, turned by `tilt` degrees about their centres."""
    turn = math.radians(tilt)
    normal = np.cross(ROW, COLUMN)
    row = math.cos(turn) * ROW + math.sin(turn) * normal
    paths = []
    folder.mkdir(parents=True, exist_ok=True)
    for slice_, place in enumerate(places):
        centre = np.array([10.0, -20.0, 5.0]) + place * normal
        for phase in range(phases):
            number = slice_ * phases + phase + 1
            uid = f"1.2.{series}.{time}.{study or 0}"
            dataset = _dataset(uid, number, slice_, phase, phases, 1.5, 8.0, {})
            corner = centre - 1.5 * (shape[1] - 1) / 2 * row - 1.5 * (shape[0] - 1) / 2 * COLUMN
            dataset.ImageOrientationPatient = [round(float(value), 6) for value in (*row, *COLUMN)]
            dataset.ImagePositionPatient = [round(float(value), 3) for value in corner]
            dataset.SeriesInstanceUID, dataset.SeriesNumber = f"{uid}.9", series
            dataset.SeriesTime = dataset.AcquisitionTime = time
            dataset.StudyInstanceUID, dataset.PatientID = study, patient
            for keyword, value in {"StudyInstanceUID": study, **header}.items():
                if value is None:
                    delattr(dataset, keyword)
                else:
                    setattr(dataset, keyword, value)
            pixels = _pixels(np.random.default_rng((series, slice_, phase)), shape, 4.0)
            dataset.Rows, dataset.Columns, dataset.PixelData = *shape, pixels.tobytes()
            path = folder / f"{name or series}-{number:03}.dcm"
            dataset.save_as(path, enforce_file_format=True)
            paths.append(path)
    return paths
