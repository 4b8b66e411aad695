"""Studies on real clusters: of threads in this process, and of processes that are killed."""

import os
import signal
from pathlib import Path

import pytest

from keras_lvseg import Segmenter
from keras_lvseg.errors import DataError
from keras_lvseg.inference import ResultFolder, open_cluster, open_results
from keras_lvseg.inference.archives import cluster, study_job
from keras_lvseg.phantom import write_phantom
from tests.inference.planted import write_planted_run
from tests.small_tree import write_small_tree

distributed = pytest.importorskip("distributed")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_planted_run(tmp_path_factory.mktemp("planted") / "run", 100.0)


@pytest.fixture
def tree(tmp_path):
    patients = {f"P{number}": f"O{number}" for number in range(6)}
    tree = write_small_tree(tmp_path / "tree", patients, slices=2, phases=2)
    (tree / "notes.pdf").touch()
    return tree


def contents(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def segment(run, tree, out, **options):
    with open_results(out, anonymous=options.pop("anonymous", False), resume=options.pop("resume", False)) as results:
        return results.write(Segmenter(run).segment(tree), **options)


@pytest.mark.parametrize("anonymous", [False, True])
def test_write_on_a_cluster_leaves_the_files_of_one_process(run, tree, tmp_path, client, monkeypatch, anonymous):
    steps = []
    expected = segment(run, tree, tmp_path / "one", anonymous=anonymous)
    monkeypatch.chdir(tmp_path)  # relative paths are those of this process
    with open_results("many", anonymous=anonymous) as results:
        segmentation = Segmenter(run).segment("tree")
        summary = results.write(segmentation, lambda *step: steps.append(step), client=client)
    assert summary == expected
    assert contents(tmp_path / "many") == contents(tmp_path / "one")
    assert steps == [(4 * count, 24) for count in range(1, 7)]


def test_write_on_a_cluster_segments_only_what_is_missing(run, tree, tmp_path, client):
    segment(run, tree, tmp_path / "out")
    expected = contents(tmp_path / "out")
    kept = tmp_path / "out" / "P1" / "study.json"
    before = kept.stat().st_mtime_ns
    (tmp_path / "out" / "P2").rename(tmp_path / "gone")
    segment(run, tree, tmp_path / "out", resume=True, client=client)
    assert contents(tmp_path / "out") == expected
    assert kept.stat().st_mtime_ns == before


def test_write_on_a_cluster_study_without_a_readable_image_has_a_reason(run, tree, tmp_path, client):
    with open_results(tmp_path / "out") as results:
        segmentation = Segmenter(run).segment(tree)
        for frame in segmentation.studies[2].frames:
            frame.path.write_bytes(b"damaged")
        summary = results.write(segmentation, client=client)
    assert [study["study"] for study in summary.failed] == [segmentation.folders[2]]
    assert "no image can be read" in summary.failed[0]["error"]


def test_write_on_a_cluster_with_a_full_disk_is_one_line_and_keeps_finished_studies(run, tree, tmp_path, client, disk):
    segment(run, tree, tmp_path / "one")
    expected = contents(tmp_path / "one")
    disk.fill((content for name, content in expected.items() if name.startswith("P1/")), room=2.5)
    out = disk.path / "out"
    with pytest.raises(DataError, match=r"out: cannot be written \(No space left on device\)$"):
        segment(run, tree, out, client=client)
    finished = {path.parent.name for path in out.glob("[!.]*/study.json")}
    assert 1 <= len(finished) <= 2
    disk.enlarge()
    segment(run, tree, out, resume=True, client=client)
    assert contents(out) == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("version", r"inproc://\S+: has another version of keras; expected 9\.9, got"),
        ("weights", r"inproc://\S+: has other weights; let all workers see the same weights"),
        ("no run", r"missing: is not a finished training run: .*, on the worker inproc://"),
        ("engine", r"inproc://\S+: cannot load the network \(Invalid value for argument `engine`"),
        ("output", r"out: is not seen by the worker inproc://\S+; name a folder that all workers share"),
        ("input", r"tree: is not seen by the worker inproc://\S+; put the input on a shared disk"),
    ],
)
def test_write_with_a_worker_that_cannot_take_part_is_one_line(
    run, tree, tmp_path, client, monkeypatch, change, message
):
    segmentation = Segmenter(run).segment(tree)
    with open_results(tmp_path / "out") as results:
        match change:
            case "version":
                versions = {**study_job.current_versions("keras"), "keras": "9.9"}
                monkeypatch.setattr("keras_lvseg.inference.archives.cluster_run.current_versions", lambda _: versions)
            case "weights":
                other = write_planted_run(tmp_path / "other", 50.0)
                segmentation.arguments["run"] = str(other)
            case "no run":
                segmentation.arguments["run"] = str(tmp_path / "missing")
            case "engine":
                segmentation.arguments["engine"] = "none"
            case "output":
                (tmp_path / "out" / ".lock").unlink()
            case "input":
                tree.rename(tmp_path / "moved")
        with pytest.raises(DataError, match=message) as caught:
            results.write(segmentation, client=client)
    assert len(str(caught.value).splitlines()) == 1


