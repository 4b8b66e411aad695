"""Contact sheets: image, label and prediction of several frames."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_lvseg.files import atomic_file
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.frame_images import read_image

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

_LABEL_COLOUR, _PREDICTION_COLOUR = "#2fd15b", "#ff5252"
_MARGIN = 22  # pixels around label and prediction


def draw_contact_sheet(
    figure: FigureBase,
    frames: Sequence[Frame],
    *,
    labels: Sequence[np.ndarray],
    masks: Sequence[np.ndarray],
    dices: Sequence[float],
    count: int = 16,
    columns: int = 2,
) -> None:
    """Draw frames from the worst Dice to the best, each as image, label (green) and prediction (red).

    Args:
        figure: A matplotlib figure or subfigure.
        frames: The frames.
        labels: Class numbers per frame, of the frame's shape.
        masks: Predicted class numbers per frame, of the frame's shape.
        dices: Dice per frame.
        count: Maximum number of frames. Of more frames, some are drawn, at even steps of rank.
        columns: Number of frames side by side.

    Raises:
        DataError: An image cannot be read.

    Example:
        >>> import tempfile
        >>> from matplotlib.figure import Figure
        >>> from keras_lvseg import SAXDataset
        >>> from keras_lvseg.phantom import write_phantom
        >>> folder = tempfile.mkdtemp()
        >>> _ = write_phantom(folder, patients=1, frames="contoured")
        >>> frame = SAXDataset(folder).frames[0]
        >>> label = np.zeros((frame.rows, frame.columns), int)
        >>> figure = Figure()
        >>> draw_contact_sheet(figure, [frame], labels=[label], masks=[label], dices=[1.0], columns=1)
        >>> len(figure.axes)
        3
    """
    ranked = np.argsort(dices, kind="stable")
    shown = ranked[np.unique(np.linspace(0, len(ranked) - 1, min(len(ranked), count)).round().astype(int))]
    rows = -(-len(shown) // columns)
    figure.suptitle("image, label (green), prediction (red); from the worst Dice to the best", fontsize=10)
    grid = figure.subplots(rows, 3 * columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for place, i in enumerate(shown):
        column, row = divmod(place, rows)
        _draw(grid[row, 3 * column : 3 * column + 3], frames[i], labels[i], masks[i], dices[i])


def write_contact_sheet(
    path: str | os.PathLike[str],
    frames: Sequence[Frame],
    *,
    labels: Sequence[np.ndarray],
    masks: Sequence[np.ndarray],
    dices: Sequence[float],
    count: int = 16,
) -> None:
    """Write frames as a PNG file, two side by side, see `draw_contact_sheet`.

    Args:
        path: The PNG file to write.
        frames: The frames.
        labels: Class numbers per frame, of the frame's shape.
        masks: Predicted class numbers per frame, of the frame's shape.
        dices: Dice per frame.
        count: Maximum number of frames.

    Raises:
        DataError: An image cannot be read.
    """
    # matplotlib builds a font cache when it is imported for the first time. Callers that write no figure skip that.
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    rows = -(-min(len(frames), count) // 2)
    layout = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, wspace=0.01, hspace=0.02)
    figure = Figure(figsize=(11, 1.9 * rows + 0.5), layout=layout)
    draw_contact_sheet(figure, frames, labels=labels, masks=masks, dices=dices, count=count)
    with atomic_file(path) as scratch:
        figure.savefig(scratch, dpi=120)


def _draw(axes: np.ndarray, frame: Frame, label: np.ndarray, mask: np.ndarray, dice: float) -> None:
    window = _window(label, mask)
    image = read_image(frame)[window]
    low, high = np.percentile(image, (1, 99.5))
    for panel in axes:
        panel.imshow(image, cmap="gray", vmin=low, vmax=high)
    for panel, drawn, colour in ((axes[1], label, _LABEL_COLOUR), (axes[2], mask, _PREDICTION_COLOUR)):
        for class_id in range(1, int(drawn.max()) + 1):
            panel.contour(drawn[window] == class_id, levels=[0.5], colors=colour, linewidths=1.2)
    axes[0].set_title(frame.patient_id, fontsize=7, pad=2, parse_math=False)
    axes[1].set_title(f"slice {frame.slice}, phase {frame.phase}", fontsize=7, pad=2)
    axes[2].set_title(f"Dice {dice:.3f}", fontsize=7, pad=2)


def _window(label: np.ndarray, mask: np.ndarray) -> tuple[slice, slice]:
    """Return a square window around label and prediction."""
    drawn = np.argwhere((label > 0) | (mask > 0))
    if not len(drawn):
        return slice(None), slice(None)
    low, high = drawn.min(axis=0), drawn.max(axis=0)
    half = int((high - low).max()) // 2 + _MARGIN
    centre = (low + high) // 2
    top, left = np.maximum(centre - half, 0)
    return slice(int(top), int(centre[0]) + half), slice(int(left), int(centre[1]) + half)
