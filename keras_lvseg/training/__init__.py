"""Training runs: hyperparameters, the run folder, resuming, and scores of a finished run."""

from keras_lvseg.training.devices import preferred_dtype
from keras_lvseg.training.evaluate_run import evaluate_run
from keras_lvseg.training.run_folder import RunFolder
from keras_lvseg.training.settings import TrainingSettings, recipe_grid
from keras_lvseg.training.settings_file import read_settings, write_settings
from keras_lvseg.training.train_network import train

__all__ = [
    "RunFolder",
    "TrainingSettings",
    "evaluate_run",
    "preferred_dtype",
    "read_settings",
    "recipe_grid",
    "train",
    "write_settings",
]
