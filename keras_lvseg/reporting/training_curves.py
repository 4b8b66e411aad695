"""Loss and Dice by epoch as an image."""

from __future__ import annotations

import os

from keras_lvseg.files import atomic_file, read_rows


def write_training_curves(path: str | os.PathLike[str], history: str | os.PathLike[str]) -> None:
    """Draw loss and Dice by epoch, of training and validation, and write a PNG file.

    Args:
        path: The PNG file to write.
        history: The `history.csv` of a run folder.
    """
    # matplotlib builds a font cache when it is imported for the first time. Callers that write no figure skip that.
    from matplotlib.figure import Figure

    rows = read_rows(history)
    epochs = [int(row["epoch"]) for row in rows]
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    loss, dice = figure.subplots(1, 2)
    for axes, title, is_shown in ((loss, "Loss", _is_loss), (dice, "Dice, mean over images", _is_dice)):
        for name in filter(is_shown, rows[0]):
            axes.plot(epochs, [float(row[name]) for row in rows], label=_label(name), linewidth=1.5)
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


def _label(name: str) -> str:
    data = "validation" if name.startswith("val_") else "training"
    class_id = name.rpartition("_")[2]
    return f"{data}, class {class_id}" if class_id.isdigit() else data
