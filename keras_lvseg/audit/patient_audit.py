"""What can be wrong with one patient, and what to compare with the others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from keras_lvseg.audit.contour_faults import outline_faults
from keras_lvseg.audit.findings import Finding
from keras_lvseg.data.layouts import PatientFiles
from keras_lvseg.errors import DataError
from keras_lvseg.io.dicom import Header, read_header, read_pixels
from keras_lvseg.studies.assemble import assemble_study, read_patient, sparsely_contoured_phases
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.frame_contours import read_contour_or_label
from keras_lvseg.studies.frame_images import read_image, read_mask
from keras_lvseg.studies.patient import Patient

_NAMED = 3  # missing frames


@dataclass
class PatientAudit:
    """One patient's faults, gathered file by file: after a broken file the next one is looked at.

    Attributes:
        files: What a layout found of the patient.
        root: The tree; findings name files relative to it.
        contour_origin: Added to a contour's x and y to get zero-based pixel centres.
        findings: What is wrong.
        uids: Each image's SOPInstanceUID, by file.
        pixels: A hash of each image's pixels, by file; images of one colour are left out.
        outlines: A hash of each contour's points, by file.
    """

    files: PatientFiles
    root: Path
    contour_origin: float
    findings: list[Finding] = field(default_factory=list)
    uids: list[tuple[str, str]] = field(default_factory=list)
    pixels: list[tuple[str, str]] = field(default_factory=list)
    outlines: list[tuple[str, str]] = field(default_factory=list)

    def run(self) -> None:
        """Look at everything."""
        if self.files.images:
            self._look_at_files()
        elif any(frame.mask for frame in self.files.frames):
            self._look_at_records()
        else:
            self._look_at_pictures()

    def _look_at_records(self) -> None:
        for frame in self.files.frames:  # no header, no contour
            if self._pixels(frame.path, partial(read_image, frame)) is not None and not read_mask(frame).any():
                message = f"the mask of frame {frame.instance_number} holds no pixel of the cavity"
                self._add("empty-outline", message, frame.path)

    def _look_at_pictures(self) -> None:
        labels = [path for frame in self.files.frames for path in (frame.endocardium, frame.epicardium) if path]
        points = self._each("unreadable-contour", labels, self._points)
        self.outlines = [(_hash(outline), self._name(path)) for path, outline in points.items()]
        frames = tuple(
            replace(
                frame,
                endocardium=frame.endocardium if frame.endocardium in points else None,
                epicardium=frame.epicardium if frame.epicardium in points else None,
            )
            for frame in self.files.frames
        )
        patient = read_patient(replace(self.files, frames=frames))
        self._check_gaps(patient)
        self._check_phases(patient)
        for frame in frames:
            pixels = self._pixels(frame.path, partial(read_image, frame))
            if pixels is not None:
                self._check_outlines(frame, pixels, points)

    def _look_at_files(self) -> None:
        headers = self._each("unreadable-image", self.files.images, read_header)
        points = self._each("unreadable-contour", [contour.path for contour in self.files.contours], self._points)
        self.outlines = [(_hash(outline), self._name(path)) for path, outline in points.items()]
        patient = self._study(headers, points)
        frames = {frame.path: frame for frame in patient.frames} if patient else {}
        if patient:
            self._check_spacings(patient, [headers[frame.path] for frame in patient.frames])
            self._check_gaps(patient)
            self._check_phases(patient)
        # Series that are not used harm nobody; where it is not known which one is, all are looked at.
        for path in frames or headers:
            self.uids.append((headers[path].sop_instance_uid, self._name(path)))
            pixels = self._pixels(path, partial(read_pixels, path))
            if pixels is not None and path in frames:
                self._check_outlines(frames[path], pixels, points)

    def _study(self, headers: dict[Path, Header], points: dict[Path, np.ndarray]) -> Patient | None:
        """The patient, of what could be read."""
        if not headers:
            return None
        numbers = {header.instance_number for header in headers.values()}
        contours = []
        for contour in self.files.contours:
            if contour.path in points and contour.number in numbers:
                contours.append(contour)
            # Where an image cannot be read, nobody knows whether it is the one.
            elif contour.path in points and len(headers) == len(self.files.images):
                message = f"outlines frame {contour.number}, and no image has that InstanceNumber"
                self._add("contour-without-image", message, contour.path)
        try:
            patient = assemble_study(replace(self.files, contours=tuple(contours)), list(headers.values()))
        except DataError as error:
            self._add_error("unusable-study", error)
            patient = None
        series = {header.series_instance_uid: path for path, header in reversed(headers.items())}
        if patient and len(patient.frames) < len(headers):
            used = f"{len(patient.frames)} of {len(headers)} images, those of {self._name(patient.frames[0].path)}"
            self._add("several-series", f"several series lie together; used are {used}", *series.values())
        elif not patient and len(series) > 1:
            self._add("several-series", f"{len(series)} series lie together", *series.values())
        return patient

    def _check_spacings(self, patient: Patient, headers: Sequence[Header]) -> None:
        first = patient.frames[0]
        others = [f for f in patient.frames if not np.allclose(f.pixel_spacing, first.pixel_spacing, rtol=1e-3)]
        if others:
            message = f"pixels of {_mm(*first.pixel_spacing)} and of {_mm(*others[0].pixel_spacing)} in one study"
            self._add("mixed-spacing", message, first.path, *(frame.path for frame in others))
        spacing = patient.slice_spacing
        if spacing is None:
            return
        for header in headers:
            if header.slice_spacing is not None and abs(header.slice_spacing - spacing) > 0.01 * spacing:
                message = f"slices lie {_mm(spacing)} apart, and SpacingBetweenSlices is {_mm(header.slice_spacing)}"
                self._add("slice-spacing", message, header.path)
                break
        if patient.slice_gap is not None and patient.slice_gap > 0.01 * spacing:
            message = f"slices are {_mm(first.slice_thickness)} thick and {_mm(spacing)} apart"
            self._add("slice-gap", message, first.path.parent)

    def _check_gaps(self, patient: Patient) -> None:
        folder = patient.frames[0].path.parent
        missing = []
        if frames := patient.missing_frames:
            named = ", ".join(f"slice {slice_} phase {phase}" for slice_, phase in frames[:_NAMED])
            more = ", ..." if len(frames) > _NAMED else ""
            missing.append(f"{len(frames)} of {len(frames) + len(patient.frames)} frames are missing ({named}{more})")
        if slices := patient.missing_slices:
            missing.append(f"there is no frame of slice {', '.join(map(str, slices))}")
        if missing:
            self._add("missing-frames", "; ".join(missing), folder)
        for name, phase in (("end-diastole", patient.ed_phase), ("end-systole", patient.es_phase)):
            drawn = {frame.slice: frame.endocardium for frame in patient.frames if frame.phase == phase}
            labelled = [slice_ for slice_, contour in drawn.items() if contour]
            gaps = [s for s in range(min(labelled, default=0), max(labelled, default=0)) if s not in labelled]
            if gaps:
                message = (
                    f"no contour at {name} in slice {', '.join(map(str, gaps))}, and slices on both sides have one"
                )
                self._add("missing-contour", message, folder)

    def _check_phases(self, patient: Patient) -> None:
        for phase, frames in sparsely_contoured_phases(patient.frames).items():
            slices = ", ".join(str(frame.slice) for frame in frames)
            message = f"phase {phase} has contours in slice {slices} alone, fewer than half as many as another phase"
            self._add("stray-phase", message, *(frame.endocardium for frame in frames if frame.endocardium))

    def _check_outlines(self, frame: Frame, pixels: np.ndarray, points: dict[Path, np.ndarray]) -> None:
        paths = {"endocardium": frame.endocardium, "epicardium": frame.epicardium}
        drawn = {border: path for border, path in paths.items() if path is not None}
        outlines = {border: points[path] for border, path in drawn.items()}
        for code, message, borders in outline_faults(pixels, frame.pixel_spacing, outlines):
            self._add(code, message, *(drawn[border] for border in borders), frame.path)

    def _pixels(self, path: Path, read: Callable[[], np.ndarray]) -> np.ndarray | None:
        try:
            pixels = read()
        except DataError as error:
            self._add_error("unreadable-image", error)
            return None
        if pixels.min() < pixels.max():  # images of nothing are alike, and nobody's
            self.pixels.append((_hash(pixels.astype(np.int64)), self._name(path)))
        return pixels

    def _points(self, path: Path) -> np.ndarray:
        return read_contour_or_label(path, self.contour_origin)

    def _each(self, code: str, paths: Sequence[Path], read: Callable[[Path], Any]) -> dict[Path, Any]:
        """What each file gives; one that gives nothing is a finding."""
        values = {}
        for path in paths:
            try:
                values[path] = read(path)
            except DataError as error:
                self._add_error(code, error)
        return values

    def _add(self, code: str, message: str, *paths: Path) -> None:
        names = tuple(dict.fromkeys(self._name(path) for path in paths))
        self.findings.append(Finding(code, (self.files.patient_id,), names, message))

    def _add_error(self, code: str, error: DataError) -> None:
        message = error.reason
        self._add(code, message.replace(f"{self.root}/", ""), Path(error.path))

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)


def _hash(values: np.ndarray) -> str:
    """Equal arrays, whatever their memory's layout, have equal hashes."""
    return hashlib.sha256(repr(values.shape).encode() + np.ascontiguousarray(values).tobytes()).hexdigest()


def _mm(*lengths: float | None) -> str:
    return " x ".join(f"{length:.4g}" for length in lengths) + " mm"
