"""Studies of the images in an input: short-axis stacks, NIfTI volumes, and images that belong to no stack."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from keras_lvseg.errors import DataError
from keras_lvseg.io.dicom import Header, is_dicom, read_headers
from keras_lvseg.io.nifti import (
    NiftiHeader,
    is_nifti,
    label_stem,
    nifti_stem,
    patient_and_phase,
    read_nifti_header,
)
from keras_lvseg.io.png import is_png, read_png_size
from keras_lvseg.studies.assembly.assemble import assemble_stack
from keras_lvseg.studies.assembly.examinations import group_examinations
from keras_lvseg.studies.assembly.stacks import find_stacks
from keras_lvseg.studies.frame import PIXEL_SPACING_RANGE, Frame
from keras_lvseg.studies.skipped_file import SkippedFile
from keras_lvseg.studies.study import Study

_SHARED = (
    "patient_id",
    "series_instance_uid",
    "study_instance_uid",
    "frame_of_reference_uid",
    "study_date",
    "acquired",
    "pixel_spacing",
    "position",
    "orientation",
)

Names = tuple[str, str]
"""`patient_id` and `original_id`."""

Content = tuple[Header, ...] | NiftiHeader | tuple[int, int]
"""What a file says of its images: the headers of a DICOM file, the header of a NIfTI file, or the size of a PNG."""


def read_contents(paths: Iterable[Path]) -> Iterator[Content | DataError]:
    """Yield the content of each file, or why it holds no image that can be segmented.

    Args:
        paths: The files.
    """
    for path in paths:
        try:
            yield _read_content(path)
        except DataError as error:
            yield error


def _read_content(path: Path) -> Content:
    if is_png(path):
        return read_png_size(path)
    if is_nifti(path):
        if label_stem(path) is not None:
            raise DataError(path, "is a label, because its name ends in _gt")
        volume = read_nifti_header(path)
        _check_spacing(path, volume.pixel_spacing)
        return volume
    if is_dicom(path):
        headers = read_headers(path)
        for header in headers:
            _check_spacing(path, header.pixel_spacing)
        return headers
    raise DataError(path, "is neither DICOM nor NIfTI nor PNG")


@dataclass
class InputImages:
    """The headers of an input's files, as they are read.

    Attributes:
        root: The folder that was searched.
        patients: The names of the patient of a file, where a known tree has them.
        pixel_spacing: Distance between rows and between columns in mm of images without one; nan if unknown.
    """

    root: Path
    patients: Mapping[Path, Names]
    pixel_spacing: tuple[float, float]
    _headers: list[Header] = field(default_factory=list)
    _volumes: list[NiftiHeader] = field(default_factory=list)
    _standalone: list[tuple[Frame, str]] = field(default_factory=list)
    _frames_in_file: dict[Path, int] = field(default_factory=dict)
    _values: dict[Any, Any] = field(default_factory=dict)

    def add(self, path: Path, content: Content) -> None:
        """Add the images of a file.

        Args:
            path: The file.
            content: What `read_contents` gives of it.
        """
        match content:
            case NiftiHeader():
                self._volumes.append(content)
            case (int(rows), int(columns)):
                frame = Frame(path, *self._names(path), rows=rows, columns=columns)
                self._add_standalone(frame, "a PNG has no slice and phase")
            case _:
                self._frames_in_file[path] = len(content)
                for header in content:
                    self._add_header(header)

    def _add_header(self, header: Header) -> None:
        if header.geometry_error is None:
            # The images of a study share most values, and an archive has millions of images.
            values = {name: getattr(header, name) for name in _SHARED}
            shared = {name: self._values.setdefault(value, value) for name, value in values.items()}
            self._headers.append(replace(header, **shared))
            return
        patient_id, original_id = self._names(header.path, header.patient_id)
        frame = Frame.from_header(header, patient_id=patient_id, original_id=original_id)
        self._add_standalone(frame, f"{header.path.name}: {header.geometry_error}")

    def studies(self) -> Iterator[Study]:
        """Yield the studies of all files that were read, once. Their names may repeat."""
        yield from self._stacks()
        yield from _volume_studies(self._volumes)
        yield from self._standalone_studies()

    def _names(self, path: Path, patient_id: str = "") -> Names:
        return self.patients.get(path, (patient_id, patient_id))

    def _add_standalone(self, frame: Frame, reason: str) -> None:
        if np.isnan(frame.pixel_spacing).any():
            frame = replace(frame, pixel_spacing=self.pixel_spacing)
        self._standalone.append((frame, reason))

    def _stacks(self) -> Iterator[Study]:
        """Make one study of each short-axis stack."""
        known = {path: patient_id for path, (patient_id, _) in self.patients.items()}
        examinations = group_examinations(self._headers, known)[::-1]
        self._headers.clear()
        while examinations:  # the headers of one are dropped before the next one
            stacks, skipped = find_stacks(examinations.pop())
            for stack in stacks:
                study, more = self._stack(stack)
                # What the whole examination leaves out is listed in its first study.
                left_out, skipped = [*skipped, *more], []
                yield replace(study, skipped=tuple(_whole_files(left_out, self._frames_in_file)))

    def _stack(self, headers: Sequence[Header]) -> tuple[Study, list[SkippedFile]]:
        patient_id, original_id = self._names(headers[0].path, headers[0].patient_id)
        name = patient_id or self._folder_name(header.path.parent for header in headers)
        try:
            frames, skipped = assemble_stack(headers, patient_id=patient_id, original_id=original_id)
        except DataError as error:
            frames = tuple(Frame.from_header(h, patient_id=patient_id, original_id=original_id) for h in headers)
            return Study(name, frames, f"{Path(error.path).name}: {error.reason}"), []
        return Study(name, frames), skipped

    def _standalone_studies(self) -> Iterator[Study]:
        """Make one study of the images without a place of each folder, and of each file with several of them."""
        groups = defaultdict(list)
        for frame, reason in self._standalone:
            file = frame.path if frame.record is not None else None
            groups[frame.path.parent, is_png(frame.path), file, frame.patient_id].append((frame, reason))
        for (folder, *_), own in groups.items():
            frames = tuple(frame for frame, _ in own)
            yield Study(frames[0].patient_id or self._folder_name([folder]), frames, own[0][1])

    def _folder_name(self, folders: Iterable[Path]) -> str:
        """Return the common folder as a path from the root."""
        folder = Path(os.path.commonpath([*folders])).relative_to(self.root)
        return folder.as_posix() if folder.name else self.root.name


def _check_spacing(path: Path, spacing: tuple[float, float]) -> None:
    low, high = PIXEL_SPACING_RANGE
    if not all(np.isnan(value) or low <= value <= high for value in spacing):
        expected, got = f"{low:g} to {high:g} mm", " x ".join(f"{value:g}" for value in spacing)
        raise DataError(path, "has an invalid pixel spacing", expected=expected, got=got)


def _whole_files(skipped: Sequence[SkippedFile], frames_in_file: Mapping[Path, int]) -> Iterator[SkippedFile]:
    """Yield a file once, if all its frames are left out for the same reason."""
    counts = Counter((file.path, file.reason) for file in skipped)
    named = set()
    for file in skipped:
        if counts[file.path, file.reason] < frames_in_file[file.path]:
            yield file
        elif (file.path, file.reason) not in named:
            named.add((file.path, file.reason))
            yield SkippedFile(file.path, file.reason)


def _volume_studies(volumes: Sequence[NiftiHeader]) -> Iterator[Study]:
    """Make one study of each NIfTI file. Files `<patient>_frame<NN>` of one grid are phases of one study."""
    groups: dict[tuple[Path, str], dict[int, NiftiHeader]] = defaultdict(dict)
    for volume in volumes:
        stem = nifti_stem(volume.path)
        named = patient_and_phase(volume.path) if volume.phases == 1 else None
        patient, number = named or (stem, 1)
        phases = groups[volume.path.parent, patient]
        if named and number not in phases and all(volume.same_grid(other) for other in phases.values()):
            phases[number] = volume
        else:
            yield Study(stem, _volume_frames(volume))
    for (_, patient), phases in groups.items():
        if phases:
            first = min(1, *phases)  # frames are numbered from 1; some files count from 0
            frames = [
                frame
                for number, volume in phases.items()
                for frame in _volume_frames(volume, patient_id=patient, original_id=patient, phase=number - first)
            ]
            yield Study(patient, tuple(sorted(frames, key=lambda frame: (frame.slice, frame.phase))))


def _volume_frames(volume: NiftiHeader, **known: object) -> tuple[Frame, ...]:
    places = [(slice_, phase) for slice_ in range(volume.slices) for phase in range(volume.phases)]
    frames = [Frame.from_nifti(volume, place, **known) for place in places]
    return tuple(sorted(frames, key=lambda frame: (frame.slice, frame.phase)))
