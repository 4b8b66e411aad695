"""The result of a segmentation: masks, areas, volumes, and their files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from keras_lvseg.files import atomic_directory, write_json
from keras_lvseg.geometry import join_contours, mask_contours
from keras_lvseg.inference.inputs import RESULT_FILE
from keras_lvseg.inference.output_names import contour_names, image_names
from keras_lvseg.io import write_contour
from keras_lvseg.reporting.overlays import write_overlay
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.frame_images import read_image
from keras_lvseg.studies.skipped_file import SkippedFile
from keras_lvseg.studies.study import Study
from keras_lvseg.studies.study_volumes import PhaseVolume, StudyVolumes, study_volumes


@dataclass(frozen=True)
class Segmentation:
    """The result of `Segmenter.segment`.

    Attributes:
        root: The folder that was searched. File names in `as_dict` are relative to it.
        studies: The images, by study.
        masks: Mask of the cavity by `Frame.key`, bool array of the image's shape.
        skipped: Files without a mask, each with its reason.
        notes: Remarks for the user, one line each.
        settings: The network and its options, as plain values.
    """

    root: Path
    studies: tuple[Study, ...]
    masks: Mapping[tuple[Path, int | None], np.ndarray]
    skipped: tuple[SkippedFile, ...]
    notes: tuple[str, ...]
    settings: Mapping[str, Any]

    def volumes(self, study: Study) -> StudyVolumes:
        """Return the volumes of one of `studies`."""
        return study_volumes(study, [int(np.count_nonzero(self.masks[frame.key])) for frame in study.frames])

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the masks as plain values, which `write` stores as `segmentation.json`."""
        return {
            **self.settings,
            "notes": list(self.notes),
            "studies": [self._study(study) for study in self.studies],
            "images": [self._image(study, frame) for study in self.studies for frame in study.frames],
            "skipped": [{"file": self._name(file.path), "reason": file.reason} for file in self.skipped],
        }

    def write(self, folder: str | os.PathLike[str]) -> None:
        """Write all results atomically.

        - `masks/<image>_mask.png`: 0 and 255, on the native grid.
        - `contours/<study>/IM-0001-<NNNN>-icontour-auto.txt`: the contour of each mask that is not empty, along the
          edges of its pixels, in the format of the 2009 challenge. NNNN is the InstanceNumber. If InstanceNumbers are
          missing or repeated, the file is `contours/<study>/<image>-icontour-auto.txt`. A mask of noise has no contour.
        - `overlays/<image>_overlay.png`: the contour drawn on the image.
        - `segmentation.json`: see `as_dict`.

        `<image>` is the name of the image file without `.dcm` or `.png`. If two images share it, all names keep their
        suffix. If two images share the name with suffix, the files are in folders like the images.

        Args:
            folder: A new or empty folder.

        Raises:
            DataError: The folder is not empty, or an image cannot be read.
        """
        frames = [frame for study in self.studies for frame in study.frames]
        names = image_names([Path(self._name(frame.path)) for frame in frames])
        contours = [name for study in self.studies for name in contour_names(study)]
        written = self.as_dict()
        with atomic_directory(folder) as temporary:
            for frame, name, contour, image in zip(frames, names, contours, written["images"], strict=True):
                mask = self.masks[frame.key]
                image["mask"] = _make_parent(temporary, f"masks/{name}_mask.png")
                Image.fromarray(mask.astype(np.uint8) * 255).save(temporary / image["mask"])
                image["overlay"] = _make_parent(temporary, f"overlays/{name}_overlay.png")
                write_overlay(temporary / image["overlay"], read_image(frame), mask)
                image["contour"] = self._write_contour(temporary, f"contours/{contour}", mask)
            write_json(temporary / RESULT_FILE, written)

    def _write_contour(self, folder: Path, name: str, mask: np.ndarray) -> str | None:
        """Write the contour of a mask and return its file name. Return None for an empty mask and for noise."""
        outline = join_contours(mask_contours(mask))
        try:
            write_contour(folder / name, outline, origin=self.settings["contour_origin"])
        except ValueError:
            return None
        return name

    def _study(self, study: Study) -> dict[str, Any]:
        volumes = self.volumes(study)
        return {
            "name": study.name,
            "patient": study.frames[0].patient_id or None,
            "images": len(study.frames),
            "masks": sum(bool(self.masks[frame.key].any()) for frame in study.frames),
            "slices": None if study.geometry_error else len({frame.slice for frame in study.frames}),
            "slice_spacing_mm": None if study.geometry_error else _rounded(study.frames[0].slice_spacing, 4),
            "phases": [_phase(volume) for volume in volumes.phases],
            "ed": volumes.ed and _phase(volumes.ed),
            "es": volumes.es and _phase(volumes.es),
            "ejection_fraction_percent": _rounded(volumes.ejection_fraction),
            "missing_reason": volumes.problem,
        }

    def _image(self, study: Study, frame: Frame) -> dict[str, Any]:
        pixels = int(np.count_nonzero(self.masks[frame.key]))
        known = not np.isnan(frame.pixel_spacing).any()
        return {
            "file": self._name(frame.path),
            "study": study.name,
            "patient": frame.patient_id or None,
            "slice": None if study.geometry_error else frame.slice,
            "phase": None if study.geometry_error else frame.phase,
            "pixel_spacing_mm": list(frame.pixel_spacing) if known else None,
            "area_pixels": pixels,
            "area_mm2": _rounded(pixels * frame.pixel_area) if known else None,
            "empty": pixels == 0,
        }

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def _make_parent(folder: Path, name: str) -> str:
    """Create the folder of a file, and return the file's name."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    return name


def _phase(volume: PhaseVolume) -> dict[str, Any]:
    return asdict(volume) | {"volume_ml": _rounded(volume.volume_ml)}


def _rounded(value: float | None, decimals: int = 2) -> float | None:
    return None if value is None else round(value, decimals)
