"""Stacks of discs as probabilities: a beating heart without images."""

from pathlib import Path

import numpy as np

from keras_lvseg.studies import Frame

SPACING = 2.0  # mm
SIZE = 64
HEART = (30.0, 34.0)
STOMACH = (30.0, 8.0)


class DiscStack:
    """Probabilities of the cavity by slice and phase, and their frames."""

    def __init__(self, slices: int = 8, phases: int = 10):
        self.slices, self.phases = slices, phases
        self.cavity = np.full((slices, phases, SIZE, SIZE), 0.01)
        for s in range(slices):
            for p in range(phases):
                self.draw(s, p, HEART, self.radius(s, p))
        self.frames = tuple(
            Frame(
                Path(f"{s}-{p}.png"),
                "",
                "",
                rows=SIZE,
                columns=SIZE,
                pixel_spacing=(SPACING, SPACING),
                slice_spacing=8.0,
                slice=s,
                phase=p,
            )
            for s in range(slices)
            for p in range(phases)
        )

    def radius(self, slice_: int, phase: int) -> float:
        """Return the heart's radius in pixels: 12 at the base and 7 at the apex, at end-diastole."""
        return (12 - 5 * slice_ / max(self.slices - 1, 1)) * (0.87 + 0.13 * np.cos(2 * np.pi * phase / self.phases))

    def draw(self, slice_: int, phase: int, centre: tuple[float, float], radius: float, value: float = 0.98) -> None:
        rows, columns = np.mgrid[:SIZE, :SIZE]
        inside = np.hypot(rows - centre[0], columns - centre[1]) < radius
        self.cavity[slice_, phase][inside] = value

    def clear(self, slice_: int, phase: int) -> None:
        self.cavity[slice_, phase] = 0.01

    def probabilities(self, index: int) -> np.ndarray:
        frame = self.frames[index]
        own = self.cavity[frame.slice, frame.phase]
        return np.stack([1 - own, own])

    def areas(self, masks) -> np.ndarray:
        """Return the pixels of each mask by slice and phase."""
        return np.array([np.count_nonzero(mask == 1) for mask in masks]).reshape(self.slices, self.phases)
