"""Kinds of faults and their consequences for training and scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple


class _Fault(NamedTuple):
    severity: Literal["error", "warning"]
    consequence: str


_NO_DATA_SET = "No data set can be made of this tree until the file is repaired or removed."

FAULTS = {
    "unreadable-image": _Fault("error", _NO_DATA_SET),
    "unreadable-contour": _Fault("error", _NO_DATA_SET),
    "contour-without-image": _Fault("error", _NO_DATA_SET),
    "unusable-study": _Fault("error", _NO_DATA_SET),
    "repeated-uid": _Fault("error", "Leak checks and exports cannot tell these images apart."),
    "repeated-patient": _Fault("error", "An image in two splits is trained on and tested on. The score is too high."),
    "repeated-contour": _Fault("error", "All but one of these contours belong to another image."),
    "inner-not-inside-outer": _Fault(
        "error", "One contour belongs to another frame or patient. The label of the myocardium is wrong."
    ),
    "dark-blood": _Fault("error", "The contour does not follow the cavity of this image. The label is wrong."),
    "outside-image": _Fault(
        "error", "Part of the label is lost. The image or the coordinates belong to another frame."
    ),
    "crossed-contour": _Fault("error", "The inside of the contour is ambiguous. The label has holes or is too small."),
    "empty-contour": _Fault("error", "The label is empty. A network learns that this image has no cavity."),
    "mixed-spacing": _Fault("error", "Areas and volumes of this patient have two scales."),
    "several-series": _Fault("warning", "Only the series that fits the contours is used."),
    "repeated-image": _Fault("warning", "The image counts twice. One of the frames contradicts its header."),
    "missing-frames": _Fault("warning", "Missing frames cannot be segmented. Unlabelled frames are not trained on."),
    "missing-contour": _Fault("warning", "Volumes by summed areas lack this slice and are too small."),
    "stray-phase": _Fault("warning", "Volumes leave out this phase. Its contours may belong to another frame."),
    "uneven-slices": _Fault("warning", "Volumes count each slice by the way to its neighbours. Check the positions."),
    "slice-gap": _Fault("warning", "Volumes assume that the gaps between slices are like the slices."),
    "slice-spacing": _Fault("warning", "Volumes use the positions. Programs that use the header give other volumes."),
}
"""Severity and consequence of every kind of fault, by its code. Scripts depend on the codes: do not change them."""


@dataclass(frozen=True)
class Finding:
    """One fault in a tree.

    Attributes:
        code: Kind of fault. The codes stay the same from version to version.
        patients: `patient_id` of each patient concerned.
        files: Files concerned, relative to the tree.
        message: Description of the fault, in one line.

    Example:
        >>> finding = Finding("dark-blood", ("SCD0000101",), ("a.txt", "59.dcm"), "blood is not brighter than the wall")
        >>> finding.severity
        'error'
        >>> finding.consequence
        'The contour does not follow the cavity of this image. The label is wrong.'
    """

    code: str
    patients: tuple[str, ...]
    files: tuple[str, ...]
    message: str

    @property
    def severity(self) -> Literal["error", "warning"]:
        """Severity of the fault. An "error" makes results wrong or the tree unreadable."""
        return FAULTS[self.code].severity

    @property
    def consequence(self) -> str:
        """Consequence for training and scores, in one line."""
        return FAULTS[self.code].consequence

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {
            "severity": self.severity,
            "code": self.code,
            "patients": list(self.patients),
            "files": list(self.files),
            "message": self.message,
            "consequence": self.consequence,
        }
