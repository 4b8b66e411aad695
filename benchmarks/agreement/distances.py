"""Agreement of distances in mm with other implementations: the largest difference over random cases.

    python -m benchmarks.agreement.distances docs/validation/agreement_distances.md

Needs `pip install "keras-lvseg[torch,reference]"`. The tests run the same comparisons.
"""

import argparse
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import directed_hausdorff

from benchmarks.table import write_table
from keras_lvseg.evaluation import (
    average_perpendicular_distance,
    average_symmetric_surface_distance,
    hausdorff_distance,
    surface_distances,
)

CASES = 2000
TARGET = 1e-4  # mm
PERCENTILES = (95, 100)

Case = tuple[np.ndarray, np.ndarray, tuple[float, ...]]


def mask_cases(count: int, seed: int = 0) -> Iterator[Case]:
    """Yield two masks and a spacing, 2-D and 3-D in turn. A mask has from one pixel to all of them."""
    random = np.random.default_rng(seed)
    for i in range(count):
        shape = tuple(random.integers(1, (14, 16) if i % 2 else (5, 8, 9)) + 1)
        a, b = _mask(shape, random), _mask(shape, random)
        if random.random() < 0.3:  # nearly the same
            b = a.copy()
        b[tuple(random.integers(shape))] ^= True
        for mask in (a, b):
            if not mask.any():
                mask[tuple(random.integers(shape))] = True
        yield a, b, tuple(random.uniform(0.4, 10, len(shape)).tolist())


