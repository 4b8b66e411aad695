"""Training runs: hyperparameters, the run folder, resuming, and scores of a finished run."""

from keras_lvseg.training.devices import preferred_dtype
from keras_lvseg.training.evaluate_run import evaluate_run
from keras_lvseg.training.run_folder import RunFolder
from keras_lvseg.training.search.search_folder import SearchFolder
from keras_lvseg.training.search.search_space import read_space
from keras_lvseg.training.search.tune import tune
from keras_lvseg.training.settings import TrainingSettings, recipe_grid
from keras_lvseg.training.settings_file import read_settings, write_settings
from keras_lvseg.training.train_network import train

__all__ = [
    "RunFolder",
    "SearchFolder",
    "TrainingSettings",
    "evaluate_run",
    "preferred_dtype",
    "read_settings",
    "read_space",
    "recipe_grid",
    "train",
    "tune",
    "write_settings",
]
