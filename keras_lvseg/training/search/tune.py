"""Search for the training settings with the best Dice of held-out patients, by Optuna."""

from __future__ import annotations

import json
import math
import os
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from keras_lvseg.data import SAXDataset, patient_folds
from keras_lvseg.errors import DataError, invalid_argument
from keras_lvseg.files import locked_directory, read_rows, require_empty, write_rows
from keras_lvseg.inference.evaluate_network import evaluate
from keras_lvseg.inference.trained_network import TrainedNetwork
from keras_lvseg.training.run_folder import RunFolder
from keras_lvseg.training.search.search_folder import SearchFolder
from keras_lvseg.training.search.search_pictures import write_search_pictures
from keras_lvseg.training.search.search_space import COURSE_SPACE, SearchSpace, check_space, suggest_settings
from keras_lvseg.training.settings import TrainingSettings
from keras_lvseg.training.settings_file import write_settings
from keras_lvseg.training.train_network import train

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial

_HEARTBEAT = 10  # seconds between two signs of life of a process
_GRACE = 60  # seconds without one after which a trial is queued again
_RETRIES = 10  # processes that may die in one trial
_STUDY = "keras-lvseg"
_PLAN = "plan"


class _Surplus(Exception):
    """A trial beyond the number that was asked for, started by two processes at once."""


def tune(
    dataset: SAXDataset,
    folder: str | os.PathLike[str],
    *,
    space: SearchSpace | None = None,
    settings: TrainingSettings | None = None,
    trials: int = 30,
    folds: int = 3,
    seed: int = 0,
    console: Console | None = None,
) -> SearchFolder:
    """Search for the training settings with the best mean Dice of held-out patients. Needs the extra `tune`.

    The patients of the splits "train" and "validation" are cut into folds. A trial trains once per fold and is scored
    on the fold's patients, on the native grid. A trial whose Dice after some folds is below the median of the others is
    pruned. The patients of the split "test" are never used.

    Several processes, started with the same arguments, share the trials. The trial of a process that died is queued
    again after a minute, and goes on after its last complete epoch. A search that ended early is continued in the same
    way.

    Args:
        dataset: The data, with a split "train".
        folder: The folder of the search: new, empty, or of the same search.
        space: What is varied, see `read_space`. None varies what the course does: `learning_rate` (1e-4 to 1e-2),
            `decay_rate` (0.1 to 1), `decay_steps` (10 to 1000) and `epochs` (10 to 100).
        settings: The training settings that are not varied. None takes the defaults.
        trials: Number of trials that are to be finished or pruned in all processes together.
        folds: Number of folds, 2 or more.
        seed: Seed of folds and of the search. Trials are repeatable if one process makes them.
        console: Console for one line per trial. None writes none.

    Returns:
        The folder.

    Raises:
        DataError: The data cannot be read, or the folder has another search or cannot be written.
        ValueError: An argument is out of its range.
    """
    settings = settings or TrainingSettings()
    space = COURSE_SPACE if space is None else space
    check_space(space, settings)
    if trials < 1:
        raise invalid_argument("trials", trials, "1 or more")
    search = SearchFolder(Path(folder))
    splits = dataset.info["splits"]
    patients = [name for split in ("train", "validation") if split in splits for name in splits[split]["patients"]]
    held_out = patient_folds(patients, folds, seed=seed)
    plan = {
        "settings": asdict(settings),
        "space": {name: [*values] for name, values in space.items()},
        "folds": [fold["test"] for fold in held_out],
    }
    study, storage = _open_study(search, json.loads(json.dumps(plan)), seed)
    datasets = [_with_splits(dataset, fold) for fold in held_out]

    def objective(trial: Trial) -> float:
        if sum(_counts(other) for other in study.get_trials(deepcopy=False)[: trial.number]) >= trials:
            raise _Surplus
        own = suggest_settings(trial, space, settings)
        return _score(trial, search, own, datasets)

    seen: set[int] = set()
    while (left := _left(study, trials)) is not None:
        if left:
            study.optimize(objective, n_trials=1, catch=(_Surplus,))
            _write_results(study, search, space, settings, console)
        else:  # other processes have the last trials; if one dies, its trial is left again
            _give_signs_of_life(study, storage, seen)
            time.sleep(1)
    write_search_pictures(study, search.path)
    return search


def _counts(trial: FrozenTrial) -> bool:
    return trial.state.name in ("RUNNING", "COMPLETE", "PRUNED")


def _left(study: Study, trials: int) -> int | None:
    """Return the number of trials to be started, 0 if other processes work on the last ones, None at the end."""
    import optuna

    with _quiet():
        optuna.storages.fail_stale_trials(study)
    counted = [trial for trial in study.get_trials(deepcopy=False) if _counts(trial)]
    if sum(trial.state.is_finished() for trial in counted) >= trials:
        return None
    return max(trials - len(counted), 0)