def test_run_job_of_a_study_that_another_worker_wrote_meanwhile_gives_its_results(
    run, tree, tmp_path, client, monkeypatch
):
    write_study = ResultFolder.write_study

    def overtaken(self, segmentation, index, on_images=None):
        write_study(self, segmentation, index, on_images)
        return write_study(self, segmentation, index, on_images)

    expected = segment(run, tree, tmp_path / "one")
    monkeypatch.setattr(ResultFolder, "write_study", overtaken)
    assert segment(run, tree, tmp_path / "many", client=client) == expected


def test_write_with_killed_workers_leaves_the_files_of_one_process(tmp_path):
    tree = tmp_path / "tree"
    write_phantom(tree, patients=6, frames="contoured", seed=3)
    segment(None, tree, tmp_path / "one")
    out = tmp_path / "many"
    with open_cluster(workers=2) as client, open_results(out) as results:
        killed: set[int] = set()

        def kill(done: int, total: int) -> None:
            if len(killed) < 3:
                # A worker killed a moment ago may still be listed, and does not answer.
                pid = next(iter(client.run(os.getpid, on_error="ignore").values()))
                killed.add(pid)
                os.kill(pid, signal.SIGKILL)

        results.write(Segmenter().segment(tree), kill, client=client)
    assert len(killed) == 3
    assert contents(out) == contents(tmp_path / "one")
    assert not list(out.glob(".*"))


def test_write_goes_on_after_its_last_worker_could_not_be_started_again(run, tree, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_LOST", 1)
    monkeypatch.setattr(cluster, "_CHECK", 1)
    expected = segment(run, tree, tmp_path / "one")
    with open_cluster(workers=1) as client:
        (worker,) = client.cluster.workers.values()
        client.cluster.sync(worker.close)  # as it closes when its process dies while it starts
        assert segment(run, tree, tmp_path / "many", client=client) == expected


class DeadlyStudy(distributed.WorkerPlugin):
    """Ends each worker, present or to come, on one study, as a library that crashes on its images does."""

    def __init__(self, name):
        self.name = name

    def setup(self, worker):
        from keras_lvseg.inference.segmentation import Segmentation

        name, segment_study = self.name, Segmentation.segment_study

        def deadly(self, index, **options):
            if self.folders[index] == name:
                os.kill(os.getpid(), signal.SIGKILL)
            return segment_study(self, index, **options)

        Segmentation.segment_study = deadly


def test_write_gives_a_study_up_that_kills_its_workers(run, tree, tmp_path):
    with open_cluster(workers=1) as client, open_results(tmp_path / "out") as results:
        segmentation = Segmenter(run).segment(tree)
        deadly = segmentation.folders[3]
        client.register_plugin(DeadlyStudy(deadly))
        summary = results.write(segmentation, client=client, retries=1)
    (failed,) = summary.failed
    assert (failed["study"], failed["error"]) == (deadly, "the process that segmented it died 2 times")
    assert failed["flags"] == [{"code": "failed", "reason": failed["error"], "images": []}]
    assert (failed["images"], failed["skipped_images"]) == (0, 4)
    assert {path.parent.name for path in (tmp_path / "out").glob("*/study.json")} == {
        folder for folder in segmentation.folders if folder != deadly
    }
    expected = segment(run, tree, tmp_path / "one")
    summary = segment(run, tree, tmp_path / "out", resume=True)  # tried once more, and finished
    assert summary == expected
    assert contents(tmp_path / "out") == contents(tmp_path / "one")
