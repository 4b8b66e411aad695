"""Patient: one cine short-axis study, its frames in order."""

from __future__ import annotations

from dataclasses import dataclass

from keras_lvseg.data.frames import Frame


@dataclass(frozen=True)
class Patient:
    """One patient's frames, by slice and then by phase, and the two phases that volumes are taken at.

    Attributes:
        patient_id: The patient's name among the images.
        original_id: The patient's name among the contours.
        frames: Every frame, labelled or not.
        ed_phase: End-diastole: of the phases with endocardial contours the one with the largest summed area.
            None where no frame has a contour.
        es_phase: End-systole: the one with the smallest. None where fewer than two phases have contours.
    """

    patient_id: str
    original_id: str
    frames: tuple[Frame, ...]
    ed_phase: int | None
    es_phase: int | None

    @property
    def slice_spacing(self) -> float | None:
        """Distance in mm from slice centre to slice centre."""
        return self.frames[0].slice_spacing
