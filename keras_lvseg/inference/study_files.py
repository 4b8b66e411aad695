"""Result files of one study."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from keras_lvseg.errors import DataError, invalid_argument
from keras_lvseg.files import write_json
from keras_lvseg.geometry import join_contours, mask_contours
from keras_lvseg.inference.output_names import contour_names, image_names
from keras_lvseg.io import write_contour
from keras_lvseg.io.dicom import is_dicom
from keras_lvseg.io.nifti import is_nifti, write_nifti_labels, write_nifti_stack
from keras_lvseg.reporting.html.study_report import Tile, write_study_report
from keras_lvseg.reporting.overlays import write_overlay
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.frame_images import read_image

if TYPE_CHECKING:
    from keras_lvseg.inference.study_segmentation import StudySegmentation

OUTPUTS = ("masks", "report", "contours", "overlays", "nifti", "dicom-seg")
"""What can be written beside `study.json`."""

DEFAULT_OUTPUTS = ("masks", "report")

STUDY_FILE = "study.json"
"""Name of the file in a study's folder that describes its results."""

_GREYS = np.array([0, 255, 128], np.uint8)  # of background, cavity and myocardium in a mask file
_MAX_UNPLACED = 60  # images of a report if slices and phases are unknown


def check_outputs(outputs: Sequence[str]) -> None:
    """Raise ValueError if a name is not one of `OUTPUTS`."""
    for name in outputs:
        if name not in OUTPUTS:
            raise invalid_argument("outputs", name, f"names out of {', '.join(OUTPUTS)}")


def write_study_files(
    folder: Path, result: StudySegmentation, record: dict[str, Any], outputs: Sequence[str]
) -> dict[str, Any]:
    """Write the files of a study and `study.json`.

    Args:
        folder: An empty folder.
        result: The study's masks.
        record: The result of `StudySegmentation.as_dict`. The names of the files and notes are added.
        outputs: Names out of `OUTPUTS`.

    Returns:
        `record`.

    Raises:
        DataError: An image cannot be read.
    """
    anonymous = record["anonymous"]
    record["outputs"] = [name for name in OUTPUTS if name in outputs]
    placed = result.study.geometry_error is None
    names = image_names(result.study.frames, placed=placed, anonymous=anonymous)
    if "masks" in outputs:
        _write_masks(folder, result, record, names)
    if "contours" in outputs:
        _write_contours(folder, result, record, names)
    if "overlays" in outputs:
        _write_overlays(folder, result, record, names)
    for name, write in (("nifti", _write_nifti), ("dicom-seg", _write_dicom_seg)):
        if name in outputs:
            reason = write(folder, result, anonymous)
            if reason:
                shown = result.hide_names(reason) if anonymous else reason
                record["notes"].append(f"no {_TITLES[name]}: {shown}")
    if "report" in outputs:
        write_study_report(folder / "report.html", record, draw_montages(result))
    write_json(folder / STUDY_FILE, {**record, "checksum": record_checksum(record)})
    return record


