"""Pictures of a search, by Optuna."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_lvseg.files import atomic_file

if TYPE_CHECKING:
    from optuna import Study

_INCHES = (10, 5)


def write_search_pictures(study: Study, folder: Path) -> None:
    """Write `history.png` (Dice by trial), `slices.png` (Dice by setting) and `folds.png` (Dice after each fold).

    Args:
        study: The search.
        folder: The folder to write.
    """
    import matplotlib
    import numpy as np
    from optuna.visualization import matplotlib as plots

    pictures: dict[str, Callable[[Study], Any]] = {
        "history": plots.plot_optimization_history,
        "slices": plots.plot_slice,
        "folds": plots.plot_intermediate_values,
    }
    before = matplotlib.get_backend()
    matplotlib.use("agg")
    try:
        for name, draw in pictures.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # on interfaces of Optuna that are experimental
                figure = np.ravel(draw(study))[0].figure
            figure.set_size_inches(_INCHES)
            with atomic_file(folder / f"{name}.png") as temporary:
                figure.savefig(temporary, dpi=100, bbox_inches="tight")
            matplotlib.pyplot.close(figure)
    finally:
        matplotlib.use(before)
