"""Recipes, patients and shifts of `campaign.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy import ndimage
from skimage import exposure

from keras_lvseg.data.augmentation import ALL_PARAMETERS, PARAMETERS, Augmentation
from keras_lvseg.training.settings import AUGMENTATIONS

FOLDS = 5
DRAWN = 2
"""Images drawn from the label map of each real frame."""
TRAINING = "sunnybrook-training-png"


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a training step is compiled for.

    Attributes:
        classes: 2, or 3 with partial labels.
        batch: Images per step.
        crop: Side length of the training crop, in pixels.
        columns: Columns of `Augmentation.draw`.
        filters: Filters of the U-Net at full resolution.
        depth: Levels of the U-Net below full resolution.
        dtype: Keras dtype policy.
    """

    classes: int
    batch: int
    crop: int
    columns: int = ALL_PARAMETERS
    filters: int = 16
    depth: int = 4
    dtype: str = "mixed_bfloat16"

    @property
    def architecture(self) -> dict[str, Any]:
        """Keyword arguments of `keras_lvseg.models.unet`."""
        architecture: dict[str, Any] = {"input_shape": [None, None, 1], "num_classes": self.classes}
        architecture |= {"filters": self.filters, "depth": self.depth, "normalization": "batch"}
        return architecture | {"dropout": 0.0, "residual": False}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained.

    Attributes:
        shape: Classes, batch and crop.
        augment: Ranges of augmentation.
        learning_rate: Initial learning rate of Adam.
        steps: Number of steps; None for `epochs` passes over the real images.
        epochs: See `steps`.
        empty: How often each real frame without a ventricle is in an epoch.
        phantoms: Whether phantoms and their empty slices are in an epoch.
        drawn: Whether images drawn from label maps are in an epoch, `DRAWN` of each real frame.
        weights: "ema" or "last".
    """

    shape: Shape
    augment: Augmentation
    learning_rate: float = 1e-3
    steps: int | None = None
    epochs: int = 60
    empty: bool = False
    phantoms: bool = False
    drawn: bool = False
    weights: str = "ema"


@dataclass(frozen=True, kw_only=True)
class Run:
    """A network to train and the frames to segment with it.

    Attributes:
        name: Recipe, protocol and fold.
        recipe: The recipe.
        subset: Indices of the training images.
        test: Indices of the labelled frames to segment.
        empty: Indices of the frames without a ventricle to segment.
        variants: Pictures to segment `test` on.
        steps: Number of steps.
        seed: Seed.
        weights: "ema", "last" or both.
        keep: Whether to write the weights. Otherwise scores are logged.
    """

    name: str
    recipe: Recipe
    subset: np.ndarray
    test: Sequence[int]
    empty: Sequence[int] = ()
    variants: Sequence[str] = ("plain",)
    steps: int
    seed: int = 0
    weights: Sequence[str] = ("ema",)
    keep: bool = True

    @property
    def jobs(self) -> list[tuple[int, str]]:
        """The frames to segment, as index and variant."""
        return [(i, v) for v in self.variants for i in self.test] + [(i, "plain") for i in self.empty]

    def file(self, which: str) -> str:
        """Return the name of the JSON file of the network."""
        return f"{self.name.replace('/', '-').replace(' ', '-')}-{self.seed}-{which}.json"

    def plain(self) -> dict[str, Any]:
        """Return the run as plain values."""
        values = {"name": self.name, "steps": self.steps, "seed": self.seed, "images": len(self.subset)}
        return values | {"recipe": asdict(self.recipe)}


class Frames:
    """Indices of the packed frames, by patient and kind."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]):
        self.rows = rows
        self.real = [i for i, row in enumerate(rows) if row["part"].endswith("-png")]
        self.empty = [i for i, row in enumerate(rows) if row["part"] == "empty"]
        self.phantoms = [i for i, row in enumerate(rows) if row["part"].startswith("phantom")]
        self.drawn = [i for i, row in enumerate(rows) if row["part"] == "drawn"]
        self.groups = {rows[i]["patient"]: rows[i]["group"] for i in self.real}
        self.home = [name for name in self.groups if self._part(name) == TRAINING]

    def _part(self, patient: str) -> str:
        return next(self.rows[i]["part"] for i in self.real if self.rows[i]["patient"] == patient)

    def of(self, patients: Sequence[str], indices: Sequence[int]) -> list[int]:
        """Return those of the indices that are of these patients."""
        return [i for i in indices if self.rows[i]["patient"] in patients]

    def folds(self, patients: Sequence[str]) -> list[list[str]]:
        """Split patients into folds, each group spread over the folds."""
        ordered = sorted(patients, key=lambda name: (self.groups[name], name))
        return [ordered[fold::FOLDS] for fold in range(FOLDS)]

    def training(self, recipe: Recipe, patients: Sequence[str]) -> np.ndarray:
        """Return the indices of an epoch."""
        real = self.of(patients, self.real)
        # About one image in four is a phantom, whatever the number of patients.
        indices = real * max(round(2.5 * len(self.phantoms) / len(real)), 1) if recipe.phantoms else real
        if recipe.empty:
            indices = indices + [i for i in self.of(patients, self.empty) if self.rows[i]["phase"] % 2 == 0]
        if recipe.phantoms:
            indices = indices + self.phantoms
        if recipe.drawn:
            indices = indices + self.of(patients, self.drawn)
        return np.array(indices)

    def run(self, name: str, recipe: Recipe, train: Sequence[str], test: Sequence[str], **options: Any) -> Run:
        """Return the run of a recipe on patients. `shorter` divides its steps."""
        subset, real = self.training(recipe, train), len(self.of(train, self.real))
        steps = recipe.steps or recipe.epochs * (real // recipe.shape.batch)
        steps = round(steps / options.pop("shorter", 1))
        options = {"weights": (recipe.weights,), "variants": tuple(VARIANTS)} | options
        empty = self.of(test, self.empty)
        return Run(
            name=name, recipe=recipe, subset=subset, test=self.of(test, self.real), empty=empty, steps=steps, **options
        )


def _equalised(pixels: np.ndarray, spacing: Sequence[float]) -> tuple[np.ndarray, Sequence[float]]:
    return exposure.equalize_hist(pixels, mask=pixels > 0), spacing


def _resampled(millimetres: float) -> Callable:
    def resample(pixels: np.ndarray, spacing: Sequence[float]) -> tuple[np.ndarray, Sequence[float]]:
        step = np.array(spacing) / millimetres
        # The field of view stays the same, so that centres fall together.
        shape = np.round(np.array(pixels.shape) * step).astype(int)
        smooth = ndimage.gaussian_filter(pixels, np.maximum(1 / step - 1, 0) / 2)
        places = [
            ((np.arange(n) - (n - 1) / 2) / s + (m - 1) / 2) for n, s, m in zip(shape, step, pixels.shape, strict=True)
        ]
        grid = np.meshgrid(*places, indexing="ij")
        return ndimage.map_coordinates(smooth, grid, order=1, mode="nearest"), (millimetres, millimetres)

    return resample


def _half(pixels: np.ndarray, spacing: Sequence[float]) -> tuple[np.ndarray, Sequence[float]]:
    rows, columns = (slice(size // 4, size - size // 4) for size in pixels.shape)
    return pixels[rows, columns], spacing


def _gamma(exponent: float) -> Callable:
    def change(pixels: np.ndarray, spacing: Sequence[float]) -> tuple[np.ndarray, Sequence[float]]:
        return (pixels / max(pixels.max(), 1)) ** exponent, spacing

    return change


VARIANTS: dict[str, Callable] = {
    "plain": lambda pixels, spacing: (pixels, spacing),
    "equalised": _equalised,
    "0.65 mm": _resampled(0.65),
    "1.56 mm": _resampled(1.56),
    "half the field": _half,
    "gamma 0.5": _gamma(0.5),
    "gamma 2": _gamma(2.0),
}
"""Changes of the stored pixels and their spacing."""

TODAY = Recipe(
    shape=Shape(classes=2, batch=4, crop=96, columns=PARAMETERS),
    augment=replace(AUGMENTATIONS["full"], crop=96),
    weights="last",
)
WALL = replace(
    TODAY,
    shape=replace(TODAY.shape, classes=3),
    augment=replace(TODAY.augment, gamma=0.8),
    empty=True,
    phantoms=True,
)
"""The recipe of the bundled weights: today's with myocardium, more gamma, slices without a ventricle, and phantoms."""

NEW = Recipe(
    shape=Shape(classes=3, batch=16, crop=112),
    augment=replace(AUGMENTATIONS["broad"], crop=112),
    learning_rate=2e-3,
    steps=8000,
    empty=True,
    phantoms=True,
)


def _change(**values: Any) -> Recipe:
    augment = replace(NEW.augment, **{k: v for k, v in values.items() if hasattr(NEW.augment, k)})
    return replace(NEW, augment=augment, **{k: v for k, v in values.items() if hasattr(NEW, k) and k != "augment"})


# 1e-9 keeps the columns, so that nothing else has to be compiled.
ABLATION = {
    "no cavity size": _change(cavity=0.0),
    "no appearance": _change(curve=1e-9, recolour=0.0, detail=0.0),
    "no phantoms, no empty slices": _change(phantoms=False, empty=False),
    "no field": _change(field=0.0),
    "cavity only": replace(NEW, shape=replace(NEW.shape, classes=2)),
}


def _folds(
    frames: Frames,
    name: str,
    recipe: Recipe,
    patients: Sequence[str],
    folds: Sequence[int] = range(FOLDS),
    **options: Any,
) -> list[Run]:
    """Return a run for each fold, and one that never saw hypertrophy or a healthy heart."""
    by_fold = frames.folds(patients)
    runs = [
        frames.run(f"{name}/{fold}", recipe, [p for p in patients if p not in by_fold[fold]], by_fold[fold], **options)
        for fold in folds
    ]
    failing = [p for p in patients if frames.groups[p].startswith("HF")]
    others = [p for p in patients if p not in failing]
    return [frames.run(f"{name}/failing", recipe, failing, others, **options), *runs]


def _ablation(frames: Frames) -> list[Run]:
    """Return the runs that the recipe is chosen by, on the 15 training patients alone."""
    third: dict[str, Any] = {"shorter": 3}
    runs = _folds(frames, "new third", NEW, frames.home, weights=("ema", "last"), **third)
    runs += _folds(frames, "today", TODAY, frames.home)
    for name, recipe in ABLATION.items():
        # The held-out patients of these two folds have whole studies, with empty slices.
        runs += _folds(frames, f"{name} third", recipe, frames.home, (0, 1), **third)
    return runs


def _report(frames: Frames) -> list[Run]:
    """Return the runs that are reported once: the official split, the shifts on all patients, and the final weights."""
    everyone = list(frames.groups)
    others = [name for name in everyone if name not in frames.home]
    both = {"weights": ("last", "ema")}
    return [
        frames.run("new/official", NEW, frames.home, others, **both),
        frames.run("new/final", NEW, everyone, [], **both),
        frames.run("today/official", TODAY, frames.home, others),
        *_folds(frames, "new all", NEW, everyone, (), **both),
        *_folds(frames, "today all", TODAY, everyone, ()),
        *_folds(frames, "new all", NEW, everyone, **both)[1:],
    ]


def _choice(frames: Frames) -> list[Run]:
    """Return the runs that the recipe with the myocardium is chosen by, on the 15 training patients alone."""
    classes = replace(WALL, empty=False, phantoms=False)
    curves = {"shape": replace(WALL.shape, columns=ALL_PARAMETERS), "augment": replace(NEW.augment, crop=96)}
    decoys = replace(WALL, augment=TODAY.augment)
    options: dict[str, Any] = {"variants": ("plain", "equalised", "gamma 2")}
    return [
        *_folds(frames, "three classes", classes, frames.home, (0, 1), **options),
        *_folds(frames, "decoys", decoys, frames.home, (0, 1), **options),
        *_folds(frames, "broad", replace(WALL, **curves), frames.home, (), **options),
        *_folds(frames, "broad, no phantoms", replace(WALL, phantoms=False, **curves), frames.home, (), **options),
        *_folds(frames, "wall", WALL, frames.home, (), **options),
    ]


_LARGE = replace(WALL, shape=replace(WALL.shape, batch=16), learning_rate=2e-3, steps=6000)


def _ranges(**values: float) -> Recipe:
    """Return the recipe in large batches with other ranges of augmentation."""
    augment = replace(_LARGE.augment, **values)
    return replace(_LARGE, shape=replace(_LARGE.shape, columns=ALL_PARAMETERS), augment=augment)


_APPEARANCE = {"curve": 0.5, "detail": 0.5, "field": 0.15}
SECOND = {
    "large batches": _LARGE,
    "appearance": _ranges(**_APPEARANCE),
    "broad": _ranges(**{k: v for k, v in asdict(NEW.augment).items() if k != "crop"}),
    "appearance and cavity": _ranges(**_APPEARANCE, cavity=0.4),
    "small batches": replace(WALL, steps=16000),
}


def _second(frames: Frames) -> list[Run]:
    """Return the runs that the length and the ranges of augmentation are chosen by, on the 15 training patients."""
    options: dict[str, Any] = {
        "weights": ("last", "ema"),
        "variants": ("plain", "equalised", "half the field", "gamma 2"),
        "keep": False,
    }
    return [run for name, recipe in SECOND.items() for run in _folds(frames, name, recipe, frames.home, **options)]


def _drawn(frames: Frames) -> list[Run]:
    """Return the runs that show what images drawn from label maps are worth, on the 15 training patients."""
    options: dict[str, Any] = {"variants": ("plain", "equalised", "half the field", "gamma 2"), "keep": False}
    short = replace(SECOND["appearance"], steps=2000)
    recipes = {"not drawn": short, "drawn": replace(short, drawn=True)}
    return [
        run for name, recipe in recipes.items() for run in _folds(frames, name, recipe, frames.home, (0,), **options)
    ]


STRANGERS = replace(SECOND["appearance"], steps=8000, weights="ema")


def _strangers(frames: Frames) -> list[Run]:
    """Return the runs of the recipe in large batches that are reported once, and the bundled weights."""
    everyone = list(frames.groups)
    others = [name for name in everyone if name not in frames.home]
    plain: dict[str, Any] = {"variants": ("plain",)}
    return [
        frames.run("strangers/official", STRANGERS, frames.home, others),
        frames.run("strangers/other way", STRANGERS, others, frames.home, **plain),
        replace(frames.run("strangers/final", STRANGERS, everyone, []), steps=12000),
        *_folds(frames, "strangers 44", STRANGERS, everyone),
        frames.run("strangers second seed/official", STRANGERS, frames.home, others, seed=1, **plain),
    ]


SIZES = ((8, 4), (16, 3), (16, 4), (16, 5), (24, 4))
"""Filters and depths that are compared."""


def _sizes(frames: Frames) -> list[Run]:
    """Return networks of other widths and depths, on the official split, with a quarter of the steps."""
    others = [name for name in frames.groups if name not in frames.home]
    options: dict[str, Any] = {"shorter": 4, "variants": ("plain",)}
    return [
        frames.run(
            f"size {filters} {depth}",
            replace(STRANGERS, shape=replace(STRANGERS.shape, filters=filters, depth=depth)),
            frames.home,
            others,
            **options,
        )
        for filters, depth in SIZES
    ]


def _wall(frames: Frames) -> list[Run]:
    """Return the runs that are reported once, the official split and the other way round, and the bundled weights."""
    others = [name for name in frames.groups if name not in frames.home]
    return [
        frames.run("wall/official", WALL, frames.home, others),
        frames.run("wall/other way", WALL, others, frames.home, variants=("plain",)),
        frames.run("wall/final", WALL, list(frames.groups), []),
    ]


PLANS: dict[str, Callable[[Frames], list[Run]]] = {
    "ablation": _ablation,
    "report": _report,
    "choice": _choice,
    "wall": _wall,
    "second": _second,
    "drawn": _drawn,
    "strangers": _strangers,
    "sizes": _sizes,
}
