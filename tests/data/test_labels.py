import shutil
from dataclasses import replace

import numpy as np
import pytest

from keras_lvseg.data import SAXDataset
from keras_lvseg.data.labels import draw_label, find_empty_frames, is_labelled
from keras_lvseg.errors import DataError
from keras_lvseg.geometry import CONTOUR_ORIGIN, NetworkGrid, polygon_mask
from keras_lvseg.io import read_contour, write_contour


@pytest.fixture(scope="module")
def frames(phantom_tree):
    """A frame with both contours, one with the inner one alone, one with the outer one alone, one with none."""
    both = next(frame for frame in SAXDataset(phantom_tree).frames if frame.epicardium)
    return {
        "both": both,
        "inner": replace(both, epicardium=None),
        "outer": replace(both, endocardium=None),
        "none": replace(both, endocardium=None, epicardium=None),
    }


def inside(path):
    return polygon_mask(read_contour(path), (256, 256))


@pytest.mark.parametrize("target", ["endocardium", "myocardium"])
@pytest.mark.parametrize("contours", ["both", "inner", "outer", "none"])
def test_frame_without_the_target_s_contours_is_unlabelled_and_raises(frames, contours, target):
    frame = frames[contours]
    labelled = contours == "both" or (contours == "inner" and target == "endocardium")
    assert is_labelled(frame, target) is labelled
    if labelled:
        drawn = draw_label(frame, target, CONTOUR_ORIGIN)
        assert set(np.unique(drawn)) == ({0, 1, 2} if target == "myocardium" else {0, 1})
    else:
        with pytest.raises(ValueError, match=r"argument `frame`\. Expected a frame with the contours of"):
            draw_label(frame, target, CONTOUR_ORIGIN)


def test_myocardium_label_is_between_the_contours(frames):
    frame = frames["both"]
    drawn = draw_label(frame, "myocardium", CONTOUR_ORIGIN)
    assert drawn.dtype == np.uint8
    np.testing.assert_array_equal(drawn == 1, inside(frame.endocardium))
    np.testing.assert_array_equal(drawn == 2, inside(frame.epicardium) & ~inside(frame.endocardium))
    np.testing.assert_array_equal(drawn == 1, draw_label(frame, "endocardium", CONTOUR_ORIGIN) == 1)


def test_label_where_endocardium_leaves_epicardium_is_cavity(frames, tmp_path):
    inner, outer = (
        np.array([[20, 20], [40, 20], [40, 40], [20, 40]]),
        np.array([[10, 10], [30, 10], [30, 50], [10, 50]]),
    )
    frame = replace(frames["both"], endocardium=tmp_path / "i.txt", epicardium=tmp_path / "o.txt")
    write_contour(frame.endocardium, inner - 0.5)
    write_contour(frame.epicardium, outer - 0.5)
    drawn = draw_label(frame, "myocardium", CONTOUR_ORIGIN)
    assert ((drawn == 1).sum(), (drawn == 2).sum()) == (20 * 20, 20 * 40 - 10 * 20)
    assert drawn[30, 35] == 1


def test_label_on_a_finer_grid_keeps_its_area(frames):
    frame = frames["both"]
    grid = NetworkGrid(frame.shape, frame.pixel_spacing, (512, 512), pixel_spacing=frame.pixel_spacing[0] / 2)
    native, drawn = (draw_label(frame, "myocardium", CONTOUR_ORIGIN, g) for g in (None, grid))
    assert drawn.shape == (512, 512)
    for class_id in (1, 2):
        area = (native == class_id).sum()
        assert (drawn == class_id).sum() / 4 == pytest.approx(area, rel=0.02)


def test_tree_without_epicardium_has_no_myocardium_labels(phantom_tree, tmp_path):
    tree = shutil.copytree(phantom_tree, tmp_path / "tree")
    outer = sorted(tree.glob("contourfiles/*/o-contours/*.txt"))
    before = len(SAXDataset(tree, target="myocardium").labelled_frames("all"))
    outer[0].unlink()
    dataset = SAXDataset(tree, target="myocardium")
    assert len(dataset.labelled_frames("all")) == before - 1 == len(outer) - 1
    assert all((labels == 2).any() for labels in dataset.as_arrays("all")[1])
    for path in outer[1:]:
        path.unlink()
    with pytest.raises(DataError, match="has no myocardium contour"):
        SAXDataset(tree, target="myocardium").as_arrays("all")


def test_label_with_an_unreadable_epicardium_raises_with_its_path(frames, tmp_path):
    broken = tmp_path / "IM-0001-0059-ocontour-manual.txt"
    broken.write_text("")
    with pytest.raises(DataError, match="has too few points") as caught:
        draw_label(replace(frames["both"], epicardium=broken), "myocardium", CONTOUR_ORIGIN)
    assert caught.value.path == str(broken)


@pytest.mark.parametrize("contours", ["both", "inner", "outer", "none"])
def test_partial_label_of_the_cavity_alone_is_cavity_in_class_3(frames, contours):
    frame = frames[contours]
    assert is_labelled(frame, "myocardium", partial=True) is (contours in ("both", "inner"))
    if contours == "inner":
        drawn = draw_label(frame, "myocardium", CONTOUR_ORIGIN, partial=True)
        np.testing.assert_array_equal(drawn, np.where(inside(frame.endocardium), 1, 3))
    if contours == "both":
        whole = draw_label(frame, "myocardium", CONTOUR_ORIGIN)
        np.testing.assert_array_equal(draw_label(frame, "myocardium", CONTOUR_ORIGIN, partial=True), whole)


def test_empty_frames_are_the_slices_without_a_contour_in_any_phase(frames):
    contoured = replace(frames["both"], patient_id="A", slice=2, phase=0)
    bare = replace(frames["none"], patient_id="A")
    others = [replace(bare, slice=slice_, phase=phase) for slice_ in (1, 2, 3) for phase in (0, 5)]
    unlabelled = replace(bare, patient_id="B", slice=9)
    found = find_empty_frames([contoured, *others, unlabelled])
    assert [(frame.patient_id, frame.slice, frame.phase) for frame in found] == [
        ("A", 1, 0),
        ("A", 1, 5),
        ("A", 3, 0),
        ("A", 3, 5),
    ]
