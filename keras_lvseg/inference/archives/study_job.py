"""One study as a task of a cluster: what is sent to a worker, and what the worker does."""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from keras_lvseg.errors import DataError
from keras_lvseg.files import LOCK_FILE, delete_abandoned
from keras_lvseg.inference.result_folder import ResultFolder, StudyOutcome
from keras_lvseg.inference.segmentation import Segmentation
from keras_lvseg.inference.segmenter import Segmenter
from keras_lvseg.inference.trained_network import TrainedNetwork
from keras_lvseg.version import __version__

_ONE_AT_A_TIME = threading.Lock()  # also in a worker with several threads: plots are not made for threads


@dataclass(frozen=True)
class StudyJob:
    """A study to be segmented by a worker.

    Attributes:
        segmentation: The study, without the network.
        results: The folder to write, with an absolute path.
        sha256: Hash of the network's arrays.
        versions: The versions with which the worker must agree.
    """

    segmentation: Segmentation
    results: ResultFolder
    sha256: str
    versions: Mapping[str, str]


def current_versions(engine: str) -> dict[str, str]:
    """Return the versions that decide what is computed.

    Args:
        engine: The engine of the network. The backend of Keras computes with the engine "keras" only.
    """
    versions = {"keras-lvseg": __version__, "keras": keras.version()}
    return versions | {"backend": keras.backend.backend()} if engine == "keras" else versions


def run_job(job: StudyJob) -> StudyOutcome:
    """Segment and write a study in the process of a worker. The network is loaded by the first study.

    A study that another worker wrote before it was lost is not segmented again.

    Args:
        job: The study.

    Raises:
        DataError: This worker has other versions or weights, or sees neither input nor output.
        OSError: The output cannot be written.
    """
    with _ONE_AT_A_TIME:
        network = _check_worker(job)
        segmentation = job.segmentation.use(network)
        finished = job.results.finished(segmentation, 0)
        if finished is not None:
            return finished, ()
        try:
            return job.results.write_study(segmentation, 0)
        except (DataError, OSError):
            # A worker that was taken for lost may have gone on and written the same study.
            finished = job.results.finished(segmentation, 0)
            if finished is None:
                raise
            return finished, ()


def _check_worker(job: StudyJob) -> TrainedNetwork:
    """Return the network.

    Raises:
        DataError: See `run_job`.
    """
    from distributed import get_worker

    worker = get_worker().address
    for name, version in current_versions(job.segmentation.arguments["engine"]).items():
        if version != job.versions[name]:
            problem = f"has another version of {name}" if name != "backend" else "has another Keras backend"
            raise DataError(worker, problem, expected=job.versions[name], got=version)
    if not (job.results.path / LOCK_FILE).exists():
        raise DataError(job.results.path, f"is not seen by the worker {worker}", "name a folder that all workers share")
    if not job.segmentation.root.exists():
        raise DataError(job.segmentation.root, f"is not seen by the worker {worker}", "put the input on a shared disk")
    try:
        network = _load_network(job.results.path, **job.segmentation.arguments)
    except DataError as error:
        raise DataError(error.path, f"{error.reason}, on the worker {worker}") from error
    except ValueError as error:
        raise DataError(worker, f"cannot load the network ({error})") from error
    if network.info.sha256 != job.sha256:
        hint = "let all workers see the same weights, and restart those that ran before"
        raise DataError(worker, "has other weights", hint)
    return network


@functools.lru_cache(maxsize=1)
def _load_network(results: Path, **arguments: Any) -> TrainedNetwork:
    delete_abandoned(results)  # of workers of this host that were killed
    return Segmenter(**arguments).network
