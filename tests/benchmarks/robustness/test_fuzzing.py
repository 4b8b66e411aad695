import os
import shutil

import numpy as np
import pytest

from benchmarks.robustness.fuzzing import fuzz
from benchmarks.robustness.fuzzing_judge import OPENED, judge, own_places
from benchmarks.robustness.fuzzing_readers import READERS
from benchmarks.robustness.fuzzing_seeds import framed, record_messages
from keras_lvseg.data import SAXDataset
from keras_lvseg.errors import DataError
from keras_lvseg.phantom import write_phantom
from keras_lvseg.studies import read_image


@pytest.mark.parametrize("name", READERS)
def test_fuzz_damaged_files_are_read_or_raise_data_error(name, tmp_path):
    outcome = fuzz(name, 15, 7, tmp_path)
    assert outcome.failures == []
    assert sum(outcome.counts.values()) >= 15
    assert outcome.counts["refused"] > 2  # so the changes do harm


@pytest.mark.parametrize("name", READERS)
def test_readers_read_a_valid_content(name, tmp_path):
    reader = READERS[name]()
    reader.prepare(tmp_path)
    reader.write(tmp_path, reader.valid[0])
    assert judge(reader.read, tmp_path) == "read"


def raise_(error):
    raise error


def out_of_memory():
    try:
        np.empty(2**50)
    except MemoryError:
        raise DataError("/tree/1.dcm", "is damaged") from None


def test_judge_other_exceptions_are_failures(tmp_path):
    assert judge(lambda folder: None, tmp_path) == "read"
    assert judge(lambda folder: raise_(DataError(folder / "1.dcm", "is damaged")), tmp_path) == "refused"
    for error, result in [
        (KeyError("Rows"), "KeyError: 'Rows'"),
        (DataError("/etc/passwd", "is damaged"), "names something else: /etc/passwd: is damaged"),
    ]:
        assert judge(lambda folder, error=error: raise_(error), tmp_path).startswith(result)
    assert judge(lambda folder: out_of_memory(), tmp_path).startswith("asked for more memory than there is")


def test_judge_file_opened_outside_is_a_failure(tmp_path):
    outside = tmp_path / "outside"
    outside.touch()
    assert judge(lambda folder: outside.read_bytes(), tmp_path / "tree") == f"opened {outside}"


def read_all(tree):
    try:
        for frame in SAXDataset(tree).frames:
            read_image(frame)
    except DataError:
        return
    pytest.fail("the way out was not refused")


@pytest.fixture(scope="module")
def treasure(tmp_path_factory):
    """Files of every kind outside all trees."""
    folder = tmp_path_factory.mktemp("outside")
    write_phantom(folder / "tree", patients=1, seed=3, frames="contoured")
    (folder / "train_images.tfrecords").write_bytes(framed(*record_messages()))
    return folder


def link_file(pattern):
    def plant(tree, treasure):
        victim = sorted(tree.glob(pattern))[0]
        victim.unlink()
        victim.symlink_to(sorted((treasure / "tree").glob(pattern))[0])

    return plant


def link_folder(pattern):
    def plant(tree, treasure):
        victim = sorted(tree.glob(pattern))[0]
        shutil.rmtree(victim)
        victim.symlink_to(sorted((treasure / "tree").glob(pattern))[0], target_is_directory=True)

    return plant


def name_in_table(patient_id, original_id):
    def plant(tree, treasure):
        row = f"{patient_id},{original_id}\n".format(outside=treasure / "tree", up=f"../../../{treasure.name}/tree")
        (tree / "link.csv").write_text("patient_id,original_id\n" + row)

    return plant


def link_records(tree, treasure):
    shutil.rmtree(tree)
    tree.mkdir()
    (tree / "train_images.tfrecords").symlink_to(treasure / "train_images.tfrecords")


WAYS_OUT = {
    "an image": link_file("dicoms/*/*.dcm"),
    "a contour": link_file("contourfiles/*/i-contours/*.txt"),
    "the table": link_file("link.csv"),
    "a patient's images": link_folder("dicoms/*"),
    "all images": link_folder("dicoms"),
    "a patient's contours": link_folder("contourfiles/*"),
    "one kind of contours": link_folder("contourfiles/*/o-contours"),
    "records": link_records,
    "upwards by the table": name_in_table("{up}/dicoms/PHANTOM0001", "PH-01"),
    "a contour folder upwards": name_in_table("PHANTOM0001", "{up}/contourfiles/PH-01"),
    "a full path": name_in_table("{outside}/dicoms/PHANTOM0001", "PH-01"),
    "a full path of contours": name_in_table("PHANTOM0001", "{outside}/contourfiles/PH-01"),
}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_reading_tree_opens_nothing_outside(way, phantom_tree, treasure, tmp_path):
    tree = shutil.copytree(phantom_tree, tmp_path / "tree")
    WAYS_OUT[way](tree, treasure)
    places = OPENED.watch(lambda: read_all(tree))
    assert not [place for place in places if place.startswith(str(treasure))]
    assert [place for place in places if not place.startswith((str(tree), *own_places()))] == []


def test_opened_sees_files(phantom_tree, tmp_path):
    tree = shutil.copytree(phantom_tree, tmp_path / "tree")
    places = OPENED.watch(lambda: SAXDataset(tree))
    assert str(tree / "link.csv") in places
    assert {str(path) for path in tree.glob("dicoms/*/*.dcm")} <= set(places)


@pytest.mark.parametrize(
    "where",
    [
        "dicoms/PHANTOM0001/1.dcm",
        "contourfiles/PH-01/i-contours/IM-0001-0001-icontour-manual.txt",
        "train_images.tfrecords",
    ],
)
@pytest.mark.parametrize("what", ["pipe", "circle"])
def test_reading_pipe_or_link_circle_raises(what, where, phantom_tree, tmp_path):
    tree = tmp_path / "tree"
    if where.startswith("train"):
        tree.mkdir()
    else:
        shutil.copytree(phantom_tree, tree)
    (tree / where).unlink(missing_ok=True)
    if what == "pipe":
        os.mkfifo(tree / where)
    else:
        (tree / where).symlink_to(tree / where)
    read_all(tree)  # would wait for a writer of the pipe
