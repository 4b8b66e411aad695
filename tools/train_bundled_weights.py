"""Train the bundled weights and write them into the package.

    python tools/train_bundled_weights.py PNG RUN

PNG is the tree of the 2009 challenge's 15 training patients as PNG images. Labels are corrected, phantoms are added,
and no patient is held out: the accuracy of the recipe is measured by cross-validation.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from keras_lvseg.data import SAXDataset
from keras_lvseg.data.layouts import index_tree
from keras_lvseg.models.build import load_network
from keras_lvseg.models.pretrained import WEIGHTS, write_pretrained
from keras_lvseg.training import TrainingSettings, recipe_grid, train

NAME = "sax-lv"
SETTINGS = TrainingSettings(epochs=150, phantoms=6)


def main() -> None:
    """Train, or resume an interrupted training, and write the weights in float16."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the tree of PNG images")
    parser.add_argument("run", type=Path, help="folder for the run")
    parser.add_argument("--dtype", default=None, help="Keras dtype policy of the training")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="folder for the weights")
    arguments = parser.parse_args()

    settings = replace(SETTINGS, dtype=arguments.dtype)
    everyone = [patient.patient_id for patient in index_tree(arguments.data)]
    grid = recipe_grid(settings.model)
    dataset = SAXDataset(arguments.data, splits={"train": everyone}, labels_include_outline=True, **grid)
    run = train(dataset, arguments.run, settings=settings, console=Console(), resume=True)

    model, info = load_network(run.network)
    summary = f"{len(everyone)} patients of the 2009 challenge with repaired labels, and phantoms"
    info = replace(info, training={"summary": summary, **info.training})
    write_pretrained(arguments.out / f"{NAME}.json", model, info, dtype="float16")


if __name__ == "__main__":
    main()