def record_checksum(record: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a study's values, apart from their own `checksum`.

    Args:
        record: The values of `study.json`.
    """
    values = {name: value for name, value in record.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


_TITLES = {"nifti": "NIfTI", "dicom-seg": "DICOM SEG"}


def draw_montages(result: StudySegmentation) -> dict[str, list[Tile]]:
    """Return the images of a report by heading: all slices at end-diastole and at end-systole.

    Args:
        result: A study with masks. If ED and ES are unknown, the first phase is shown, or images in the order of the
            files if phases are unknown too.

    Raises:
        DataError: An image cannot be read.
    """
    study, volumes = result.study, result.volumes
    frames = [*zip(study.frames, result.masks, strict=True)]
    if study.geometry_error is not None:
        shown = [(f"image {number}", frame, mask) for number, (frame, mask) in enumerate(frames[:_MAX_UNPLACED], 1)]
        more = f", {_MAX_UNPLACED} of {len(frames)}" if len(frames) > _MAX_UNPLACED else ""
        return {f"Images{more}": _tiles(shown)}
    if volumes.ed is None or volumes.es is None:
        phases = {f"Phase {study.phases[0]}": study.phases[0]} if frames else {}
    else:
        phases = {
            f"End-diastole, phase {volumes.ed.phase}": volumes.ed.phase,
            f"End-systole, phase {volumes.es.phase}": volumes.es.phase,
        }
    return {
        heading: _tiles([(f"slice {frame.slice}", frame, mask) for frame, mask in frames if frame.phase == phase])
        for heading, phase in phases.items()
    }


def _tiles(shown: Sequence[tuple[str, Frame, np.ndarray]]) -> list[Tile]:
    return [Tile(caption, read_image(frame), mask) for caption, frame, mask in shown]


def _write_masks(folder: Path, result: StudySegmentation, record: dict[str, Any], names: Sequence[str]) -> None:
    for image, mask, name in zip(record["images"], result.masks, names, strict=True):
        image["mask"] = _make_parent(folder, f"masks/{name}_mask.png")
        Image.fromarray(_GREYS[mask]).save(folder / image["mask"])


def _write_contours(folder: Path, result: StudySegmentation, record: dict[str, Any], names: Sequence[str]) -> None:
    stems = contour_names(result.study.frames, names)
    origin = result.settings["contour_origin"]
    for image, mask, stem in zip(record["images"], result.masks, stems, strict=True):
        image["contour"] = _write_contour(folder, f"contours/{stem}-icontour-auto.txt", mask == 1, origin)
        if result.has_myocardium:
            outer = _write_contour(folder, f"contours/{stem}-ocontour-auto.txt", mask > 0, origin)
            image["outer_contour"] = outer


def _write_contour(folder: Path, name: str, mask: np.ndarray, origin: float) -> str | None:
    """Write the contour of a mask and return its file name. Return None for an empty mask and for noise."""
    try:
        write_contour(folder / name, join_contours(mask_contours(mask)), origin=origin)
    except ValueError:
        return None
    return name


def _write_overlays(folder: Path, result: StudySegmentation, record: dict[str, Any], names: Sequence[str]) -> None:
    placed = result.study.geometry_error is None
    for image, frame, mask, name in zip(record["images"], result.study.frames, result.masks, names, strict=True):
        image["overlay"] = _make_parent(folder, f"overlays/{name}_overlay.png")
        title = f"slice {frame.slice}  phase {frame.phase}" if placed else ""
        write_overlay(folder / image["overlay"], read_image(frame), mask, title=title)


def _write_nifti(folder: Path, result: StudySegmentation, anonymous: bool) -> str | None:
    """Write labels as NIfTI. Return the reason if it is impossible, else None."""
    study = result.study
    labelled = [*zip(study.frames, result.masks, strict=True)]
    paths = [*dict.fromkeys(frame.path for frame in study.frames)]
    if all(is_nifti(path) for path in paths):
        for path in paths:
            labels = {frame.record or 1: mask for frame, mask in labelled if frame.path == path}
            phase = min(frame.phase for frame in study.frames if frame.path == path)
            name = "masks.nii.gz" if len(paths) == 1 else f"masks_phase{phase:02d}.nii.gz"
            write_nifti_labels(folder / name, labels, like=path)
        return None
    try:
        affine = study.affine()
    except DataError as error:
        return f"an image {error.reason}"
    first, slices, phases = study.frames[0], study.slices, study.phases
    depth = slices[-1] - slices[0] + 1  # missing slices are empty
    stack = np.zeros((first.columns, first.rows, depth, len(phases)), np.uint8)
    for frame, mask in labelled:
        stack[:, :, frame.slice - slices[0], phases.index(frame.phase)] = mask.T
    write_nifti_stack(folder / "masks.nii.gz", stack, affine)
    return None


def _write_dicom_seg(folder: Path, result: StudySegmentation, anonymous: bool) -> str | None:
    """Write labels as DICOM SEG. Return the reason if it is impossible, else None."""
    from keras_lvseg.io.dicom_seg import SegmentedFrame, write_dicom_seg  # loads a third of a second of DICOM codes

    study = result.study
    if not all(is_dicom(path) for path in {frame.path for frame in study.frames}):
        return "the source has no UIDs"
    if study.geometry_error is not None:
        return "slices and phases are unknown"
    frames = [
        SegmentedFrame(
            path=frame.path,
            record=frame.record,
            slice=frame.slice,
            phase=frame.phase,
            labels=mask,
            pixel_spacing=frame.pixel_spacing,
            position=frame.position,
            orientation=frame.orientation,
            slice_thickness=frame.slice_thickness or frame.slice_spacing,
        )
        for frame, mask in zip(study.frames, result.masks, strict=True)
    ]
    try:
        write_dicom_seg(folder / "segmentation", frames, anonymous=anonymous)
    except DataError as error:
        return f"an image {error.reason}"
    return None


def _make_parent(folder: Path, name: str) -> str:
    """Create the folder of a file, and return the file's name."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    return name
