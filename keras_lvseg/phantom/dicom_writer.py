"""Phantom frames as DICOM: MR Image Storage with the attributes of real cine studies."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from keras_lvseg.phantom.anatomy import PHASES

# Directions of the plane of the anatomy in the patient: x runs to the left and back, y runs down. From base to apex is
# left, front and down, opposite to the cross product of x and y, because short-axis views look from the apex.
_ACROSS, _DOWN = np.array([0.71, 0.70, -0.03]), np.array([-0.30, 0.27, -0.91])

_WRITER = generate_uid(entropy_srcs=["keras-lvseg phantom"])


@dataclass(frozen=True)
class Stack:
    """Position of a patient's slices in DICOM's patient coordinates.

    Attributes:
        row: Unit vector along a row, in the direction of increasing columns.
        column: Unit vector along a column, in the direction of increasing rows.
        first: Centre of the first pixel of the first slice, in mm.
        step: Vector from one slice's centre to the next in mm, along the slices' normal from base to apex.
        spacing: Width of a pixel in mm.
    """

    row: np.ndarray
    column: np.ndarray
    first: np.ndarray
    step: np.ndarray
    spacing: float


def sample_stack(
    rng: np.random.Generator, angle: float, centre: tuple[float, float], spacing: float, slice_spacing: float
) -> Stack:
    """Draw a random position of the heart in the body, and return that of the image stack.

    Args:
        rng: The random generator.
        angle: Rotation of the anatomy in the image, in radians.
        centre: Pixel (column, row) of the heart's axis.
        spacing: Width of a pixel in mm.
        slice_spacing: Distance between slices in mm.
    """
    across = _unit(_ACROSS + rng.normal(0, 0.08, 3))
    down = _DOWN + rng.normal(0, 0.08, 3)
    down = _unit(down - across * (across @ down))
    row = np.cos(angle) * across - np.sin(angle) * down
    column = np.sin(angle) * across + np.cos(angle) * down
    heart = np.array([20.0, -20.0, 10.0]) + rng.normal(0, 25, 3)
    first = heart - spacing * (centre[0] * row + centre[1] * column)
    return Stack(row, column, first, -slice_spacing * np.cross(row, column), spacing)


@dataclass(frozen=True)
class PhantomSeries:
    """One DICOM series of a patient: the attributes that all its frames share.

    Attributes:
        patient_id: The patient's name.
        key: Source of the UIDs. The same key gives the same UIDs.
        stack: Position of the slices.
        interval: Length of a heartbeat in ms.
        slices: Number of slices.
        series: Name of a decoy series, which begins with a space; empty for the contoured short-axis cine.
        series_number: DICOM's SeriesNumber.
    """

    patient_id: str
    key: str
    stack: Stack
    interval: int
    slices: int
    series: str = ""
    series_number: int = 300

    def header(self) -> Dataset:
        """Return the attributes that are the same in every frame."""
        slice_spacing = float(np.linalg.norm(self.stack.step))
        ds = Dataset()
        ds.SpecificCharacterSet = "ISO_IR 100"
        ds.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
        ds.SOPClassUID = MRImageStorage
        ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20090101"
        ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = "120000"
        ds.AccessionNumber = ""
        ds.Modality = "MR"
        ds.Manufacturer = "keras-lvseg phantom"
        ds.ManufacturerModelName = "synthetic heart"
        ds.ReferringPhysicianName = ""
        ds.StudyDescription = "Synthetic, no patient"
        ds.SeriesDescription = f"Cine{self.series or ' short axis'}"
        ds.PatientName = ds.PatientID = self.patient_id
        ds.PatientBirthDate = ds.PatientSex = ""
        ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions = "GR", "SS", "CG"
        ds.MRAcquisitionType = "2D"
        ds.SliceThickness = ds.SpacingBetweenSlices = _decimal(slice_spacing)
        ds.RepetitionTime, ds.EchoTime, ds.FlipAngle = "3.4", "1.7", "45"
        ds.EchoTrainLength = 1
        ds.MagneticFieldStrength = "1.5"
        ds.NominalInterval, ds.HeartRate = self.interval, round(60000 / self.interval)
        ds.CardiacNumberOfImages = PHASES
        ds.BodyPartExamined, ds.PatientPosition = "HEART", "FFS"
        ds.StudyInstanceUID = self._uid("study")
        ds.SeriesInstanceUID = self._uid(f"series{self.series}")
        ds.FrameOfReferenceUID = self._uid("space")
        ds.StudyID = ""
        ds.SeriesNumber, ds.AcquisitionNumber = self.series_number, 1
        ds.ImageOrientationPatient = [_decimal(v) for v in (*self.stack.row, *self.stack.column)]
        ds.ImagesInAcquisition = self.slices * PHASES
        ds.PositionReferenceIndicator = ""
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.PixelSpacing = [_decimal(self.stack.spacing)] * 2
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
        ds.QualityControlImage = "YES"  # DICOM's attribute for an image of a phantom
        return ds

    def write_frame(self, path: Path, header: Dataset, pixels: np.ndarray, slice_: int, phase: int) -> None:
        """Write one frame.

        Args:
            path: The file. A missing folder is created.
            header: The result of `header`.
            pixels: Counts, int16 of shape (rows, columns).
            slice_: Index of the slice, from 0 at the base.
            phase: Index of the phase, from 0.
        """
        ds = copy.copy(header)
        ds.InstanceNumber = slice_ * PHASES + phase + 1
        ds.SOPInstanceUID = self._uid(f"frame{self.series} {ds.InstanceNumber}")
        ds.TriggerTime = _decimal((phase + 0.5) * self.interval / PHASES)
        position = self.stack.first + slice_ * self.stack.step
        ds.ImagePositionPatient = [_decimal(v) for v in position]
        # As on the real scanner: the position along one axis of the patient. Its steps are not the true spacing.
        ds.SliceLocation = _decimal(position[np.argmax(np.abs(self.stack.step))])
        ds.Rows, ds.Columns = pixels.shape
        ds.SmallestImagePixelValue, ds.LargestImagePixelValue = int(pixels.min()), int(pixels.max())
        window = round(float(np.percentile(pixels, 99.5)))
        ds.WindowCenter, ds.WindowWidth = str(window // 2), str(window)
        ds.PixelData = pixels.astype("<i2").tobytes()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.MediaStorageSOPClassUID = MRImageStorage
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        # Set here, because pydicom would write its own version, and the same seed must give the same bytes.
        ds.file_meta.ImplementationClassUID = _WRITER
        ds.file_meta.ImplementationVersionName = "KERAS_LVSEG"
        path.parent.mkdir(parents=True, exist_ok=True)
        dcmwrite(path, ds, enforce_file_format=True)

    def _uid(self, source: str) -> str:
        return generate_uid(entropy_srcs=[self.key, source])


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def _decimal(value: float) -> str:
    """Return a decimal string of at most 16 characters."""
    return f"{value:.7g}" if abs(value) >= 1e-4 else "0"
