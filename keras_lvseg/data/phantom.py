"""A synthetic beating heart with known volumes, written as real DICOM and contour files.

The tree is that of the Sunnybrook sample:

    dicoms/<patient_id>/<N>.dcm
    contourfiles/<original_id>/i-contours/IM-0001-<NNNN>-icontour-manual.txt
    contourfiles/<original_id>/o-contours/IM-0001-<NNNN>-ocontour-manual.txt
    link.csv
    phantom.json

`phantom.json` holds what no real study tells: the volumes. They are known twice, from the whole cavity and
from the slab that the contoured slices cover, which is all that contours can give back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from keras_lvseg.data import phantom_body, phantom_image
from keras_lvseg.data.phantom_anatomy import KINDS, PHASES, draw_heart
from keras_lvseg.data.phantom_dicom import Study, draw_stack
from keras_lvseg.errors import DataError
from keras_lvseg.files import whole_folder
from keras_lvseg.geometry.contours import CONTOUR_ORIGIN, write_contour

PHANTOM_VERSION = 1
"""Raised whenever the same seed gives other bytes than before."""


@dataclass(frozen=True)
class PhantomTruth:
    """What is known of a phantom patient.

    Attributes:
        patient_id: Its name among the images.
        original_id: Its name among the contours.
        kind: "healthy", "dilated", "hypertrophic" or "failing".
        ed_phase: The end-diastolic phase, from 0.
        es_phase: The end-systolic phase.
        edv_ml: End-diastolic volume of the whole cavity in mL, from base to apex.
        esv_ml: End-systolic volume of the whole cavity in mL.
        slab_edv_ml: The part of `edv_ml` that lies in the slices with a contour.
        slab_esv_ml: The part of `esv_ml` that lies in the slices with a contour.
        ed_slices: The slices with a contour at end-diastole, from 0 at the base.
        es_slices: The slices with a contour at end-systole.
        slices: Number of slices.
        phases: Number of phases.
        pixel_spacing: Width of a pixel in mm.
        slice_spacing: Distance between slices in mm; as large as their thickness.
    """

    patient_id: str
    original_id: str
    kind: str
    ed_phase: int
    es_phase: int
    edv_ml: float
    esv_ml: float
    slab_edv_ml: float
    slab_esv_ml: float
    ed_slices: tuple[int, ...]
    es_slices: tuple[int, ...]
    slices: int
    phases: int
    pixel_spacing: float
    slice_spacing: float


def write_phantom(
    folder: str | os.PathLike[str],
    patients: int = 6,
    seed: int = 0,
    frames: Literal["all", "contoured"] = "all",
    on_patient: Callable[[PhantomTruth], None] | None = None,
) -> tuple[PhantomTruth, ...]:
    """Write a cohort of phantoms, all of it or nothing.

    The same seed gives the same bytes, and a patient does not depend on how many others there are.

    Args:
        folder: Where to; new or empty.
        patients: How many.
        seed: Zero or more; another seed gives other patients.
        frames: "all", or "contoured": only the frames that have a contour.
        on_patient: Called after each patient.

    Returns:
        What is known of each patient.

    Raises:
        DataError: There is something in `folder` already.
        ValueError: An argument is out of its range.
    """
    if patients < 1:
        raise ValueError(f"patients is {patients}; a cohort has one or more")
    if seed < 0:
        raise ValueError(f"seed is {seed}; it has to be zero or more")
    if frames not in ("all", "contoured"):
        raise ValueError(f"frames is {frames!r}; it has to be 'all' or 'contoured'")
    truths = []
    try:
        with whole_folder(folder) as scratch:
            for index in range(patients):
                truths.append(_Patient(index, seed).write(scratch, frames))
                if on_patient is not None:
                    on_patient(truths[-1])
            _write_lists(scratch, truths, seed, frames)
    except OSError as error:
        raise DataError(folder, f"cannot be written ({error.strerror or error})") from None
    return tuple(truths)


class _Patient:
    """One patient of a cohort, drawn from the cohort's seed and the patient's index alone."""

    def __init__(self, index: int, seed: int):
        # One stream for each part, so that a change in one leaves the others as they are.
        streams = np.random.SeedSequence(seed, spawn_key=(index,)).spawn(5)
        heart, body, scanner, stack, noise = (np.random.Generator(np.random.PCG64(s)) for s in streams)
        self.kind = KINDS[(index + seed) % len(KINDS)]  # in turn: a small cohort has all kinds
        self.heart = draw_heart(heart, self.kind)
        self.height = float(stack.choice([8.0, 10.0]))
        reach = self.heart.length + 0.8 * self.heart.wall
        self.top = -self.height * float(stack.uniform(0.5, 1.6))
        self.slices = int(np.ceil((reach - self.top) / self.height + stack.uniform(0.0, 0.9)))
        spacing = round(float(stack.uniform(1.2, 1.45)), 4)
        # Scanners turn the image to one of two usual views; the rest is the operator's hand.
        angle = float(stack.choice([0.0, 0.0, -np.pi / 2]) + stack.normal(0, 0.25))
        centre = tuple(float(v) for v in 128 + stack.normal(0, 5, 2))
        self.placement = phantom_image.Placement((centre[0], centre[1]), angle, spacing)
        self.body = phantom_body.draw_body(body, phantom_image.SIZE, self._radius())
        self.scanner = phantom_image.draw_scanner(scanner, bool(scanner.random() < 0.5))
        self.noise = noise
        self.patient_id, self.original_id = f"PHANTOM{index + 1:04d}", f"PH-{index + 1:02d}"
        self.study = Study(
            patient_id=self.patient_id,
            key=f"keras-lvseg phantom {PHANTOM_VERSION} {seed} {index}",
            stack=draw_stack(stack, angle, self.placement.centre, spacing, self.height),
            interval=int(stack.integers(650, 1050)),
            slices=self.slices,
        )

    def truth(self) -> PhantomTruth:
        heart = self.heart
        drawn = {phase: self._drawn(phase) for phase in (heart.ed_phase, heart.es_phase)}
        slab = {phase: sum(self._volume(s, phase) for s in slices) for phase, slices in drawn.items()}
        return PhantomTruth(
            patient_id=self.patient_id,
            original_id=self.original_id,
            kind=self.kind,
            ed_phase=heart.ed_phase,
            es_phase=heart.es_phase,
            edv_ml=heart.edv,
            esv_ml=heart.esv,
            slab_edv_ml=slab[heart.ed_phase],
            slab_esv_ml=slab[heart.es_phase],
            ed_slices=drawn[heart.ed_phase],
            es_slices=drawn[heart.es_phase],
            slices=self.slices,
            phases=PHASES,
            pixel_spacing=self.placement.spacing,
            slice_spacing=self.height,
        )

    def write(self, root: Path, frames: str) -> PhantomTruth:
        truth = self.truth()
        drawn = {truth.ed_phase: truth.ed_slices, truth.es_phase: truth.es_slices}
        images = root / "dicoms" / self.patient_id
        contours = root / "contourfiles" / self.original_id
        for folder in (images, contours / "i-contours", contours / "o-contours"):
            folder.mkdir(parents=True)
        header = self.study.header()
        for slice_ in range(self.slices):
            # Drawn for every frame, written or not: a frame is the same in both kinds of tree.
            streams = self.noise.spawn(PHASES)
            phases = [p for p in range(PHASES) if frames == "all" or slice_ in drawn.get(p, ())]
            if not phases:
                continue
            scene = phantom_image.prepare_slice(self.body, self.placement, self._z(slice_), self.height)
            for phase in phases:
                pixels = phantom_image.take_frame(
                    scene,
                    self.heart,
                    self.body,
                    self.scanner,
                    self.height,
                    phase,
                    self.placement.spacing,
                    streams[phase],
                )
                number = slice_ * PHASES + phase + 1
                self.study.write_frame(images / f"{number}.dcm", header, pixels, slice_, phase)
                if slice_ in drawn.get(phase, ()):
                    self._write_contours(contours, number, slice_, phase)
        return truth

    def _write_contours(self, folder: Path, number: int, slice_: int, phase: int) -> None:
        edges = self.heart.outlines(self._z(slice_), self.height, phase)
        borders = {"i": "cavity", "o": "wall"} if phase == self.heart.ed_phase else {"i": "cavity"}
        for letter, edge in borders.items():
            path = folder / f"{letter}-contours" / f"IM-0001-{number:04d}-{letter}contour-manual.txt"
            write_contour(path, trace(self.placement.to_pixels(edges.points(edge))))

    def _radius(self) -> float:
        """The left ventricle's outside at its widest in mm."""
        middle = self.heart.outlines(0.4 * self.heart.length, self.height, self.heart.ed_phase)
        return float(middle.wall.mean())

    def _z(self, slice_: int) -> float:
        return self.top + slice_ * self.height

    def _drawn(self, phase: int) -> tuple[int, ...]:
        return tuple(s for s in range(self.slices) if self.heart.holds(self._z(s), self.height, phase))

    def _volume(self, slice_: int, phase: int) -> float:
        return self.heart.slab_area(self._z(slice_), self.height, phase) * self.height / 1000


