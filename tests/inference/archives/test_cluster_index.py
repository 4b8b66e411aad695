"""Headers read by workers of real clusters."""

import os
import signal

import pytest

from keras_lvseg import Segmenter
from keras_lvseg.errors import DataError
from keras_lvseg.inference import open_cluster
from keras_lvseg.inference.archives import cluster_index
from tests.nifti_tree import write_nifti_tree
from tests.small_tree import write_small_tree

distributed = pytest.importorskip("distributed")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture
def tree(tmp_path):
    tree = write_small_tree(tmp_path / "tree", {f"P{number}": f"O{number}" for number in range(3)}, slices=2, phases=2)
    write_nifti_tree(tmp_path / "tree" / "volumes")
    (tree / "notes.pdf").touch()
    (tree / "damaged.dcm").write_bytes(b"damaged")
    return tree


@pytest.mark.parametrize("files", [1, 3, 500])
def test_segment_with_headers_read_by_a_cluster_has_the_same_studies(tree, client, monkeypatch, files):
    monkeypatch.setattr(cluster_index, "_FILES", files)
    here, there = Segmenter().segment(tree), Segmenter().segment(tree, client=client)
    assert there.studies == here.studies
    assert there.skipped == here.skipped
    assert {file.path.name for file in here.skipped} >= {"notes.pdf", "damaged.dcm"}
    assert there.folders == here.folders


def test_read_on_cluster_of_files_that_a_worker_does_not_see_is_one_line(tree, client):
    paths = sorted(tree.rglob("*.dcm"))
    tree.rename(tree.with_name("moved"))
    with pytest.raises(DataError, match=r"is not seen by the worker inproc://\S+; put the input on a shared disk"):
        list(cluster_index.read_on_cluster(client, paths))


class DeadlyFile(distributed.WorkerPlugin):
    """Ends each worker, present or to come, on one file, as a library that crashes on it does."""

    def __init__(self, name, once):
        self.name, self.once = name, once

    def setup(self, worker):
        from keras_lvseg.inference.archives import cluster_index

        name, once, read_contents = self.name, self.once, cluster_index.read_contents

        def deadly(paths):
            if any(path.name == name for path in paths) and not (once and once.exists()):
                if once:
                    once.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return read_contents(paths)

        cluster_index.read_contents = deadly


def test_read_on_cluster_survives_a_dead_worker_and_gives_up_files_that_kill_four(tree, tmp_path):
    with open_cluster(workers=1) as client:
        client.register_plugin(DeadlyFile("damaged.dcm", tmp_path / "died"))
        assert Segmenter().segment(tree, client=client).studies == Segmenter().segment(tree).studies
        assert (tmp_path / "died").exists()
        client.register_plugin(DeadlyFile("notes.pdf", None))
        with pytest.raises(DataError, match=r"or one of the next \d+ files ended 4 processes that read it$"):
            Segmenter().segment(tree, client=client)
