"""The options of a command that works on a Dask cluster."""

from __future__ import annotations

import importlib.util
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from distributed import Client

WorkersOption = Annotated[
    int | None,
    typer.Option(min=1, help="Number of processes that share the studies; needs the extra 'cluster'."),
]
SchedulerOption = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Address of a running Dask scheduler, whose workers share the studies."),
]
RetriesOption = Annotated[
    int, typer.Option(min=0, help="Number of dead workers after which a study is tried once more.")
]


def cluster_of_options(workers: int | None, scheduler: str | None) -> AbstractContextManager[Client | None]:
    """Return the cluster of the options as a context manager, of None if neither option is given.

    Raises:
        typer.BadParameter: Both are given, or the extra is not installed.
    """
    option = "--workers" if workers is not None else "--scheduler"
    if workers is None and scheduler is None:
        return nullcontext()
    if workers is not None and scheduler is not None:
        raise typer.BadParameter("is not used with --scheduler", param_hint="--workers")
    if importlib.util.find_spec("distributed") is None:
        raise typer.BadParameter("needs the extra 'cluster': pip install 'keras-lvseg[cluster]'", param_hint=option)
    from keras_lvseg.inference import open_cluster

    return open_cluster(workers=workers, scheduler=scheduler)