def trace(points: np.ndarray) -> np.ndarray:
    """Follow an outline as the real contours do: in half pixels of the file's coordinates, step by step.

    Args:
        points: Array of shape (n, 2): a closed outline in zero-based pixel centres.

    Returns:
        Array of shape (m, 2): multiples of 0.5 once `CONTOUR_ORIGIN` is taken off, neighbours at most 0.5
        apart in x and in y, the first point not repeated.
    """
    closed = np.concatenate([points, points[:1]]) - CONTOUR_ORIGIN
    position = np.linspace(0, len(points), 12 * len(points), endpoint=False)  # far finer than half a pixel
    fine = np.stack([np.interp(position, np.arange(len(closed)), column) for column in closed.T], axis=1)
    steps = np.rint(2 * fine).astype(int)
    while True:
        # Neither a point twice in a row nor a step out and straight back.
        same = (steps == np.roll(steps, 1, axis=0)).all(axis=1)
        back = (np.roll(steps, -1, axis=0) == np.roll(steps, 1, axis=0)).all(axis=1)
        drop = same if same.any() else back
        if not drop.any():
            return steps / 2 + CONTOUR_ORIGIN
        steps = steps[~drop]


def _write_lists(root: Path, truths: list[PhantomTruth], seed: int, frames: str) -> None:
    lines = ["patient_id,original_id", *(f"{t.patient_id},{t.original_id}" for t in truths)]
    (root / "link.csv").write_text("\n".join(lines) + "\n", encoding="ascii", newline="\n")
    known = {
        "version": PHANTOM_VERSION,
        "seed": seed,
        "frames": frames,
        "contour_origin": CONTOUR_ORIGIN,
        "patients": [asdict(truth) for truth in truths],
    }
    (root / "phantom.json").write_text(json.dumps(known, indent=2) + "\n", encoding="ascii", newline="\n")
