"""Tables of volumes drawn at random, with a known bias and scatter."""

from pathlib import Path

import numpy as np

from keras_lvseg.io import VolumeRow, VolumeTable


def draw_tables(count: int, *, first: int = 1, scatter: float = 8.0) -> tuple[VolumeTable, VolumeTable]:
    """Return measured and true volumes of the patients `first`, `first` + 1, ...; measured ones are too small."""
    rng = np.random.default_rng(first)
    true, measured = [], []
    for name in map(str, range(first, first + count)):
        edv = float(rng.gamma(9, 18))
        esv = edv * float(rng.uniform(0.3, 0.6))
        true.append(VolumeRow(name, name, edv, esv))
        noise = rng.normal(0, scatter, 2)
        larger, smaller = max(0.9 * edv + noise[0], 1.0), max(0.9 * esv + noise[1], 0.5)
        measured.append(VolumeRow(name, name, max(larger, smaller), min(larger, smaller)))
    return VolumeTable(Path("volumes.csv"), tuple(measured)), VolumeTable(Path("train.csv"), tuple(true))
