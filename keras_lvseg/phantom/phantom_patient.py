"""One phantom patient: heart, body and scanner, and its files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from keras_lvseg.geometry import CONTOUR_ORIGIN
from keras_lvseg.io import write_contour
from keras_lvseg.phantom.anatomy import KINDS, PHASES, sample_heart
from keras_lvseg.phantom.body import sample_body
from keras_lvseg.phantom.decoys import BREATH, Place, all_series, next_slices
from keras_lvseg.phantom.dicom_writer import PhantomSeries, sample_stack
from keras_lvseg.phantom.image import SIZE, Placement, acquire_frame, render_background, sample_scanner
from keras_lvseg.phantom.trees import PhantomName, PhantomTree

PHANTOM_VERSION = 2
"""Increased whenever the same seed gives other bytes than before."""


@dataclass(frozen=True)
class PhantomTruth:
    """Known values of a phantom patient.

    Attributes:
        patient_id: Name among the images.
        original_id: Name among the contours.
        kind: "healthy", "dilated", "hypertrophic" or "failing".
        ed_phase: End-diastolic phase, from 0.
        es_phase: End-systolic phase.
        edv_ml: End-diastolic volume of the whole cavity in mL, from base to apex.
        esv_ml: End-systolic volume of the whole cavity in mL.
        slab_edv_ml: Part of `edv_ml` in the slices with a contour.
        slab_esv_ml: Part of `esv_ml` in the slices with a contour.
        ed_slices: Slices with a contour at end-diastole, from 0 at the base.
        es_slices: Slices with a contour at end-systole.
        slices: Number of slices.
        phases: Number of phases.
        pixel_spacing: Width of a pixel in mm.
        slice_spacing: Distance between slices in mm, equal to their thickness.
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
    """One patient of a cohort, which depends only on the cohort's seed and the patient's index."""

    def __init__(self, index: int, seed: int):
        # One random stream per part, so that a change of one part does not change the others.
        streams = np.random.SeedSequence(seed, spawn_key=(index,)).spawn(6)
        heart, body, scanner, stack, noise, decoys = (np.random.Generator(np.random.PCG64(s)) for s in streams)
        self.kind = KINDS[(index + seed) % len(KINDS)]  # in turn, so that a small cohort has all kinds
        self.heart = sample_heart(heart, self.kind)
        self.thickness = float(stack.choice([8.0, 10.0]))
        reach = self.heart.length + 0.8 * self.heart.wall
        self.first_z = -self.thickness * float(stack.uniform(0.5, 1.6))
        self.slices = int(np.ceil((reach - self.first_z) / self.thickness + stack.uniform(0.0, 0.9)))
        spacing = round(float(stack.uniform(1.2, 1.45)), 4)
        # Scanners rotate the image to one of two usual views; the random rest is the operator's.
        angle = float(stack.choice([0.0, 0.0, -np.pi / 2]) + stack.normal(0, 0.25))
        centre = tuple(float(v) for v in 128 + stack.normal(0, 5, 2))
        self.placement = Placement((centre[0], centre[1]), angle, spacing)
        self.body = sample_body(body, SIZE, self._outer_radius())
        self.scanner = sample_scanner(scanner, bool(scanner.random() < 0.5))
        self.noise, self.decoys = noise, decoys
        self.name = PhantomName(index, f"PHANTOM{index + 1:04d}", f"PH-{index + 1:02d}")
        self.cine = PhantomSeries(
            patient_id=self.name.patient_id,
            key=f"keras-lvseg phantom {PHANTOM_VERSION} {seed} {index}",
            stack=sample_stack(stack, angle, self.placement.centre, spacing, self.thickness),
            interval=int(stack.integers(650, 1050)),
            slices=self.slices,
        )

    def truth(self, tree: PhantomTree) -> PhantomTruth:
        """Return the known values, with the names that the reader of the tree returns."""
        patient_id, original_id = tree.names(self.name)
        heart = self.heart
        contoured_slices = {phase: self._contoured_slices(phase) for phase in (heart.ed_phase, heart.es_phase)}
        slab = {phase: sum(self._volume(s, phase) for s in slices) for phase, slices in contoured_slices.items()}
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
            ed_slices=contoured_slices[heart.ed_phase],
            es_slices=contoured_slices[heart.es_phase],
            slices=self.slices,
            phases=PHASES,
            pixel_spacing=self.placement.spacing,
            slice_spacing=self.thickness,
        )

    def write(self, root: Path, frames: str, tree: PhantomTree) -> PhantomTruth:
        """Write "all" frames or the "contoured" ones, and the contours. Return the known values."""
        truth = self.truth(tree)
        contoured_slices = {truth.ed_phase: truth.ed_slices, truth.es_phase: truth.es_slices}
        contoured = {(slice_, phase) for phase, slices in contoured_slices.items() for slice_ in slices}
        every = {(slice_, phase) for slice_ in range(self.slices) for phase in range(PHASES)}
        places = every if frames == "all" else contoured
        # With decoys, the contoured series has any of the five numbers.
        series = (5 * self.name.index + self.decoys.permutation(5) if tree.decoys else np.zeros(1, int)) + 3
        written: Iterable[tuple[PhantomSeries, Iterable[tuple[Place, np.ndarray]]]]
        if tree.decoys:
            frames_and_next = dict(self._acquire(places | next_slices(places), self.noise))
            again = dict(self._acquire(places, self.decoys, self.decoys.normal(0, BREATH, (self.slices, 3))))
            written = all_series(self.cine, frames_and_next, again, places)
        else:
            written = [(self.cine, self._acquire(places, self.noise))]
        for number, (one, acquired) in zip(series, written, strict=True):
            header = one.header()
            for place, pixels in acquired:
                one.write_frame(root / tree.image(self.name, number, _number(place)), header, pixels, *place)
        for place in contoured:
            self._write_contours(root, tree, *place)
        return truth

    def _acquire(
        self, places: set[Place], noise: np.random.Generator, moves: np.ndarray | None = None
    ) -> Iterator[tuple[Place, np.ndarray]]:
        """Acquire frames. A slice's row of `moves` moves the heart by mm along x, y and z."""
        for slice_ in range(self.slices + 1):
            # Drawn for every frame, acquired or not, so that a frame does not depend on the others.
            streams = noise.spawn(PHASES)
            phases = [phase for phase in range(PHASES) if (slice_, phase) in places]
            if not phases:
                continue
            x, y, z = np.zeros(3) if moves is None else moves[slice_]
            column, row = self.placement.centre
            spacing = self.placement.spacing
            placement = replace(self.placement, centre=(column + x / spacing, row + y / spacing))
            background = render_background(self.body, placement, self._slice_z(slice_) + z, self.thickness)
            for phase in phases:
                pixels = acquire_frame(
                    background, self.heart, self.body, self.scanner, self.thickness, phase, spacing, streams[phase]
                )
                yield (slice_, phase), pixels

    def _write_contours(self, root: Path, tree: PhantomTree, slice_: int, phase: int) -> None:
        borders = self.heart.slice_borders(self._slice_z(slice_), self.thickness, phase)
        letters = {"i": "cavity", "o": "wall"} if phase == self.heart.ed_phase else {"i": "cavity"}
        for letter, border in letters.items():
            path = root / tree.contour(self.name, letter, _number((slice_, phase)))
            path.parent.mkdir(parents=True, exist_ok=True)
            write_contour(path, round_to_half_pixels(self.placement.to_pixels(borders.points(border))))

    def _outer_radius(self) -> float:
        """Return the largest radius of the left ventricle's outer border in mm."""
        middle = self.heart.slice_borders(0.4 * self.heart.length, self.thickness, self.heart.ed_phase)
        return float(middle.wall.mean())

    def _slice_z(self, slice_: int) -> float:
        return self.first_z + slice_ * self.thickness

    def _contoured_slices(self, phase: int) -> tuple[int, ...]:
        slices = range(self.slices)
        return tuple(s for s in slices if self.heart.is_contoured(self._slice_z(s), self.thickness, phase))

    def _volume(self, slice_: int, phase: int) -> float:
        return self.heart.slab_area(self._slice_z(slice_), self.thickness, phase) * self.thickness / 1000


