"""Train the network whose weights come with the package, and put them into it.

    python tools/train_bundled_weights.py PNG RUN

PNG is the tree of the 2009 challenge's 15 training patients as pictures. Their labels are repaired, phantoms join
them, and nobody is left out: how good the recipe is, the page "Five folds" tells.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from keras_lvseg.data import SAXDataset
from keras_lvseg.data.layouts import index_tree
from keras_lvseg.models.pretrained import WEIGHTS, write_pretrained
from keras_lvseg.training.settings import TrainingSettings, recipe_grid
from keras_lvseg.training.train import train

NAME = "sax-lv"
SETTINGS = replace(TrainingSettings(), epochs=150, phantoms=6)


def main() -> None:
    """Train, or go on with a training that was broken off, and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the tree of pictures")
    parser.add_argument("run", type=Path, help="folder for the run")
    parser.add_argument("--dtype", default=None, help="Keras' dtype policy to train under")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where the weights go")
    arguments = parser.parse_args()

    settings = replace(SETTINGS, dtype=arguments.dtype)
    grid = recipe_grid(settings.model)
    everyone = [patient.patient_id for patient in index_tree(arguments.data)]
    dataset = SAXDataset(arguments.data, splits={"train": everyone}, labels_include_outline=True, **grid)
    run = train(dataset, arguments.run, settings, Console(), resume=True)

    info = {
        "architecture": {"input_shape": [None, None, 1], "num_classes": 2, "filters": settings.filters, "depth": 4}
        | {"normalization": "batch", "dropout": 0.0, "residual": False},
        "data": {key: dataset.info[key] for key in ("target", *grid, "intensity", "contour_origin")},
        "inference": run.inference_options(),
        "training": {
            "summary": f"{len(everyone)} patients of the 2009 challenge with repaired labels, and phantoms",
            "patients": everyone,
            "images": len(dataset.labelled_frames("train")),
            "phantoms": settings.phantoms,
            "epochs": settings.epochs,
            "seed": settings.seed,
            "dtype": settings.dtype,
        },
    }
    write_pretrained(run.load_model(), arguments.out, NAME, info)


if __name__ == "__main__":
    main()
