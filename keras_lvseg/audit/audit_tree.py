"""Audit of a tree: every file is read and checked."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    """Result of `audit_tree`.

    Attributes:
        root: The tree.
        patients: Number of patients.
        images: Number of images.
        contours: Number of contours and label images.
        findings: The faults, errors first.

    Example:
        >>> finding = Finding("slice-gap", ("P1",), ("dicoms/P1",), "slices are 8 mm thick and 10 mm apart")
        >>> report = AuditReport(Path("tree"), patients=1, images=200, contours=20, findings=(finding,))
        >>> len(report.errors), len(report.warnings), report.as_dict()["findings"][0]["code"]
        (0, 1, 'slice-gap')
    """

    root: Path
    patients: int
    images: int
    contours: int
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that make results wrong or the tree unreadable."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings that limit the use of the data."""
        return tuple(finding for finding in self.findings if finding.severity == "warning")

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
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
    *,
    contour_origin: float = CONTOUR_ORIGIN,
    label_values: Mapping[str, int] | None = None,
    on_patient: Callable[[int, int], None] | None = None,
) -> AuditReport:
    """Read every file of a tree and list its faults. A faulty file or patient does not end the audit.

    Args:
        root: The folder of the tree, in any layout that `keras_lvseg.SAXDataset` reads.
        contour_origin: Added to a contour's x and y to get zero-based pixel centres.
        label_values: Values in label NIfTI files, see `keras_lvseg.SAXDataset`.
        on_patient: Called after each patient with the number of finished patients and the number of all patients.

    Raises:
        DataError: The folder has no known layout, or its table of patients or its files of records are invalid.

    Example:
        >>> import tempfile
        >>> from keras_lvseg.phantom import write_phantom
        >>> folder = tempfile.mkdtemp()
        >>> _ = write_phantom(folder, patients=1, seed=0, frames="contoured")
        >>> report = audit_tree(folder)
        >>> report.errors
        ()
        >>> [finding.code for finding in report.warnings]  # frames without a contour were not written
        ['missing-frames']
    """
    patients = index_tree(root, label_values)
    root = Path(root).resolve()
    audits = []
    for files in patients:
        audits.append(PatientAudit(files, root, contour_origin))
        audits[-1].run()
        if on_patient is not None:
            on_patient(len(audits), len(patients))
    findings = [*_findings_across_patients(audits), *(finding for audit in audits for finding in audit.findings)]
    return AuditReport(
        root=root,
        patients=len(patients),
        images=sum(len(files.frames or files.images) for files in patients),
        contours=sum(len(files.contours) + _count_labels(files) for files in patients),
        findings=tuple(sorted(findings, key=lambda finding: finding.severity != "error")),
    )


def _count_labels(files: PatientFiles) -> int:
    return sum((frame.endocardium is not None) + (frame.epicardium is not None) for frame in files.frames)


def _findings_across_patients(audits: Sequence[PatientAudit]) -> Iterator[Finding]:
    for patients, splits, files, count in _repeats(audits, lambda audit: audit.pixels):
        if len(patients) > 1:
            message = f"share {_plural(count, 'image')} with equal pixels"
            yield Finding("repeated-patient", patients, files, message)
        elif len(splits) > 1:
            message = f"has {_plural(count, 'image')} with equal pixels in the files of {' and '.join(splits)}"
            yield Finding("repeated-patient", patients, files, message)
        elif splits:
            message = f"has {_plural(count, 'image')} of {splits[0]} more than once"
            yield Finding("repeated-image", patients, files, message)
        else:
            yield Finding("repeated-image", patients, files, f"{len(files)} images have equal pixels")
    for patients, _, files, count in _repeats(audits, lambda audit: audit.contours):
        if len(patients) > 1:
            message = f"share {_plural(count, 'contour')} with equal points"
        else:
            message = f"{len(files)} contours have equal points"
        yield Finding("repeated-contour", patients, files, message)
    for patients, _, files, count in _repeats(audits, lambda audit: audit.uids):
        message = f"{len(files)} images share {_plural(count, 'SOPInstanceUID')}"
        yield Finding("repeated-uid", patients, files, message)


def _repeats(
    audits: Sequence[PatientAudit], values_of: Callable[[PatientAudit], list[tuple[str, str]]]
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], int]]:
    """Group the values that occur several times by the patients that have them.

    Yields:
        The patients, the splits of record files, the files, and the number of values.
    """
    places: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for audit in audits:
        in_records = any(frame.mask for frame in audit.files.frames)
        for value, file in values_of(audit):
            split = parse_record_file_name(Path(file)).split if in_records else ""
            places[value].append((audit.files.patient_id, split, file))
    files_by_group: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    counts: Counter[tuple[tuple[str, ...], tuple[str, ...]]] = Counter()
    for repeated in places.values():
        if len(repeated) > 1:
            patients, splits, files = (tuple(dict.fromkeys(filter(None, part))) for part in zip(*repeated, strict=True))
            files_by_group[patients, splits] += files
            counts[patients, splits] += 1
    for (patients, splits), group in files_by_group.items():
        yield patients, splits, tuple(dict.fromkeys(group)), counts[patients, splits]


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
