"""The headers of an input's files, read by the workers of a cluster."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keras_lvseg.errors import DataError
from keras_lvseg.inference.archives.cluster import cluster_errors, wait_for_some
from keras_lvseg.inference.input_studies import Content, read_contents

if TYPE_CHECKING:
    from distributed import Client, Future

_FILES = 500  # of a task: about a second
_TASKS = 3  # per thread of a worker, so that none waits for the next one
_DEATHS = 4  # workers that may die on the same files


def read_on_cluster(client: Client, paths: Sequence[Path]) -> Iterator[Content | DataError]:
    """Yield what `read_contents` yields, in the order of the files. Few tasks are under way at a time.

    Args:
        client: A client of the cluster.
        paths: The files, as absolute paths.

    Raises:
        DataError: A worker does not see the files, several died on the same ones, or the scheduler was lost.
    """
    waiting = deque(paths[start : start + _FILES] for start in range(0, len(paths), _FILES))
    running: deque[tuple[Sequence[Path], Future]] = deque()
    try:
        with cluster_errors(client):
            while waiting or running:
                slots = _TASKS * max(sum(client.nthreads().values()), 1)
                while waiting and len(running) < slots:
                    own = waiting.popleft()
                    running.append((own, client.submit(_read_files, own, pure=False)))
                yield from _result(client, *running.popleft())
    finally:
        client.cancel([future for _, future in running])


def _result(client: Client, paths: Sequence[Path], future: Future) -> list[Content | DataError]:
    """Return the result of a task, which is started again if its worker died."""
    from distributed import KilledWorker

    deaths = 0
    while True:
        wait_for_some(client, [future])
        try:
            return future.result()
        except KilledWorker as error:
            deaths += error.allowed_failures + 1
            if deaths >= _DEATHS:
                problem = f"or one of the next {len(paths) - 1} files ended {deaths} processes that read it"
                raise DataError(paths[0], problem) from error
            future = client.submit(_read_files, paths, pure=False)


def _read_files(paths: Sequence[Path]) -> list[Content | DataError]:
    from distributed import get_worker

    if not paths[0].exists():
        raise DataError(paths[0], f"is not seen by the worker {get_worker().address}", "put the input on a shared disk")
    return [*read_contents(paths)]
