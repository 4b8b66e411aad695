"""Patient: one cine short-axis study, its frames in order."""

from __future__ import annotations

from dataclasses import dataclass

from keras_lvseg.geometry import ejection_fraction
from keras_lvseg.studies.frame import Frame


@dataclass(frozen=True)
class Patient:
    """One patient's frames, by slice and then by phase, and the volumes that the contours give.

    Attributes:
        patient_id: The patient's name among the images.
        original_id: The patient's name among the contours.
        frames: Every frame, labelled or not.
        phases: How many phases the heart's cycle was cut into: as the header says, or as the fullest slice has.
        ed_phase: End-diastole: of the phases with endocardial contours the one with the largest summed area. Phases
            with fewer than half as many contours as the phase with the most are left out: a stray contour is no phase.
            None where no frame has a contour.
        es_phase: End-systole: of the same phases the one with the smallest. None where they are fewer than two.
        edv_ml: End-diastolic volume in mL: the areas inside the endocardial contours, each times the slice spacing.
            A slice without a contour adds nothing. None where there is no contour, or no slice spacing.
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
        """Distance in mm from slice centre to slice centre."""
        return self.frames[0].slice_spacing

    @property
    def slice_gap(self) -> float | None:
        """Distance in mm from the end of a slice to the start of the next one; negative where slices overlap."""
        thickness = self.frames[0].slice_thickness
        return None if thickness is None or self.slice_spacing is None else self.slice_spacing - thickness

    @property
    def ejection_fraction(self) -> float | None:
        """The part of the end-diastolic volume that is ejected, in percent."""
        return None if not self.edv_ml or self.esv_ml is None else ejection_fraction(self.edv_ml, self.esv_ml)

    @property
    def missing_slices(self) -> tuple[int, ...]:
        """Slices with no frame at all, up to the last one that has any; what lay beyond it is not known."""
        present = {frame.slice for frame in self.frames}
        return tuple(slice_ for slice_ in range(max(present)) if slice_ not in present)

    @property
    def missing_frames(self) -> tuple[tuple[int, int], ...]:
        """(slice, phase) of each frame that is missing in a slice that has others."""
        present = {(frame.slice, frame.phase) for frame in self.frames}
        slices = sorted({frame.slice for frame in self.frames})
        due = ((slice_, phase) for slice_ in slices for phase in range(self.phases))
        return tuple(place for place in due if place not in present)