def _mask(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Return random pixels of some density, or a ball that may reach beyond the image."""
    if random.random() < 0.3:
        return random.random(shape) < random.choice([0.0, 0.05, 0.3, 0.8, 1.0])
    centre, axes = random.uniform(0, shape), random.uniform(0.5, 1.0, len(shape)) * shape
    places = np.moveaxis(np.indices(shape), 0, -1)
    return (((places - centre) / axes) ** 2).sum(axis=-1) < random.uniform(0.05, 1)


def contour_cases(count: int, seed: int = 0) -> Iterator[Case]:
    """Yield two contours and a pixel spacing: stars, self-crossing contours, repeated points, closed and open."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        yield _contour(random), _contour(random), tuple(random.uniform(0.4, 3, 2).tolist())


def _contour(random: np.random.Generator) -> np.ndarray:
    count = int(random.integers(4, 20))  # three are left where chance has closed it
    if random.random() < 0.3:
        points = random.integers(0, 12, (count, 2)) / 2.0
    else:
        angles = np.sort(random.uniform(0, 2 * np.pi, count))
        radii = random.uniform(2, 20) * random.uniform(0.7, 1, count)
        points = random.uniform(0, 30, 2) + radii[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    return np.vstack([points, points[:1]]) if random.random() < 0.3 else points


def surface_places(mask: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Return the surface pixels of a mask in mm, found by a loop over pixels and their neighbours."""
    places = []
    for pixel in np.argwhere(mask):
        for axis in range(mask.ndim):
            for step in (-1, 1):
                neighbour = pixel.copy()
                neighbour[axis] += step
                beyond = not 0 <= neighbour[axis] < mask.shape[axis]
                if beyond or not mask[tuple(neighbour)]:
                    places.append(tuple(pixel))
    return np.array(list(dict.fromkeys(places))) * spacing


def brute_force(count: int) -> float:
    """Compare surface distances, ASSD, HD and HD95 with those of all pairs of surface pixels."""
    worst = 0.0
    for a, b, spacing in mask_cases(count):
        places_a, places_b = surface_places(a, spacing), surface_places(b, spacing)
        pairs = np.sqrt(sum((x[:, None] - y) ** 2 for x, y in zip(places_a.T, places_b.T, strict=True)))
        there, back = pairs.min(axis=1), pairs.min(axis=0)
        ours = surface_distances(a, b, spacing=spacing)
        assd = (there.sum() + back.sum()) / (len(there) + len(back))
        differences = [
            np.abs(ours[0] - there).max(),
            np.abs(ours[1] - back).max(),
            abs(average_symmetric_surface_distance(a, b, spacing=spacing) - assd),
            *(
                abs(
                    hausdorff_distance(a, b, spacing=spacing, percentile=p)
                    - max(_percentile(there, p), _percentile(back, p))
                )
                for p in PERCENTILES
            ),
        ]
        worst = max(worst, *map(float, differences))
    return worst


def _percentile(distances: np.ndarray, percentile: float) -> float:
    """Return a percentile by linear interpolation between ranks."""
    ordered = sorted(distances.tolist())
    rank = percentile / 100 * (len(ordered) - 1)
    low, high = math.floor(rank), math.ceil(rank)
    return ordered[low] + (rank - low) * (ordered[high] - ordered[low])


def scipy_surfaces(count: int) -> float:
    """Compare surface distances with SciPy's `cKDTree`, and the Hausdorff distance with `directed_hausdorff`."""
    worst = 0.0
    for a, b, spacing in mask_cases(count, seed=1):
        places_a, places_b = surface_places(a, spacing), surface_places(b, spacing)
        there, back = surface_distances(a, b, spacing=spacing)
        farthest = max(directed_hausdorff(places_a, places_b)[0], directed_hausdorff(places_b, places_a)[0])
        differences = [
            np.abs(there - cKDTree(places_b).query(places_a)[0]).max(),
            np.abs(back - cKDTree(places_a).query(places_b)[0]).max(),
            abs(hausdorff_distance(a, b, spacing=spacing) - farthest),
        ]
        worst = max(worst, *map(float, differences))
    return worst


def monai_surfaces(count: int) -> float:
    """Compare with MONAI's `compute_average_surface_distance(symmetric=True)` and `compute_hausdorff_distance`."""
    import torch
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance

    worst = 0.0
    for a, b, spacing in mask_cases(count, seed=2):
        pair = [torch.tensor(mask)[None, None] for mask in (a, b)]
        theirs = compute_average_surface_distance(*pair, include_background=True, symmetric=True, spacing=spacing)
        worst = max(worst, abs(average_symmetric_surface_distance(a, b, spacing=spacing) - float(theirs)))
        for percentile in PERCENTILES:
            theirs = compute_hausdorff_distance(*pair, include_background=True, percentile=percentile, spacing=spacing)
            worst = max(worst, abs(hausdorff_distance(a, b, spacing=spacing, percentile=percentile) - float(theirs)))
    return worst


def brute_force_contours(count: int) -> float:
    """Compare the average perpendicular distance with a loop over every point and every side."""
    worst = 0.0
    for automatic, manual, (row, column) in contour_cases(count):
        points, corners = ([(x * column, y * row) for x, y in contour.tolist()] for contour in (automatic, manual))
        points = points[:-1] if points[0] == points[-1] else points
        sides = list(zip(corners, corners[1:] + corners[:1], strict=True))
        expected = sum(min(_to_side(point, *side) for side in sides) for point in points) / len(points)
        worst = max(worst, abs(average_perpendicular_distance(automatic, manual, spacing=(row, column)) - expected))
    return worst


def _to_side(p: tuple[float, float], a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return the distance from a point to a side: to an end if the angle there is not acute, else by the area."""
    (px, py), (ax, ay), (bx, by) = p, a, b
    if (px - ax) * (bx - ax) + (py - ay) * (by - ay) <= 0:
        return math.dist(p, a)
    if (px - bx) * (ax - bx) + (py - by) * (ay - by) <= 0:
        return math.dist(p, b)
    return abs((bx - ax) * (py - ay) - (by - ay) * (px - ax)) / math.dist(a, b)


COMPARISONS: dict[str, Callable[[int], float]] = {
    "surface distances, their mean (ASSD), HD and HD95: brute force, every pixel to every pixel": brute_force,
    "surface distances and HD: SciPy's cKDTree and directed_hausdorff": scipy_surfaces,
    "ASSD, HD and HD95: MONAI's compute_average_surface_distance (symmetric) and compute_hausdorff_distance": (
        monai_surfaces
    ),
    "average perpendicular distance: brute force, every point to every side": brute_force_contours,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="the Markdown file to write")
    arguments = parser.parse_args()
    rows = [f"| {name} | {CASES:,} | {compare(CASES):.1e} |" for name, compare in COMPARISONS.items()]
    packages = ("numpy", "scipy", "monai", "torch")
    lines = [
        "# Agreement of distances",
        "",
        f"The largest difference in mm over random cases; {TARGET:.0e} mm is the target. Masks in 2-D and 3-D by",
        "turns, from a single pixel to all of them; spacings from 0.4 to 10 mm, another along each axis.",
        "",
        "| against | cases | largest difference, mm |",
        "| --- | --- | --- |",
        *rows,
        "",
        "MONAI computes in float32, and differs by that. Left out, because the definition is another one: two empty",
        "masks are nan in MONAI, and 0 mm here; one empty mask is inf there and nan as soon as a percentile is asked",
        "for, and inf here; `percentile=0` is the maximum there, and raises here. MONAI's average surface distance is",
        "one-way unless told otherwise, and ours is symmetric: the mean of the distances of both directions together.",
    ]
    write_table(arguments.table, lines, f"python -m benchmarks.agreement.distances {arguments.table}", packages)


if __name__ == "__main__":
    main()
