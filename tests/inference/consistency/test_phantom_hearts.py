"""Phantom hearts on stacks that go on beyond apex and base, as the probabilities of a network that errs.

The probabilities are the phantom's own borders, with other organs and lost masks. `python -m
tests.inference.consistency.test_phantom_hearts` prints the table of `docs/validation/consistency.md`.
"""

from collections import defaultdict
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from keras_lvseg.geometry import polygon_mask
from keras_lvseg.inference.consistency.mask_flags import mask_flags
from keras_lvseg.inference.consistency.one_heart import keep_one_heart
from keras_lvseg.inference.consistency.study_masks import decide_alone
from keras_lvseg.inference.postprocess import keep_best_component
from keras_lvseg.phantom.phantom_patient import PhantomPatient
from keras_lvseg.studies import Frame, Study
from keras_lvseg.studies.study_volumes import study_volumes

SEEDS = (3, 4, 5)  # chosen after the rules, and no rule was changed for these hearts
SIZE, SPACING = 96, 2.5  # pixels, mm
BEYOND = 3  # slices beyond apex and base
PHASES = range(0, 20, 2)
SPOILS = ("stomach", "vessel", "right ventricle", "ruined phase", "ruined slice", "all but the ruined slice")


class PhantomStack:
    """Probabilities of the cavity of a phantom heart, and their frames."""

    def __init__(self, index: int, seed: int):
        patient = PhantomPatient(index, seed=seed)
        self.rng = np.random.default_rng((seed, index))
        self.slices = patient.slices + 2 * BEYOND
        self.cavity = np.full((self.slices, len(PHASES), SIZE, SIZE), 0.01, np.float32)
        frames = []
        for s in range(self.slices):
            z = patient.first_z + (s - BEYOND) * patient.thickness
            for p, phase in enumerate(PHASES):
                if patient.heart.slab_area(z, patient.thickness, phase) > np.pi * 5.0**2:
                    borders = patient.heart.slice_borders(z, patient.thickness, phase)
                    points = np.asarray(borders.points("cavity")) / SPACING + SIZE / 2
                    self.cavity[s, p][polygon_mask(points, (SIZE, SIZE))] = 0.98
                known = {"pixel_spacing": (SPACING, SPACING), "slice_spacing": patient.thickness}
                frames.append(Frame(Path(f"{s}-{p}"), "", "", rows=SIZE, columns=SIZE, slice=s, phase=p, **known))
        self.study = Study(f"P{index}", tuple(frames))
        self.filled = (self.cavity > 0.5).any(axis=(2, 3))

    def spoil(self, name: str) -> None:
        names = [*SPOILS[:4]] if name == "all but the ruined slice" else [name]
        heart = np.flatnonzero(self.filled.all(axis=1))
        base, apex = np.flatnonzero(self.filled.any(axis=1))[[0, -1]]
        if "stomach" in names:
            for s in range(apex + 1, self.slices):
                for p in np.flatnonzero(self.rng.random(len(PHASES)) < 0.75):
                    self._organ(s, p, (25.0, 80.0), self.rng.uniform(20, 28), 0.85)
        if "vessel" in names:
            for s in range(base):
                for p in range(len(PHASES)):
                    self._organ(s, p, (-35.0, 10.0), 11, 0.9)
        if "right ventricle" in names:
            for s in heart[1:4]:
                for p in np.flatnonzero(self.rng.random(len(PHASES)) < 0.4):
                    self._organ(s, p, (-62.0, 0.0), 27, 0.95)
        if "ruined phase" in names:
            self.cavity[:, self.rng.integers(len(PHASES))] = 0.01
        if "ruined slice" in names:
            s = heart[len(heart) // 2]
            self.cavity[s] = 0.01
            for p in range(len(PHASES)):
                self._organ(s, p, (25.0, 80.0), 24, 0.85)

    def _organ(self, s: int, p: int, place: tuple[float, float], radius: float, probability: float) -> None:
        y, x = (np.mgrid[:SIZE, :SIZE] - SIZE / 2) * SPACING
        inside = np.hypot(x - place[0], y - place[1]) < radius
        self.cavity[s, p][inside & (self.cavity[s, p] < 0.5)] = probability

    def probabilities(self, index: int) -> np.ndarray:
        own = self.cavity.reshape(-1, SIZE, SIZE)[index]
        return np.stack([1 - own, own])

    def result(self, together: bool) -> tuple[float, float, set[str]]:
        """Return EDV, ESV and the codes of the flags."""
        frames = self.study.frames
        if together:
            own = keep_one_heart(frames, self.probabilities, spacings=[(SPACING, SPACING)] * len(frames))
        else:
            own = decide_alone(len(frames), self.probabilities, keep_best_component)
        volumes = study_volumes(self.study, [int(np.count_nonzero(mask)) for mask in own.masks])
        flags = mask_flags(self.study, own.masks, own.certainties, volumes, changes=own.changes)
        return volumes.edv_ml, volumes.esv_ml, {flag.code for flag in flags}


def errors_of(found, right):
    """Return the larger error of EDV and ESV, in percent."""
    return max(abs(own / known - 1) * 100 for own, known in zip(found[:2], right[:2], strict=True))


@pytest.mark.parametrize("index", [0, 1])
def test_phantom_heart_that_is_right_stays_as_it_is(index):
    stack = PhantomStack(index, SEEDS[0])
    assert errors_of(stack.result(True), stack.result(False)) <= 0.5


def spoiled_hearts(seeds):
    """Return error and flag of right hearts, and pairs of them (by itself, together) by what was spoiled."""
    rows, clean = defaultdict(list), []
    for seed, index in product(seeds, range(50)):
        stack = PhantomStack(index, seed)
        right = stack.result(False)
        together = stack.result(True)
        clean.append((errors_of(together, right), bool(together[2])))
        name = SPOILS[index % len(SPOILS)]
        stack.spoil(name)
        rows[name].append([(errors_of(own, right), bool(own[2])) for own in (stack.result(False), stack.result(True))])
    return clean, rows


@pytest.mark.slow
def test_phantom_hearts_are_within_3_percent_or_flagged():
    clean, rows = spoiled_hearts(SEEDS[:1])
    assert max(error for error, _ in clean) <= 0.5
    assert [name for name, pairs in rows.items() for _, (error, flag) in pairs if error > 3 and not flag] == []


def print_table():
    clean, rows = spoiled_hearts(SEEDS)
    flagged = sum(flag for _, flag in clean)
    print(f"right: worst {max(error for error, _ in clean):.2f} %, {flagged} of {len(clean)} flagged")
    print("| error | n | alone: worst, % | over 3 % | flagged of these | together: worst, % | over 3 % | flagged |")
    for name, pairs in rows.items():
        cells = []
        for way in zip(*pairs, strict=True):
            wrong = [flag for error, flag in way if error > 3]
            cells += [f"{max(error for error, _ in way):.1f}", str(len(wrong)), str(sum(wrong))]
        print(f"| {name} | {len(pairs)} | {' | '.join(cells)} |")


if __name__ == "__main__":
    print_table()
