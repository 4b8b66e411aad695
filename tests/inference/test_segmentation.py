import numpy as np
import pydicom
import pytest

from keras_lvseg import Segmenter
from keras_lvseg.io.dicom import read_pixels
from tests.inference.planted import write_planted_run
from tests.small_tree import images_of, write_small_tree


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Return a segmenter whose masks are the pixels brighter than 100."""
    return Segmenter(write_planted_run(tmp_path_factory.mktemp("planted") / "run", 100.0))


@pytest.fixture
def tree(tmp_path):
    return write_small_tree(tmp_path / "tree", {"P1": "O1", "P2": "O2", "P3": "O3"}, slices=2, phases=3)


def test_segmentation_studies_come_one_by_one_in_order(planted, tree):
    segmentation = planted.segment(tree)
    assert (len(segmentation), segmentation.folders) == (3, ("P1", "P2", "P3"))
    assert repr(segmentation) == "<Segmentation of 3 studies with 18 images>"
    iterator = iter(segmentation)
    next(iterator)
    for path in images_of(tree, "P2"):
        path.unlink()  # only now is the second study read
    results = [*iterator]
    assert [result.name for result in results] == ["P2", "P3"]
    assert [bool(result.error) for result in results] == [True, False]


def test_segmentation_index_gives_the_study(planted, tree):
    segmentation = planted.segment(tree)
    assert [segmentation[index].name for index in (0, 2, -1)] == ["P1", "P3", "P3"]
    for index in (3, -4):
        with pytest.raises(IndexError, match="there are 3 studies"):
            segmentation[index]


def test_segmentation_masks_are_those_of_the_network_in_the_order_of_the_frames(planted, phantom_tree):
    told = []
    segmentation = planted.segment(phantom_tree / "dicoms", on_progress=lambda *progress: told.append(progress))
    paths = []
    for result in segmentation:
        for frame, mask in zip(result.study.frames, result.masks, strict=True):
            assert mask.dtype == np.uint8
            np.testing.assert_array_equal(mask, read_pixels(frame.path) > 100)
            paths.append(frame.path)
    assert sorted(paths) == sorted(phantom_tree.glob("dicoms/*/*.dcm"))
    assert told[-1] == (len(paths), len(paths))
    assert told == sorted(set(told))


@pytest.mark.parametrize("postprocess", [True, False])  # together, and each image by itself
@pytest.mark.parametrize("lost", [slice(None), slice(5, None)])
def test_segmentation_progress_ends_with_all_images_also_of_a_study_that_cannot_be_read(
    tmp_path, tree, postprocess, lost
):
    run, told = write_planted_run(tmp_path / "run", 100.0, postprocess=postprocess), []
    segmentation = Segmenter(run).segment(tree, on_progress=lambda *progress: told.append(progress))
    for path in [*images_of(tree, "P3")][lost]:
        path.unlink()
    assert [len(result.masks) for result in segmentation] == [6, 6, 0 if lost == slice(None) else 5]
    assert told[-1] == (18, 18)
    assert told == sorted(told)


def test_segmentation_decides_a_study_together_unless_independent(tmp_path):
    run = write_planted_run(tmp_path / "run", 100.0, postprocess=True)
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1"}, slices=6, phases=2, shape=(20, 96))
    path = [*images_of(tree, "P1")][4]
    dataset = pydicom.dcmread(path)
    pixels = dataset.pixel_array.copy()
    pixels[5:15, 2:12] = 300  # larger than the disc in the middle, and 60 mm away
    dataset.PixelData = pixels.tobytes()
    dataset.save_as(path)
    (together,), (alone,) = (Segmenter(run, independent=own).segment(tree) for own in (False, True))
    differ = [
        frame.path
        for frame, a, b in zip(together.study.frames, together.masks, alone.masks, strict=True)
        if (a != b).any()
    ]
    assert differ == [path]
    assert [*alone.changes] == [None] * 12
    assert [change for change in together.changes if change] == ["moved"]
    record = together.as_dict()
    assert (record["changes"], record["settings"]["independent"]) == ({"moved": 1, "removed": 0, "resolved": 0}, False)
    assert [image["change"] for image in record["images"]] == [*together.changes]
    assert "off-axis" in {flag.code for flag in alone.volumes.flags}
    assert "off-axis" not in {flag.code for flag in together.volumes.flags}


def test_segmentation_of_a_network_without_postprocessing_is_independent(planted):
    assert planted.settings["independent"] is True


def test_segmentation_fingerprint_changes_with_the_images_and_not_with_their_names(planted, tree, tmp_path):
    before = [planted.segment(tree).fingerprint(index) for index in range(3)]
    assert len(set(before)) == 3
    (tree / "dicoms" / "P1").rename(tree / "dicoms" / "0")  # the first again
    (tree / "link.csv").unlink()
    assert planted.segment(tree / "dicoms").fingerprint(0) == before[0]
    next(iter(images_of(tree, "P2"))).unlink()
    assert planted.segment(tree / "dicoms").fingerprint(1) != before[1]


def test_segment_study_without_a_readable_image_has_an_error(planted, tree):
    segmentation = planted.segment(tree)
    for path in images_of(tree, "P1"):
        path.write_bytes(b"")
    result = segmentation[0]
    assert result.masks == ()
    assert result.error.startswith("no image can be read; 6.dcm is not a DICOM file")
    assert (result.volumes.problem, result.volumes.phases) == (result.error, ())
    assert repr(result) == f"<StudySegmentation 'P1': {result.error}>"
