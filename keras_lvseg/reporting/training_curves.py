"""A training run's history as a picture."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from keras_lvseg.files import atomic_file, read_rows


def write_curves(history: Path, path: Path) -> None:
    """Draw loss and Dice by epoch.

    Args:
        history: A run folder's `history.csv`.
        path: The PNG to write.
    """
    rows = read_rows(history)
    epochs = [int(row["epoch"]) for row in rows]
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    loss, dice = figure.subplots(1, 2)
    for axes, title, is_shown in ((loss, "Loss", _is_loss), (dice, "Dice, mean over images", _is_dice)):
        for name in filter(is_shown, rows[0]):
            axes.plot(epochs, [float(row[name]) for row in rows], label=_side(name), linewidth=1.5)
        axes.set(title=title, xlabel="epoch")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    dice.set_ylim(0, 1)
    with atomic_file(path) as scratch:
        figure.savefig(scratch, dpi=120)


def _is_loss(name: str) -> bool:
    return name in ("loss", "val_loss")


def _is_dice(name: str) -> bool:
    return "dice_coefficient" in name


def _side(name: str) -> str:
    side = "validation" if name.startswith("val_") else "training"
    class_id = name.rpartition("_")[2]
    return f"{side}, class {class_id}" if class_id.isdigit() else side
