"""One phantom patient: its heart, body and scanner, and the files that it is written to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from keras_lvseg.io.contour_file import CONTOUR_ORIGIN, write_contour
from keras_lvseg.phantom import body as bodies
from keras_lvseg.phantom import image
from keras_lvseg.phantom.anatomy import KINDS, PHASES, sample_heart
from keras_lvseg.phantom.decoys import BREATH, Place, all_series, next_slices
from keras_lvseg.phantom.dicom_writer import Study, sample_stack
from keras_lvseg.phantom.trees import PhantomName, PhantomTree

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


class PhantomPatient:
    """One patient of a cohort, drawn from the cohort's seed and the patient's index alone."""

    def __init__(self, index: int, seed: int):
        # One stream for each part, so that a change in one leaves the others as they are.
        streams = np.random.SeedSequence(seed, spawn_key=(index,)).spawn(6)
        heart, body, scanner, stack, noise, decoys = (np.random.Generator(np.random.PCG64(s)) for s in streams)
        self.kind = KINDS[(index + seed) % len(KINDS)]  # in turn: a small cohort has all kinds
        self.heart = sample_heart(heart, self.kind)
        self.height = float(stack.choice([8.0, 10.0]))
        reach = self.heart.length + 0.8 * self.heart.wall
        self.top = -self.height * float(stack.uniform(0.5, 1.6))
        self.slices = int(np.ceil((reach - self.top) / self.height + stack.uniform(0.0, 0.9)))
        spacing = round(float(stack.uniform(1.2, 1.45)), 4)
        # Scanners turn the image to one of two usual views; the rest is the operator's hand.
        angle = float(stack.choice([0.0, 0.0, -np.pi / 2]) + stack.normal(0, 0.25))
        centre = tuple(float(v) for v in 128 + stack.normal(0, 5, 2))
        self.placement = image.Placement((centre[0], centre[1]), angle, spacing)
        self.body = bodies.sample_body(body, image.SIZE, self._radius())
        self.scanner = image.sample_scanner(scanner, bool(scanner.random() < 0.5))
        self.noise, self.decoys = noise, decoys
        self.name = PhantomName(index, f"PHANTOM{index + 1:04d}", f"PH-{index + 1:02d}")
        self.study = Study(
            patient_id=self.name.patient_id,
            key=f"keras-lvseg phantom {PHANTOM_VERSION} {seed} {index}",
            stack=sample_stack(stack, angle, self.placement.centre, spacing, self.height),
            interval=int(stack.integers(650, 1050)),
            slices=self.slices,
        )

    def truth(self, tree: PhantomTree) -> PhantomTruth:
        """What is known of it, under the names that the tree's reader gives."""
        patient_id, original_id = tree.names(self.name)
        heart = self.heart
        drawn = {phase: self._drawn(phase) for phase in (heart.ed_phase, heart.es_phase)}
        slab = {phase: sum(self._volume(s, phase) for s in slices) for phase, slices in drawn.items()}
        return PhantomTruth(
            patient_id=patient_id,
            original_id=original_id,
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

    def write(self, root: Path, frames: str, tree: PhantomTree) -> PhantomTruth:
        """Write "all" frames or the "contoured" ones, and the contours."""
        truth = self.truth(tree)
        drawn = {truth.ed_phase: truth.ed_slices, truth.es_phase: truth.es_slices}
        contoured = {(slice_, phase) for phase, slices in drawn.items() for slice_ in slices}
        every = {(slice_, phase) for slice_ in range(self.slices) for phase in range(PHASES)}
        places = every if frames == "all" else contoured
        # Where there are decoys the true series is any of them.
        series = (5 * self.name.index + self.decoys.permutation(5) if tree.decoys else np.zeros(1, int)) + 3
        written: Iterable[tuple[Study, Iterable[tuple[Place, np.ndarray]]]]
        if tree.decoys:
            frames_and_next = dict(self._take(places | next_slices(places), self.noise))
            again = dict(self._take(places, self.decoys, self.decoys.normal(0, BREATH, (self.slices, 3))))
            written = all_series(self.study, frames_and_next, again, places)
        else:
            written = [(self.study, self._take(places, self.noise))]
        for number, (study, taken) in zip(series, written, strict=True):
            header = study.header()
            for place, pixels in taken:
                study.write_frame(root / tree.image(self.name, number, _number(place)), header, pixels, *place)
        for place in contoured:
            self._write_contours(root, tree, *place)
        return truth

    def _take(
        self, places: set[Place], noise: np.random.Generator, moves: np.ndarray | None = None
    ) -> Iterator[tuple[Place, np.ndarray]]:
        """Take frames, the heart moved by a slice's row of `moves`: mm along x, y and z."""
        for slice_ in range(self.slices + 1):
            # Drawn for every frame, taken or not: a frame is the same whichever others there are.
            streams = noise.spawn(PHASES)
            phases = [phase for phase in range(PHASES) if (slice_, phase) in places]
            if not phases:
                continue
            x, y, z = np.zeros(3) if moves is None else moves[slice_]
            column, row = self.placement.centre
            spacing = self.placement.spacing
            placement = replace(self.placement, centre=(column + x / spacing, row + y / spacing))
            scene = image.prepare_slice(self.body, placement, self._z(slice_) + z, self.height)
            for phase in phases:
                yield (
                    (slice_, phase),
                    image.take_frame(
                        scene, self.heart, self.body, self.scanner, self.height, phase, spacing, streams[phase]
                    ),
                )

    def _write_contours(self, root: Path, tree: PhantomTree, slice_: int, phase: int) -> None:
        edges = self.heart.outlines(self._z(slice_), self.height, phase)
        borders = {"i": "cavity", "o": "wall"} if phase == self.heart.ed_phase else {"i": "cavity"}
        for letter, edge in borders.items():
            path = root / tree.contour(self.name, letter, _number((slice_, phase)))
            path.parent.mkdir(parents=True, exist_ok=True)
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


def _number(place: Place) -> int:
    """A frame's InstanceNumber."""
    slice_, phase = place
    return slice_ * PHASES + phase + 1
