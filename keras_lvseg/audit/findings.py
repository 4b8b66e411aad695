"""What can be wrong with a tree, and what each fault means for who trains on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple


class _Fault(NamedTuple):
    severity: Literal["error", "warning"]
    consequence: str


_NO_DATA_SET = "no data set can be made of this tree until it is mended or taken away"

FAULTS = {
    "unreadable-image": _Fault("error", _NO_DATA_SET),
    "unreadable-contour": _Fault("error", _NO_DATA_SET),
    "contour-without-image": _Fault("error", _NO_DATA_SET),
    "unusable-study": _Fault("error", _NO_DATA_SET),
    "repeated-uid": _Fault("error", "images cannot be told apart by their identity, as leak checks and exports do"),
    "repeated-patient": _Fault("error", "on two sides of a split, what is tested was trained on: the score flatters"),
    "repeated-contour": _Fault("error", "all but one of the labels are another image's"),
    "inner-not-inside-outer": _Fault(
        "error", "one outline belongs to another frame or patient: the myocardium is wrong"
    ),
    "dark-blood": _Fault("error", "the outline does not follow the cavity of this image: the label is wrong"),
    "outside-image": _Fault("error", "part of the label is lost; the image or the coordinates are another's"),
    "crossed-outline": _Fault("error", "what lies inside is not clear: the label has holes or too little area"),
    "empty-outline": _Fault("error", "the label is empty: a network learns that there is no cavity here"),
    "mixed-spacing": _Fault("error", "areas and volumes of this patient mix two scales"),
    "several-series": _Fault("warning", "one series alone is used, the one that the contours fit"),
    "repeated-image": _Fault("warning", "it counts twice, and one of the frames is not what its header says"),
    "missing-frames": _Fault("warning", "unlabelled frames are not trained on; of those missing none can be segmented"),
    "missing-contour": _Fault("warning", "volumes by summed areas are too small by this slice"),
    "stray-phase": _Fault("warning", "volumes leave this phase out; its outline may belong to another frame"),
    "slice-gap": _Fault("warning", "volumes take what lies between slices to be as the slices are"),
    "slice-spacing": _Fault("warning", "volumes go by the positions; programs that go by the header get others"),
}
"""Every kind of fault, by its code. Scripts go by the codes: they stay."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        code: What kind of fault, as a word that stays the same from version to version.
        patients: The `patient_id` of each patient concerned.
        files: The files concerned, relative to the tree.
        message: What is wrong, in one line.

    Example:
        >>> finding = Finding("dark-blood", ("SCD0000101",), ("a.txt", "59.dcm"), "blood is not brighter than the wall")
        >>> finding.severity
        'error'
        >>> finding.consequence
        'the outline does not follow the cavity of this image: the label is wrong'
    """

    code: str
    patients: tuple[str, ...]
    files: tuple[str, ...]
    message: str

    @property
    def severity(self) -> Literal["error", "warning"]:
        """An "error" makes results wrong or the tree unreadable; a "warning" is well to know."""
        return FAULTS[self.code].severity

    @property
    def consequence(self) -> str:
        """What it means for training and for scores, in one line."""
        return FAULTS[self.code].consequence

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "severity": self.severity,
            "code": self.code,
            "patients": list(self.patients),
            "files": list(self.files),
            "message": self.message,
            "consequence": self.consequence,
        }
