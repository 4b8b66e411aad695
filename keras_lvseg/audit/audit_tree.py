"""What is wrong with a tree, before anyone trains on it."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_lvseg.audit.findings import Finding
from keras_lvseg.audit.patient_audit import PatientAudit
from keras_lvseg.data.layouts import PatientFiles, index_tree
from keras_lvseg.geometry import CONTOUR_ORIGIN
from keras_lvseg.io.course_record import parse_record_file_name


@dataclass(frozen=True)
class AuditReport:
    """What `audit_tree` found.

    Attributes:
        root: The tree.
        patients: How many patients it has.
        images: How many images.
        contours: How many contours or label pictures.
        findings: What is wrong; errors first.
    """

    root: Path
    patients: int
    images: int
    contours: int
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What makes results wrong, or the tree unreadable."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What it is well to know."""
        return tuple(finding for finding in self.findings if finding.severity == "warning")

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "root": str(self.root),
            "patients": self.patients,
            "images": self.images,
            "contours": self.contours,
            "errors": len(self.errors),
            "warnings": len(self.warnings),
            "findings": [finding.as_dict() for finding in self.findings],
        }


def audit_tree(
    root: str | os.PathLike[str],
    contour_origin: float = CONTOUR_ORIGIN,
    on_patient: Callable[[int, int], None] | None = None,
) -> AuditReport:
    """Read every file of a tree and say what is wrong with it; after a broken patient the next one is looked at.

    Args:
        root: The folder that the tree stands in.
        contour_origin: Added to a contour's x and y to get zero-based pixel centres.
        on_patient: Called after each patient with how many are done, and of how many.

    Returns:
        The findings, and how much was looked at.

    Raises:
        DataError: The folder holds no tree that is known here, or its lists are broken: nobody knows what is in it.

    Example:
        >>> import tempfile
        >>> from keras_lvseg.phantom import write_phantom
        >>> folder = tempfile.mkdtemp()
        >>> _ = write_phantom(folder, patients=1, seed=0, frames="contoured")
        >>> report = audit_tree(folder)
        >>> report.errors
        ()
        >>> [finding.code for finding in report.warnings]  # those without a contour were not written
        ['missing-frames']
    """
    patients = index_tree(root)
    root = Path(root).resolve()
    audits = []
    for files in patients:
        audits.append(PatientAudit(files, root, contour_origin))
        audits[-1].run()
        if on_patient is not None:
            on_patient(len(audits), len(patients))
    findings = [*_across_patients(audits), *(finding for audit in audits for finding in audit.findings)]
    return AuditReport(
        root=root,
        patients=len(patients),
        images=sum(len(files.frames or files.images) for files in patients),
        contours=sum(len(files.contours) + _labels(files) for files in patients),
        findings=tuple(sorted(findings, key=lambda finding: finding.severity != "error")),
    )


def _labels(files: PatientFiles) -> int:
    """How many label pictures there are."""
    return sum((frame.endocardium is not None) + (frame.epicardium is not None) for frame in files.frames)


def _across_patients(audits: Sequence[PatientAudit]) -> Iterator[Finding]:
    for patients, splits, names, count in _repeats(audits, lambda audit: audit.pixels):
        if len(patients) > 1:
            message = f"share {_plural(count, 'image')}, pixel for pixel"
            yield Finding("repeated-patient", patients, names, message)
        elif len(splits) > 1:
            message = f"has {_plural(count, 'image')} in the files of {' and '.join(splits)} alike, pixel for pixel"
            yield Finding("repeated-patient", patients, names, message)
        elif splits:
            message = f"has {_plural(count, 'image')} of {splits[0]} more than once, pixel for pixel"
            yield Finding("repeated-image", patients, names, message)
        else:
            message = f"{len(names)} images are copies of each other, pixel for pixel"
            yield Finding("repeated-image", patients, names, message)
    for patients, _, names, count in _repeats(audits, lambda audit: audit.outlines):
        if len(patients) > 1:
            message = f"share {_plural(count, 'contour')}, point for point"
        else:
            message = f"{len(names)} contours are copies of each other, point for point"
        yield Finding("repeated-contour", patients, names, message)
    for patients, _, names, count in _repeats(audits, lambda audit: audit.uids):
        message = f"{len(names)} images have {_plural(count, 'SOPInstanceUID')} between them"
        yield Finding("repeated-uid", patients, names, message)


def _repeats(
    audits: Sequence[PatientAudit], values: Callable[[PatientAudit], list[tuple[str, str]]]
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], int]]:
    """Values that are there several times, by whose they are.

    Yields:
        The patients, the splits that files of records are named after, the files, and how many values.
    """
    places: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for audit in audits:
        for value, name in values(audit):
            split = parse_record_file_name(Path(name)).split if any(frame.mask for frame in audit.files.frames) else ""
            places[value].append((audit.files.patient_id, split, name))
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    counts: Counter[tuple[tuple[str, ...], tuple[str, ...]]] = Counter()
    for found in places.values():
        if len(found) > 1:
            patients, splits, names = (tuple(dict.fromkeys(filter(None, part))) for part in zip(*found, strict=True))
            groups[patients, splits] += names
            counts[patients, splits] += 1
    for (patients, splits), every in groups.items():
        yield patients, splits, tuple(dict.fromkeys(every)), counts[patients, splits]


def _plural(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