def _give_signs_of_life(study: Study, storage: RDBStorage, seen: set[int]) -> None:
    """Give each running trial one sign of life, when it is first seen.

    Optuna takes a trial for stale if its last sign is old. A process that died before its first sign left a trial that
    would run for ever.
    """
    study_id = storage.get_study_id_from_name(_STUDY)
    for trial in study.get_trials(deepcopy=False):
        if trial.state.name == "RUNNING" and trial.number not in seen:
            storage.record_heartbeat(storage.get_trial_id_from_study_id_trial_number(study_id, trial.number))
            seen.add(trial.number)


def _open_study(search: SearchFolder, plan: Mapping[str, Any], seed: int) -> tuple[Study, RDBStorage]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with _waiting_lock(search.path), _quiet():
        if not search.storage.exists():
            require_empty(search.path)
        storage = optuna.storages.RDBStorage(
            f"sqlite:///{search.storage.resolve()}",
            heartbeat_interval=_HEARTBEAT,
            grace_period=_GRACE,
            heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(max_retry=_RETRIES),
        )
        study = optuna.create_study(storage=storage, study_name=_STUDY, direction="maximize", load_if_exists=True)
        begun = study.user_attrs.get(_PLAN)
        if begun is None:
            study.set_user_attr(_PLAN, plan)
    for name, value in plan.items():
        if begun is not None and begun[name] != value:
            raise DataError(search.path, f"has a search with other {name}", "name another folder")
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.get_trials(deepcopy=False)))
    study.pruner = optuna.pruners.MedianPruner()
    return study, storage


def _with_splits(dataset: SAXDataset, splits: Mapping[str, Sequence[str]]) -> SAXDataset:
    grid = {name: getattr(dataset.preprocessing, name) for name in ("image_size", "pixel_spacing", "intensity")}
    names = ("target", "contour_origin", "labels_include_outline", "label_values", "empty_slices", "partial")
    return SAXDataset(dataset.data_dir, splits=splits, **grid, **{name: getattr(dataset, name) for name in names})


def _score(trial: Trial, search: SearchFolder, settings: TrainingSettings, datasets: Sequence[SAXDataset]) -> float:
    """Return the mean Dice over the folds."""
    import optuna

    # A trial that was queued again goes on in the folder of its first start.
    with _quiet():
        own = trial.study.get_trials(deepcopy=False)[trial.number]
        retried = optuna.storages.RetryHeartbeatStaleTrialCallback.retried_trial_number(own)
    first = trial.number if retried is None else retried
    scores: list[float] = []
    for fold, dataset in enumerate(datasets):
        run = search.run(first, fold)
        with locked_directory(run.path.parent):
            scores.append(_train_and_score(run, settings, dataset))
        trial.report(float(np.mean(scores)), fold)
        if trial.should_prune() and fold + 1 < len(datasets):
            raise optuna.TrialPruned
    return float(np.mean(scores))


def _train_and_score(run: RunFolder, settings: TrainingSettings, dataset: SAXDataset) -> float:
    """Return the mean Dice of the fold's held-out images; 0 if the training diverged."""
    try:
        train(dataset, run, settings=settings, resume=True)
    except DataError:
        losses = [float(row["loss"]) for row in read_rows(run.history)] if run.history.is_file() else []
        if all(map(math.isfinite, losses)):
            raise
        return 0.0
    network = TrainedNetwork.from_run(run)
    evaluation = evaluate(
        network.model,
        dataset.labelled_frames("test"),
        preprocessing=network.preprocessing,
        target=dataset.target,
        contour_origin=dataset.contour_origin,
        flip_tta=settings.flip_tta,
        postprocess=settings.postprocess,
    )
    return evaluation.scores.mean_dice


def _write_results(
    study: Study, search: SearchFolder, space: SearchSpace, settings: TrainingSettings, console: Console | None
) -> None:
    """Write the trials and the best settings so far."""
    import optuna

    trials = [trial for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()]
    rows = [
        {
            "trial": trial.number,
            "state": trial.state.name.lower(),
            "mean_dice": trial.value if trial.state.name == "COMPLETE" else "",
            **{name: trial.params.get(name, "") for name in space},
        }
        for trial in trials
    ]
    if rows:
        write_rows(search.trials, rows)
    done = [trial for trial in trials if trial.state.name == "COMPLETE"]
    if done:
        best = max(done, key=lambda trial: (trial.value, -trial.number))
        write_settings(search.best, suggest_settings(optuna.trial.FixedTrial(best.params), space, settings))  # type: ignore[arg-type]
        if console is not None:
            finished = sum(trial.state.name != "FAIL" for trial in trials)
            console.print(f"{finished} trials finished; best mean Dice {best.value:.3f}, of trial {best.number}")


@contextmanager
def _waiting_lock(folder: Path) -> Iterator[None]:
    """Lock a folder, and wait for a process that holds the lock."""
    while True:
        try:
            with locked_directory(folder):
                yield
            return
        except DataError as error:
            if "in use" not in error.problem:
                raise
            time.sleep(0.1)


@contextmanager
def _quiet() -> Iterator[None]:
    """Ignore the warnings of Optuna that heartbeats are experimental."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
