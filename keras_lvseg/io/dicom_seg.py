"""DICOM segmentations: one file per phase of a study."""

from __future__ import annotations

import copy
import hashlib
import os
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom import Dataset
from pydicom.config import RAISE
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import MRImageStorage, generate_uid
from pydicom.valuerep import validate_value

from keras_lvseg.errors import DataError, as_data_error
from keras_lvseg.files import atomic_file
from keras_lvseg.version import __version__

_ANATOMICAL_STRUCTURE = Code("123037004", "SCT", "Anatomical Structure")
# Number, label, SNOMED-CT code and colour. DICOM's lists have no code for the cavity, only for the left ventricle.
_SEGMENTS = (
    (1, "Left ventricular cavity", codes.SCT.LeftVentricle, (255, 82, 82)),
    (2, "Left ventricular myocardium", codes.SCT.LeftVentricleMyocardium, (255, 210, 63)),
)
# What a segmentation repeats of its source, so that archives file both together.
_PATIENT = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
_STUDY = ("StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName")
_UIDS = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID")
_TAGS = ("SpecificCharacterSet", *_PATIENT, *_STUDY, *_UIDS)


@dataclass(frozen=True, eq=False)
class SegmentedFrame:
    """A frame of a DICOM file with its labels.

    Attributes:
        path: The DICOM file.
        record: Number of the frame in a multi-frame file, from 1. None if the file holds one image.
        slice: Index of the slice, from 0.
        phase: Index of the phase, from 0.
        labels: uint8 array of shape (rows, columns): 0 background, 1 cavity, 2 myocardium.
        pixel_spacing: Distance between rows and between columns, mm.
        position: Centre of the first pixel in patient coordinates, mm.
        orientation: Direction cosines along a row, then along a column.
        slice_thickness: mm. None if unknown.
    """

    path: Path
    record: int | None
    slice: int
    phase: int
    labels: np.ndarray
    pixel_spacing: tuple[float, float]
    position: tuple[float, float, float]
    orientation: tuple[float, float, float, float, float, float]
    slice_thickness: float | None


def write_dicom_seg(
    folder: str | os.PathLike[str], frames: Sequence[SegmentedFrame], *, anonymous: bool = False
) -> dict[int, str]:
    """Write the labels of a study as `phase_<NN>.dcm`, one DICOM SEG per phase that has a mask.

    Segment 1 is the cavity and segment 2 the myocardium. A file carries the patient and the study of the source and
    refers to the source's images. Files of several frames of reference get a common one. The same labels of the same
    source give the same bytes.

    Args:
        folder: The folder to write to. It is created if a phase has a mask.
        frames: The frames of the study.
        anonymous: Leave patient and study empty, and replace UIDs by others.

    Returns:
        File names by phase.

    Raises:
        DataError: A source cannot be read, has no UIDs or no position, or the images differ in size.
    """
    sources = {path: _read_source(path) for path in dict.fromkeys(frame.path for frame in frames)}
    _check(frames, sources)
    if anonymous:
        sources = {path: _anonymous(source) for path, source in sources.items()}
    digest = hashlib.sha256()
    for frame in frames:
        digest.update(np.ascontiguousarray(frame.labels).tobytes())
    series = _uid(*(sources[frame.path].SOPInstanceUID for frame in frames), __version__, digest.hexdigest())
    phases = defaultdict(list)
    for frame in frames:
        phases[frame.phase].append(frame)
    names = {}
    for phase, own in sorted(phases.items()):
        if not any(frame.labels.any() for frame in own):
            continue
        names[phase] = f"phase_{phase:02d}.dcm"
        with warnings.catch_warnings(), atomic_file(Path(folder) / names[phase]) as temporary:
            warnings.simplefilter("ignore")  # real headers hold values that pydicom and highdicom complain about
            with as_data_error(own[0].path, "cannot be described as DICOM SEG"):
                segmentation = _segmentation(own, sources, phase, series)
            segmentation.save_as(temporary)
    return names


