"""Calibrations of both volumes, and their JSON file."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_lvseg.errors import DataError
from keras_lvseg.evaluation.volume_calibration import VolumeCalibration
from keras_lvseg.files import read_json, write_json
from keras_lvseg.io.volume_table import VolumeRow
from keras_lvseg.version import __version__

_FORMAT = "keras-lvseg volume calibration 1"
_LOWEST = {"factor": 0, "sd_offset_ml": 1e-3, "sd_factor": 0, "unknown_sd_ml": 1e-3}


@dataclass(frozen=True)
class VolumeCalibrations:
    """Calibrations of the end-diastolic and the end-systolic volume, fitted on the same patients.

    Attributes:
        patients: Patients that the fit saw. Their scores would be too good.
        edv: Calibration of the end-diastolic volume.
        esv: Calibration of the end-systolic volume.
    """

    patients: tuple[str, ...]
    edv: VolumeCalibration
    esv: VolumeCalibration

    def distributions(self, rows: Sequence[VolumeRow]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Return the cumulative distributions of the end-diastolic and the end-systolic volumes, by study.

        A volume that is unknown has the distribution of the true volumes of the fit's patients.

        Args:
            rows: The studies, see `keras_lvseg.io.read_volume_table`.

        Returns:
            Two mappings from a study to an array of shape (600,), for `keras_lvseg.io.write_bowl_submission`.
        """
        names = [row.study for row in rows]
        edv = self.edv.distributions([math.nan if row.edv_ml is None else row.edv_ml for row in rows])
        esv = self.esv.distributions([math.nan if row.esv_ml is None else row.esv_ml for row in rows])
        return dict(zip(names, edv, strict=True)), dict(zip(names, esv, strict=True))

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a JSON file for `read_volume_calibrations`, atomically. It holds no volume of a patient.

        Args:
            path: The file to write.
        """
        values = {"format": _FORMAT, "keras_lvseg": __version__, "patients": [*self.patients]}
        write_json(path, values | {"edv": asdict(self.edv), "esv": asdict(self.esv)})


def read_volume_calibrations(path: str | os.PathLike[str]) -> VolumeCalibrations:
    """Read the file of `VolumeCalibrations.write`.

    Args:
        path: The JSON file.

    Raises:
        DataError: The file cannot be read, or is not such a file.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "TRAIN.json"
        >>> calibration = VolumeCalibration(0.0, 1.0, 5.0, 0.05, unknown_mean_ml=160.0, unknown_sd_ml=50.0)
        >>> VolumeCalibrations(("1", "2"), edv=calibration, esv=calibration).write(path)
        >>> read_volume_calibrations(path).patients
        ('1', '2')
    """
    path = Path(path)
    values = read_json(path)
    if not isinstance(values, dict) or values.get("format") != _FORMAT:
        raise DataError(path, "is no volume calibration", expected="a file of 'compare-volumes --fit'")
    patients = values.get("patients")
    if not isinstance(patients, list) or not all(isinstance(patient, str) for patient in patients):
        raise DataError(path, "has no valid patients", expected="a list of names")
    return VolumeCalibrations(tuple(patients), *(_calibration(path, name, values.get(name)) for name in ("edv", "esv")))


def _calibration(path: Path, name: str, values: Any) -> VolumeCalibration:
    names = VolumeCalibration.__dataclass_fields__
    if not isinstance(values, dict) or values.keys() != names.keys():
        raise DataError(path, f"has no valid {name}", expected=f"numbers by the names {', '.join(names)}")
    for key, value in values.items():
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        lowest = _LOWEST.get(key, -math.inf)
        if not (is_number and math.isfinite(value) and value >= lowest):
            expected = f"a finite number{f', {lowest:g} or more' if key in _LOWEST else ''}"
            raise DataError(path, f"has no valid {name}.{key}", expected=expected, got=repr(value)[:40])
    return VolumeCalibration(**{key: float(value) for key, value in values.items()})
