"""The studies of an input, handed to the workers of a cluster one by one."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from keras_lvseg.inference.archives.cluster import cluster_errors, wait_for_some
from keras_lvseg.inference.archives.study_job import StudyJob, current_versions, run_job
from keras_lvseg.inference.result_folder import ResultFolder, StudyOutcome
from keras_lvseg.inference.segmentation import Segmentation

if TYPE_CHECKING:
    from distributed import Client, Future


def write_on_cluster(
    client: Client, results: ResultFolder, segmentation: Segmentation, todo: Sequence[int], *, retries: int
) -> Iterator[tuple[int, StudyOutcome]]:
    """Yield the outcome of each study, in the order in which they are finished.

    The scheduler holds no more studies than the workers have threads, so it does not grow with the archive, and the
    death of a worker counts for the study that it worked on only.

    Args:
        client: A client of the cluster.
        results: The folder that the workers write.
        segmentation: The studies.
        todo: Index of each study to be done.
        retries: Number of dead workers after which a study is tried again.

    Raises:
        DataError: The scheduler was lost, or a worker cannot take part.
    """
    from distributed import KilledWorker

    shared = ResultFolder(results.path.resolve(), results.outputs, results.anonymous)
    network = segmentation.network.info.sha256
    versions = current_versions(segmentation.arguments["engine"])
    waiting, deaths = deque(todo), Counter[int]()
    running: dict[Future, int] = {}
    try:
        with cluster_errors(client):
            while waiting or running:
                slots = max(sum(client.nthreads().values()), 1)
                while waiting and len(running) < slots:
                    index = waiting.popleft()
                    job = StudyJob(segmentation.only(index), shared, network, versions)
                    future = client.submit(run_job, job, pure=False)
                    running[future] = index
                for future in wait_for_some(client, running):
                    index = running.pop(future)
                    try:
                        yield index, future.result()
                    except KilledWorker as error:
                        deaths[index] += error.allowed_failures + 1
                        if deaths[index] > retries:
                            yield index, (results.give_up(segmentation, index, _died(deaths[index])), ())
                        else:
                            waiting.append(index)
    finally:
        client.cancel([*running])


def _died(deaths: int) -> str:
    return f"the process that segmented it died {deaths} times" if deaths > 1 else "the process that segmented it died"