def _read_source(path: Path) -> Dataset:
    with as_data_error(path, "is damaged", expected="a whole DICOM file"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=[*_TAGS])
        source = Dataset()
        for keyword in _TAGS:
            source.add_new(keyword, pydicom.datadict.dictionary_VR(keyword), _valid_value(dataset, keyword))
        return source


def _valid_value(dataset: Dataset, keyword: str) -> str | list[str]:
    """Return a value of the source; empty if it is missing, or invalid and not a UID."""
    value = dataset.get(keyword) or ""
    if keyword in _UIDS or keyword == "SpecificCharacterSet":
        return value
    try:
        validate_value(pydicom.datadict.dictionary_VR(keyword), str(value), RAISE)
        if "Date" in keyword and value:
            pydicom.valuerep.DA(value)
    except ValueError:
        return ""
    return value


def _anonymous(source: Dataset) -> Dataset:
    other = Dataset()
    for element in source:
        other.add_new(element.tag, element.VR, "")
    other.SOPClassUID = source.SOPClassUID
    for keyword in _UIDS[1:]:
        setattr(other, keyword, _uid(source[keyword].value))
    return other


def _check(frames: Sequence[SegmentedFrame], sources: Mapping[Path, Dataset]) -> None:
    first = frames[0]
    for path, source in sources.items():
        for keyword in ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
            if not source[keyword].value:
                raise DataError(path, f"has no {keyword}")
    for frame in frames:
        if not np.isfinite((*frame.pixel_spacing, *frame.position, *frame.orientation)).all():
            raise DataError(frame.path, "has no position in the patient")
        if frame.labels.shape != first.labels.shape or not np.allclose(frame.pixel_spacing, first.pixel_spacing):
            problem = f"differs from {first.path.name} in size or pixel spacing"
            raise DataError(frame.path, problem, expected="images of one size in a DICOM SEG")


def _segmentation(
    frames: Sequence[SegmentedFrame], sources: Mapping[Path, Dataset], phase: int, series: str
) -> Dataset:
    # highdicom takes a second to import, and only these files need it.
    import highdicom

    stand_ins = [_stand_in(frame, sources, series, number) for number, frame in enumerate(frames)]
    for stand_in in stand_ins:  # the own orientations, which may differ a little, are set at the end
        stand_in.ImageOrientationPatient = stand_ins[0].ImageOrientationPatient
    labels = np.stack([frame.labels for frame in frames])
    present = [segment for segment in _SEGMENTS if segment[0] == 1 or (labels == segment[0]).any()]
    algorithm = highdicom.AlgorithmIdentificationSequence(
        name="keras-lvseg", family=codes.DCM.ArtificialIntelligence, version=__version__
    )
    segmentation = highdicom.seg.Segmentation(
        source_images=stand_ins,
        pixel_array=labels,
        segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[
            highdicom.seg.SegmentDescription(
                segment_number=number,
                segment_label=label,
                segmented_property_category=_ANATOMICAL_STRUCTURE,
                segmented_property_type=code,
                algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
                algorithm_identification=algorithm,
                display_color=highdicom.color.CIELabColor.from_rgb(*colour),
            )
            for number, label, code, colour in present
        ],
        series_instance_uid=series,
        series_number=9000,
        sop_instance_uid=_uid(series, str(phase)),
        instance_number=phase + 1,
        manufacturer="keras-lvseg",
        manufacturer_model_name="keras-lvseg",
        software_versions=__version__,
        device_serial_number="0",
        content_label="LEFT VENTRICLE",
        content_description=f"Phase {phase}. Research only, not a medical device.",
        series_description="Left ventricle by keras-lvseg, research only",
    )
    _set_dates(segmentation, sources[frames[0].path])
    _refer_to_sources(segmentation, {s.SOPInstanceUID: f for s, f in zip(stand_ins, frames, strict=True)}, sources)
    return segmentation


