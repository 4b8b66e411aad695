"""The result of a study: masks, volumes, and their files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from keras_lvseg.errors import DataError
from keras_lvseg.files import atomic_directory
from keras_lvseg.inference.consistency.mask_flags import mask_flags
from keras_lvseg.inference.consistency.study_masks import Change
from keras_lvseg.inference.output_names import numbered_study
from keras_lvseg.inference.study_files import DEFAULT_OUTPUTS, check_outputs, draw_montages, write_study_files
from keras_lvseg.inference.trained_network import TYPICAL_SPACING
from keras_lvseg.reporting.html.study_report import study_fragment
from keras_lvseg.studies.skipped_file import SkippedFile
from keras_lvseg.studies.study import Study
from keras_lvseg.studies.study_volumes import Flag, PhaseVolume, StudyVolumes, study_volumes


@dataclass(frozen=True, eq=False, repr=False)
class StudySegmentation:
    """The masks of a study and what follows from them.

    Attributes:
        study: The frames that have a mask, and what is skipped.
        masks: Class numbers per frame, uint8 arrays in the order of `study.frames`: 0 background, 1 cavity,
            2 myocardium.
        certainties: Mean probability of the cavity inside each mask, from 0.5 to 1. None if it is empty.
        changes: How the rest of the study changed each mask: "moved" (another component of the image), "removed" (none)
            or "resolved" (taken from the phases around it). None if it did not.
        number: Number of the study in its input, from 1.
        folder: Name of its result folder.
        patient_id: The patient; empty if unknown.
        root: The folder that was searched. File names in `as_dict` are relative to it.
        fingerprint: Hash of the study's images.
        has_myocardium: Whether the network tells the myocardium from the background.
        settings: The network and its options, as plain values.
        notes: Remarks for the user, one line each.

    Example:
        >>> import tempfile
        >>> from keras_lvseg import Segmenter
        >>> from keras_lvseg.phantom import write_phantom
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = write_phantom(folder / "heart", patients=1, frames="contoured")
        >>> (study,) = Segmenter().segment(folder / "heart")
        >>> study.masks[0].shape, len(study.volumes.phases)
        ((256, 256), 2)
        >>> sorted(path.name for path in study.write(folder / "out", outputs=["masks"]).iterdir())
        ['masks', 'study.json']
    """

    study: Study
    masks: tuple[np.ndarray, ...]
    certainties: tuple[float | None, ...]
    changes: tuple[Change | None, ...]
    number: int
    folder: str
    patient_id: str
    root: Path
    fingerprint: str
    has_myocardium: bool
    settings: Mapping[str, Any]
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the study, after the patient, the NIfTI file or the folder."""
        return self.study.name

    @property
    def error(self) -> str | None:
        """Why there is no mask at all; None if there is one."""
        if self.masks:
            return None
        unreadable = self.study.skipped[-1]
        return f"no image can be read; {unreadable.path.name} {unreadable.reason}"

    @cached_property
    def volumes(self) -> StudyVolumes:
        """The volumes of all phases, end-diastole and end-systole."""
        if self.error:
            return StudyVolumes(problem=self.error)
        cavity, myocardium = ([int(np.count_nonzero(mask == own)) for mask in self.masks] for own in (1, 2))
        volumes = study_volumes(self.study, cavity, myocardium if self.has_myocardium else None)
        return replace(volumes, flags=(*volumes.flags, *self._mask_flags(volumes)))

    def _mask_flags(self, volumes: StudyVolumes) -> Iterator[Flag]:
        if self.settings["pixel_spacing"] is not None and any(
            np.isnan(f.pixel_spacing).any() for f in self.study.frames
        ):
            yield Flag("spacing-assumed", f"the pixel spacing is unknown, and {TYPICAL_SPACING} mm is assumed")
        if self.study.geometry_error is None:
            uncertain = self.settings["certainty"]["flag"]
            masks = (self.masks, self.certainties)
            yield from mask_flags(self.study, *masks, volumes, changes=self.changes, uncertain=uncertain)

    def __repr__(self) -> str:
        if self.error:
            return f"<StudySegmentation {self.name!r}: {self.error}>"
        volumes = self.volumes
        found = f"{len(self.masks)} masks"
        if volumes.edv_ml is not None and volumes.esv_ml is not None:
            found += f", EDV {volumes.edv_ml:.0f} mL, ESV {volumes.esv_ml:.0f} mL, EF {volumes.ejection_fraction:.0f} %"
        return f"<StudySegmentation {self.name!r}: {found}>"

    def _repr_html_(self) -> str:
        return study_fragment(self.as_dict(), draw_montages(self))

    def as_dict(self, *, anonymous: bool = False) -> dict[str, Any]:
        """Return everything but the masks as plain values. `write` stores them as `study.json`.

        Args:
            anonymous: Leave out the patient and all file names.
        """
        volumes, study = self.volumes, self.study
        placed = study.geometry_error is None and not self.error
        return {
            "study": numbered_study(self.number) if anonymous else self.folder,
            "patient": None if anonymous else self._patient(),
            "slices": len(study.slices) if placed else None,
            "phases": len(study.phases) if placed else None,
            "ed_phase": volumes.ed and volumes.ed.phase,
            "es_phase": volumes.es and volumes.es.phase,
            "edv_ml": _rounded(volumes.edv_ml),
            "esv_ml": _rounded(volumes.esv_ml),
            "stroke_volume_ml": _rounded(volumes.stroke_volume_ml),
            "ejection_fraction_percent": _rounded(volumes.ejection_fraction),
            "myocardial_mass_g": _rounded(volumes.myocardial_mass_g),
            "flags": [
                {
                    "code": flag.code,
                    "reason": self._reason(flag.reason, anonymous),
                    "images": [{"slice": slice_, "phase": phase} for slice_, phase in flag.images],
                }
                for flag in volumes.flags
            ],
            "missing_reason": self._reason(volumes.problem, anonymous),
            "volumes": [_phase(volume) for volume in volumes.phases],
            "changes": {change: self.changes.count(change) for change in ("moved", "removed", "resolved")},
            "images": [self._image(index, anonymous) for index in range(len(self.masks))],
            "skipped": [self._skipped(skipped, anonymous) for skipped in study.skipped],
            "notes": [*self.notes],
            "anonymous": anonymous,
            "fingerprint": self.fingerprint,
            "settings": dict(self.settings),
        }

    def write(
        self,
        folder: str | os.PathLike[str],
        *,
        outputs: Sequence[str] = DEFAULT_OUTPUTS,
        anonymous: bool = False,
    ) -> Path:
        """Write the results to `<folder>/<study>`, whole or not at all.

        The guide "A study from the scanner" describes the files.

        Args:
            folder: The folder of all studies.
            outputs: What to write beside `study.json`, of "masks", "report", "contours", "overlays", "nifti" and
                "dicom-seg".
            anonymous: Leave out the patient and all file names, and name the study by its number.

        Returns:
            The study's folder.

        Raises:
            DataError: The study's folder is not empty, the study has no mask, or an image cannot be read.
            ValueError: `outputs` has an unknown name.
        """
        check_outputs(outputs)
        record = self.as_dict(anonymous=anonymous)
        path = Path(folder) / record["study"]
        if self.error:
            raise DataError(path, "is not written", self.error)
        with atomic_directory(path) as temporary:
            write_study_files(temporary, self, record, outputs)
        return path

    def hide_names(self, text: str) -> str:
        """Return text without the names of the patient, of files and of folders."""
        paths = [*(frame.path for frame in self.study.frames), *(skipped.path for skipped in self.study.skipped)]
        names = {part for path in paths for part in path.relative_to(self.root).parts}
        names |= {name for frame in self.study.frames for name in (frame.patient_id, frame.original_id)}
        names |= {self.study.name, *self.study.name.split("/")}
        longest_first = sorted(filter(None, names), key=len, reverse=True)
        return re.sub("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in longest_first), "…", text)

    def _patient(self) -> str | None:
        """Return the patient's ID if it names the study. Other outputs must not tell it."""
        patient, name = self.patient_id, self.study.name
        return patient if patient and re.fullmatch(rf"{re.escape(patient)}(-\d+)?", name) else None

    def _reason(self, reason: str | None, anonymous: bool) -> str | None:
        # Other reasons name no files. Their numbers could be taken for names.
        named = self.study.geometry_error or self.error
        return self.hide_names(reason) if reason and anonymous and named else reason

    def _image(self, index: int, anonymous: bool) -> dict[str, Any]:
        frame, mask = self.study.frames[index], self.masks[index]
        placed = self.study.geometry_error is None
        known = not np.isnan(frame.pixel_spacing).any()
        pixels = int(np.count_nonzero(mask == 1))
        return {
            "file": None if anonymous else frame.path.relative_to(self.root).as_posix(),
            "frame": frame.record,
            "slice": frame.slice if placed else None,
            "phase": frame.phase if placed else None,
            "pixel_spacing_mm": [float(spacing) for spacing in frame.pixel_spacing] if known else None,
            "area_pixels": pixels,
            "area_mm2": _rounded(pixels * frame.pixel_area) if known else None,
            "myocardium_pixels": int(np.count_nonzero(mask == 2)) if self.has_myocardium else None,
            "mean_probability": _rounded(self.certainties[index], 4),
            "change": self.changes[index],
        }

    def _skipped(self, skipped: SkippedFile, anonymous: bool) -> dict[str, Any]:
        file, reason = skipped.path.relative_to(self.root).as_posix(), skipped.reason
        if anonymous:
            return {"file": None, "frame": skipped.record, "reason": self.hide_names(reason)}
        return {"file": file, "frame": skipped.record, "reason": reason}


def _phase(volume: PhaseVolume) -> dict[str, Any]:
    values = asdict(volume)
    return values | {name: _rounded(values[name]) for name in ("volume_ml", "myocardium_ml")}


def _rounded(value: float | None, decimals: int = 2) -> float | None:
    return None if value is None else round(float(value), decimals)
