"""Audit of one patient."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from keras_lvseg.audit.contour_faults import contour_faults
from keras_lvseg.audit.findings import Finding
from keras_lvseg.audit.study_faults import study_faults
from keras_lvseg.data.layouts import PatientFiles
from keras_lvseg.errors import DataError
from keras_lvseg.io.contour_file import read_contour
from keras_lvseg.io.dicom import Header, read_header
from keras_lvseg.studies.assembly.assemble import assemble_study, read_patient
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.frame_contours import Border, read_frame_contour
from keras_lvseg.studies.frame_images import read_image, read_mask
from keras_lvseg.studies.patient import Patient

Content = TypeVar("Content")
Key = TypeVar("Key")

_Label = tuple[Path, int | None, Border]
"""File, number of the image in it, and border."""


@dataclass
class PatientAudit:
    """Faults of one patient, and values to compare with other patients. A faulty file does not end the audit.

    Attributes:
        files: Files of the patient.
        root: The tree. Findings name files relative to it.
        contour_origin: Added to a contour's x and y to get zero-based pixel centres.
        findings: Faults of the patient.
        uids: SOPInstanceUID and file of each DICOM image.
        pixels: Hash of the pixels and file of each image, except images of a single value.
        contours: Hash of the points and file of each contour.
    """

    files: PatientFiles
    root: Path
    contour_origin: float
    findings: list[Finding] = field(default_factory=list)
    uids: list[tuple[str, str]] = field(default_factory=list)
    pixels: list[tuple[str, str]] = field(default_factory=list)
    contours: list[tuple[str, str]] = field(default_factory=list)

    def run(self) -> None:
        """Check all files."""
        labels = {(path, frame.record, border): frame for frame in self.files.frames for border, path in _paths(frame)}

        def read(label: _Label) -> np.ndarray:
            path, _, border = label
            if label in labels:
                return read_frame_contour(labels[label], border, contour_origin=self.contour_origin)
            return read_contour(path, origin=self.contour_origin)

        contours: list[_Label] = [(contour.path, None, contour.border) for contour in self.files.contours]
        points = self._read_each("unreadable-contour", [*contours, *labels], read)
        self.contours = [(_hash(contour), self._name(path)) for (path, *_), contour in points.items()]
        for frame in self._dicom_frames(points) if self.files.images else self._given_frames(points):
            self._check_frame(frame, points)

    def _given_frames(self, points: Mapping[_Label, np.ndarray]) -> Sequence[Frame]:
        """Check the study of a patient without DICOM, and return its frames with their readable contours."""
        frames = tuple(
            replace(
                frame,
                endocardium=_readable(frame, "endocardium", points),
                epicardium=_readable(frame, "epicardium", points),
            )
            for frame in self.files.frames
        )
        for code, message, paths in study_faults(read_patient(replace(self.files, frames=frames))):
            self._add(code, message, paths)
        return frames

    def _dicom_frames(self, points: Mapping[_Label, np.ndarray]) -> Sequence[Frame]:
        """Check the study of a patient with DICOM, and return its frames with their readable contours."""
        headers = self._read_each("unreadable-image", self.files.images, read_header)
        patient = self._assemble(headers, points) if headers else None
        if patient is None:  # all images are checked, because the right series is unknown
            names = {"patient_id": self.files.patient_id, "original_id": self.files.original_id}
            frames: Sequence[Frame] = [Frame.from_header(header, **names) for header in headers.values()]
        else:
            frames = patient.frames
            for code, message, paths in study_faults(patient, [headers[frame.path] for frame in frames]):
                self._add(code, message, paths)
        self.uids = [(frame.sop_instance_uid, self._name(frame.path)) for frame in frames]
        return frames

    def _assemble(self, headers: dict[Path, Header], points: Mapping[_Label, np.ndarray]) -> Patient | None:
        """Return the study of the readable files, or None if they make no study."""
        numbers = {header.instance_number for header in headers.values()}
        contours = []
        for contour in self.files.contours:
            label = (contour.path, None, contour.border)
            if label in points and contour.number in numbers:
                contours.append(contour)
            # An unreadable image may be the image of the contour.
            elif label in points and len(headers) == len(self.files.images):
                message = f"is a contour of frame {contour.number}, but no image has this InstanceNumber"
                self._add("contour-without-image", message, [contour.path])
        try:
            patient = assemble_study(replace(self.files, contours=tuple(contours)), list(headers.values()))
        except DataError as error:
            self._add_error("unusable-study", error)
            patient = None
        series = {header.series_instance_uid: path for path, header in reversed(headers.items())}
        if patient and len(patient.frames) < len(headers):
            used = f"{self._name(patient.frames[0].path)} is used, {len(patient.frames)} of {len(headers)} images"
            self._add("several-series", f"has several series; the series of {used}", series.values())
        elif not patient and len(series) > 1:
            self._add("several-series", f"has {len(series)} series", series.values())
        return patient

    def _check_frame(self, frame: Frame, points: Mapping[_Label, np.ndarray]) -> None:
        """Check the image of a frame, and its contours or mask against the image."""
        try:
            pixels = read_image(frame)
        except DataError as error:
            self._add_error("unreadable-image", error)
            return
        if pixels.min() < pixels.max():  # blank images of different patients are equal
            self.pixels.append((_hash(pixels.astype(np.int64)), self._name(frame.path)))
        if frame.mask and not read_mask(frame).any():
            self._add("empty-contour", f"the mask of frame {frame.instance_number} is empty", [frame.path])
        paths: dict[str, Path] = {border: path for border, path in _paths(frame)}
        contours: dict[str, np.ndarray] = {border: points[path, frame.record, border] for border, path in _paths(frame)}
        for code, message, borders in contour_faults(pixels, frame.pixel_spacing, contours):
            self._add(code, message, [*(paths[border] for border in borders), frame.path])

    def _read_each(self, code: str, paths: Iterable[Key], read: Callable[[Key], Content]) -> dict[Key, Content]:
        """Return the contents of the readable files. An unreadable file is a finding."""
        contents = {}
        for path in paths:
            try:
                contents[path] = read(path)
            except DataError as error:
                self._add_error(code, error)
        return contents

    def _add(self, code: str, message: str, paths: Iterable[Path]) -> None:
        names = tuple(dict.fromkeys(self._name(path) for path in paths))
        self.findings.append(Finding(code, (self.files.patient_id,), names, message))

    def _add_error(self, code: str, error: DataError) -> None:
        self._add(code, error.reason.replace(f"{self.root}/", ""), [Path(error.path)])

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)


def _hash(values: np.ndarray) -> str:
    """Return a hash of shape and values."""
    return hashlib.sha256(repr(values.shape).encode() + np.ascontiguousarray(values).tobytes()).hexdigest()


def _paths(frame: Frame) -> list[tuple[Border, Path]]:
    """Return the borders that a frame has, and their files."""
    borders: tuple[tuple[Border, Path | None], ...] = (
        ("endocardium", frame.endocardium),
        ("epicardium", frame.epicardium),
    )
    return [(border, path) for border, path in borders if path is not None]


def _readable(frame: Frame, border: Border, points: Container[_Label]) -> Path | None:
    path: Path | None = getattr(frame, border)
    return path if path is not None and (path, frame.record, border) in points else None