def _stand_in(frame: SegmentedFrame, sources: Mapping[Path, Dataset], series: str, number: int) -> Dataset:
    """Return a header in place of the frame's own.

    highdicom takes single images of one series and one frame of reference. The source may be several series, several
    frames of reference, or one file with many frames.
    """
    stand_in = copy.deepcopy(sources[frame.path])
    # Those of the first frame, because headers of one patient and study may contradict each other.
    first = next(iter(sources.values()))
    for keyword in (*_PATIENT, *_STUDY, "SpecificCharacterSet", "StudyInstanceUID"):
        setattr(stand_in, keyword, first[keyword].value)
    if not stand_in.SpecificCharacterSet:
        del stand_in.SpecificCharacterSet
    references = {str(source.FrameOfReferenceUID) for source in sources.values()}
    stand_in.SOPClassUID, stand_in.Modality = MRImageStorage, "MR"
    stand_in.SOPInstanceUID, stand_in.SeriesInstanceUID = _uid(series, "source", str(number)), series
    stand_in.FrameOfReferenceUID = min(references) if len(references) == 1 and references != {""} else _uid(*references)
    stand_in.Rows, stand_in.Columns = frame.labels.shape
    stand_in.PixelSpacing = [_decimal(value) for value in frame.pixel_spacing]
    stand_in.ImageOrientationPatient = [_decimal(value) for value in frame.orientation]
    stand_in.ImagePositionPatient = [_decimal(value) for value in frame.position]
    stand_in.SliceThickness = _decimal(frame.slice_thickness) if frame.slice_thickness else None
    return stand_in


def _set_dates(segmentation: Dataset, source: Dataset) -> None:
    """Date the file like the study, so that the same labels give the same bytes."""
    date, time = source.StudyDate or "19000101", source.StudyTime or "000000"
    segmentation.ContentDate = segmentation.SeriesDate = date
    segmentation.ContentTime = segmentation.SeriesTime = time
    del segmentation.InstanceCreationDate, segmentation.InstanceCreationTime
    for equipment in segmentation.ContributingEquipmentSequence:
        del equipment.ContributionDateTime
    # highdicom draws a random one.
    organization = _uid(segmentation.SOPInstanceUID, "dimensions")
    segmentation.DimensionOrganizationSequence[0].DimensionOrganizationUID = organization
    for index in segmentation.DimensionIndexSequence:
        index.DimensionOrganizationUID = organization


def _refer_to_sources(
    segmentation: Dataset, frames: Mapping[str, SegmentedFrame], sources: Mapping[Path, Dataset]
) -> None:
    """Replace references to stand-ins by references to the source's images, frame by frame."""
    items = segmentation.PerFrameFunctionalGroupsSequence
    references = [item.DerivationImageSequence[0].SourceImageSequence[0] for item in items]
    # Looked up before any is replaced, because the items of two segments share them.
    segmented = [frames[reference.ReferencedSOPInstanceUID] for reference in references]
    for item, reference, frame in zip(items, references, segmented, strict=True):
        reference.ReferencedSOPClassUID = sources[frame.path].SOPClassUID
        reference.ReferencedSOPInstanceUID = sources[frame.path].SOPInstanceUID
        if frame.record is not None:
            reference.ReferencedFrameNumber = frame.record
        # Slices of several breath-holds may be tilted a little against each other.
        orientation = Dataset()
        orientation.ImageOrientationPatient = [_decimal(value) for value in frame.orientation]
        item.PlaneOrientationSequence = [orientation]
    del segmentation.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence
    series: dict[str, dict[str, Dataset]] = defaultdict(dict)
    for frame in frames.values():
        source, instance = sources[frame.path], Dataset()
        instance.ReferencedSOPClassUID, instance.ReferencedSOPInstanceUID = source.SOPClassUID, source.SOPInstanceUID
        series[source.SeriesInstanceUID][source.SOPInstanceUID] = instance
    segmentation.ReferencedSeriesSequence = []
    for uid, instances in series.items():
        one = Dataset()
        one.SeriesInstanceUID, one.ReferencedInstanceSequence = uid, [*instances.values()]
        segmentation.ReferencedSeriesSequence.append(one)
    segmentation.SourceImageSequence = [instance for own in series.values() for instance in own.values()]


def _decimal(value: float) -> str:
    """Return a decimal string of at most 16 characters, as DICOM stores it."""
    return f"{value:.9g}" if abs(value) >= 1e-4 else "0"


def _uid(*sources: str) -> str:
    return generate_uid(entropy_srcs=[*sources])