def round_to_half_pixels(points: np.ndarray) -> np.ndarray:
    """Round a contour to half pixels of the file's coordinates in steps of half a pixel, as real contours are.

    Args:
        points: Array of shape (n, 2): a closed contour in zero-based pixel centres.

    Returns:
        Array of shape (m, 2): multiples of 0.5 after `CONTOUR_ORIGIN` is subtracted, neighbours at most 0.5 apart in
        x and in y, the first point not repeated.
    """
    closed = np.concatenate([points, points[:1]]) - CONTOUR_ORIGIN
    position = np.linspace(0, len(points), 12 * len(points), endpoint=False)  # far finer than half a pixel
    fine = np.stack([np.interp(position, np.arange(len(closed)), column) for column in closed.T], axis=1)
    steps = np.rint(2 * fine).astype(int)
    while True:
        # Drop repeated points, then steps out and straight back.
        same = (steps == np.roll(steps, 1, axis=0)).all(axis=1)
        back = (np.roll(steps, -1, axis=0) == np.roll(steps, 1, axis=0)).all(axis=1)
        drop = same if same.any() else back
        if not drop.any():
            return steps / 2 + CONTOUR_ORIGIN
        steps = steps[~drop]


def _number(place: Place) -> int:
    """Return the InstanceNumber of a frame."""
    slice_, phase = place
    return slice_ * PHASES + phase + 1
