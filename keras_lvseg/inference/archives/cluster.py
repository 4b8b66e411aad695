"""Connections to a Dask cluster, of this machine or of many."""

from __future__ import annotations

import logging
import os
import platform
import warnings
from collections.abc import Collection, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from keras_lvseg.errors import DataError, as_data_error, invalid_argument
from keras_lvseg.version import __version__

if TYPE_CHECKING:
    from distributed import Client, Future, LocalCluster

_TIMEOUT = 30  # seconds until a scheduler is taken for unreachable
_LOST = 60  # seconds until a worker process of this machine that died and does not start again is given up
_CHECK = 10  # seconds between two looks for such workers
_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "NPROC")  # NPROC is read by JAX
# The libraries of a backend write a dozen lines per process to stderr. Errors reach this process by the scheduler.
_SILENCE = "import os; os.dup2(os.open(os.devnull, os.O_WRONLY), 2)"
_COMPARED = ("distributed", "dask", "msgpack", "cloudpickle")


@contextmanager
def open_cluster(*, workers: int | None = None, scheduler: str | None = None) -> Iterator[Client]:
    """Start worker processes on this machine, or connect to a running cluster. Needs the extra `cluster`.

    The worker processes share the CPU cores evenly. They listen on this machine only, but without a password: any local
    user can use them.

    Args:
        workers: Number of worker processes, 1 or more.
        scheduler: Address of a running scheduler, such as "tcp://host:8786". Exactly one of the two must be given.

    Yields:
        A client for `ResultFolder.write`. Worker processes that were started here end with the block.

    Raises:
        DataError: The scheduler cannot be reached, it or a worker has another version of Dask, or a worker process
            ended while it started.
        ValueError: None or both of the arguments are given, or `workers` is below 1.
    """
    if (workers is None) == (scheduler is None):
        raise invalid_argument("workers", workers, "a number, or `scheduler` in place of it")
    if workers is not None and workers < 1:
        raise invalid_argument("workers", workers, "1 or more")
    import dask
    from distributed import Client

    # Lost workers and connections are reported by the run itself.
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if scheduler is not None:
        with _connect(scheduler) as client:
            yield client
        return
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": _LOST}),
        _start_workers(workers or 1) as cluster,
        Client(cluster) as client,
    ):
        yield client


def _start_workers(workers: int) -> LocalCluster:
    from distributed import LocalCluster

    threads = str(max((os.cpu_count() or 1) // workers, 1))
    with as_data_error("worker processes", "cannot be started", "start the command again, with --resume"):
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,  # one study at a time; the network has the threads
            processes=True,
            dashboard_address="127.0.0.1:0",  # None would take the fixed port of the dashboard
            memory_limit=0,  # the share of a worker would be counted by its one thread
            silence_logs=logging.CRITICAL,
            scheduler_kwargs={"allowed_failures": 0, "dashboard": False},  # the run counts the failures of each study
            preload=[_SILENCE],
            env=dict.fromkeys(_THREADS, threads) | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        )


def wait_for_some(client: Client, futures: Collection[Future]) -> set[Future]:
    """Wait until at least one task has ended. Worker processes of this machine that did not start again are replaced.

    Dask starts a dead worker again, but not one that dies while it starts.

    Args:
        client: A client of the cluster.
        futures: The tasks.

    Returns:
        The tasks that have ended.
    """
    from distributed import LocalCluster, wait

    while True:
        try:
            return set(wait(list(futures), timeout=_CHECK, return_when="FIRST_COMPLETED").done)
        except TimeoutError:
            if isinstance(client.cluster, LocalCluster):
                client.cluster.scale(len(client.cluster.worker_spec))  # starts those that are missing


@contextmanager
def cluster_errors(client: Client) -> Iterator[None]:
    """Raise a `DataError` for a scheduler that is lost, or that sends tasks where this package is missing.

    Args:
        client: A client of the cluster.
    """
    from distributed.comm import CommClosedError

    place = str(client.scheduler.address) if client.scheduler else "the scheduler"
    try:
        yield
    except (CancelledError, CommClosedError) as error:
        raise DataError(place, "was lost", "start the scheduler again and use --resume") from error
    except (ImportError, RuntimeError) as error:
        # Dask has no type of its own for a scheduler that cannot read the task.
        if isinstance(error, RuntimeError) and "deserialization" not in str(error):
            raise
        problem = f"is a scheduler, or has a worker, without keras-lvseg {__version__}"
        raise DataError(place, problem, "install the same version on all machines") from error


@contextmanager
def _connect(address: str) -> Iterator[Client]:
    from distributed import Client

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on versions that differ, which are an error below
        with as_data_error(address, "is not a Dask scheduler that can be reached", "start one with 'dask scheduler'"):
            client = Client(address, timeout=_TIMEOUT)
    with client:
        _check_versions(client, address)
        if not client.nthreads():
            warnings.warn(f"{address}: has no worker yet; the studies wait for one", stacklevel=3)
        yield client


def _check_versions(client: Client, address: str) -> None:
    """Raise if Dask or Python of scheduler or workers has another version than here."""
    versions: Any = client.get_versions(check=False, packages=[])
    here = {name: versions["client"]["packages"][name] for name in _COMPARED}
    for place, found in {address: versions["scheduler"], **versions["workers"]}.items():
        python = ".".join(found["host"]["python"].split(".")[:2])
        own = ".".join(platform.python_version_tuple()[:2])
        for name, other, expected in (
            ("Python", python, own),
            *((name, found["packages"][name], here[name]) for name in _COMPARED),
        ):
            if other != expected:
                raise DataError(place, f"has another version of {name}", expected=f"{expected} as here", got=other)
