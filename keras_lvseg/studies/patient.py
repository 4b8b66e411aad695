"""Patient: the frames of one cine short-axis study in order, and its volumes."""

from __future__ import annotations

from dataclasses import dataclass

from keras_lvseg.geometry import ejection_fraction
from keras_lvseg.studies.frame import Frame


@dataclass(frozen=True)
class Patient:
    """The frames of one patient, by slice and then by phase, and the volumes inside the contours.

    Attributes:
        patient_id: The patient's name in the images.
        original_id: The patient's name in the contours.
        frames: All frames, labelled or not.
        phases: Number of phases of the cardiac cycle, from the header or from the slice with the most frames.
        ed_phase: End-diastole: the phase with the largest summed area inside endocardial contours. Phases with fewer
            than half as many contours as the phase with the most are ignored. None if no frame has a contour.
        es_phase: End-systole: the phase with the smallest area among the same phases. None if there is only one.
        edv_ml: End-diastolic volume in mL: the sum of the areas inside the endocardial contours times the slice
            spacing. Slices without a contour add nothing. None without contours or slice spacing.
        esv_ml: End-systolic volume in mL, likewise.

    Example:
        >>> import tempfile
        >>> from keras_lvseg import SAXDataset
        >>> from keras_lvseg.phantom import write_phantom
        >>> folder = tempfile.mkdtemp()
        >>> _ = write_phantom(folder, patients=1, seed=0, frames="contoured")
        >>> (patient,) = SAXDataset(folder).patients
        >>> print(f"{patient.edv_ml:.0f} mL, {patient.esv_ml:.0f} mL, {patient.ejection_fraction:.0f} %")
        130 mL, 41 mL, 68 %
        >>> patient.phases, len(patient.missing_frames) > 0  # only those with a contour were written
        (20, True)
    """

    patient_id: str
    original_id: str
    frames: tuple[Frame, ...]
    phases: int
    ed_phase: int | None
    es_phase: int | None
    edv_ml: float | None
    esv_ml: float | None

    @property
    def slice_spacing(self) -> float | None:
        """Distance between slice centres, mm."""
        return self.frames[0].slice_spacing

    @property
    def slice_gap(self) -> float | None:
        """Distance from the end of a slice to the start of the next one, mm; negative if slices overlap."""
        thickness = self.frames[0].slice_thickness
        return None if thickness is None or self.slice_spacing is None else self.slice_spacing - thickness

    @property
    def ejection_fraction(self) -> float | None:
        """Stroke volume over end-diastolic volume, in percent."""
        return None if not self.edv_ml or self.esv_ml is None else ejection_fraction(self.edv_ml, self.esv_ml)

    @property
    def missing_slices(self) -> tuple[int, ...]:
        """Slices without any frame, before the last slice that has one."""
        present = {frame.slice for frame in self.frames}
        return tuple(slice_ for slice_ in range(max(present)) if slice_ not in present)

    @property
    def missing_frames(self) -> tuple[tuple[int, int], ...]:
        """(slice, phase) of each missing frame of a slice that has other frames."""
        present = {(frame.slice, frame.phase) for frame in self.frames}
        slices = sorted({frame.slice for frame in self.frames})
        expected = ((slice_, phase) for slice_ in slices for phase in range(self.phases))
        return tuple(place for place in expected if place not in present)
