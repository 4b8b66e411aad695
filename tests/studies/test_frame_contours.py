from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from keras_lvseg.data import OFFICIAL_SPLITS, SAXDataset, SunnybrookSAXDataset
from keras_lvseg.data.labels import draw_label
from keras_lvseg.errors import DataError
from keras_lvseg.geometry import CONTOUR_ORIGIN, NetworkGrid, contour_of_outlined_label, polygon_area, polygon_mask
from keras_lvseg.io import read_contour
from keras_lvseg.io.png import read_png_label
from keras_lvseg.studies.frame_contours import read_frame_contour
from tests.dice import dice
from tests.png_tree import write_damaged_copy, write_png, write_png_tree

BORDERS = ("endocardium", "epicardium")


@pytest.fixture(scope="module")
def damaged_tree(phantom_tree, tmp_path_factory):
    """The phantoms as PNG files whose labels include the outline."""
    return write_damaged_copy(phantom_tree, tmp_path_factory.mktemp("damaged") / "tree")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return write_png_tree(tmp_path_factory.mktemp("pictures") / "tree")


def shared(pngs, contours):
    """Yield pairs of the same frame in both trees, and each border that both have."""
    place = {(f.patient_id, f.slice, f.phase): f for f in contours.frames}
    for frame in pngs.frames:
        other = place.get((frame.patient_id, frame.slice, frame.phase))
        for border in BORDERS if other else ():
            if getattr(frame, border) and getattr(other, border):
                yield frame, other, border


def test_read_frame_contour_of_file_and_label_returns_points(phantom_tree, tree):
    frame = next(frame for frame in SAXDataset(phantom_tree).frames if frame.epicardium)
    for border in BORDERS:
        np.testing.assert_array_equal(
            read_frame_contour(frame, border, contour_origin=-1.0), read_contour(getattr(frame, border), origin=-1.0)
        )
    for frame in SAXDataset(tree).frames:
        for border in BORDERS:
            mask = read_png_label(getattr(frame, border))
            contour = read_frame_contour(frame, border, contour_origin=-1.0)
            np.testing.assert_array_equal(polygon_mask(contour, frame.shape), mask)
            assert polygon_area(contour) == mask.sum()
            repaired = read_frame_contour(replace(frame, labels_include_outline=True), border, contour_origin=-1.0)
            np.testing.assert_array_equal(repaired, contour_of_outlined_label(mask, contour_origin=-1.0))


def test_as_arrays_labels_equal_label_pngs_for_any_origin(tree):
    for target, values in (("endocardium", {0, 1}), ("myocardium", {0, 1, 2})):
        dataset = SAXDataset(tree, target=target, image_size=(20, 16), contour_origin=0.0)
        _, labels = dataset.as_arrays("all")
        assert len(labels) == 8
        for frame, drawn in zip(dataset.frames, labels, strict=True):
            inner = read_png_label(frame.endocardium)
            assert set(np.unique(drawn)) == values
            np.testing.assert_array_equal(drawn[..., 0] == 1, inner)
            if target == "myocardium":
                np.testing.assert_array_equal(drawn[..., 0] == 2, read_png_label(frame.epicardium) & ~inner)


def test_patients_of_label_pngs_have_their_volumes(tree):
    for patient in SAXDataset(tree).patients:
        assert (patient.phases, patient.missing_slices) == (20, ())
        areas = {0: 0, 7: 0}
        for frame in patient.frames:
            areas[frame.phase] += int(read_png_label(frame.endocardium).sum())
        volumes = sorted(area * 1.5**2 * 8 / 1000 for area in areas.values())
        assert [patient.esv_ml, patient.edv_ml] == pytest.approx(volumes)
        assert patient.ed_phase == max(areas, key=areas.get)


def test_labels_include_outline_restores_contours(phantom_tree, damaged_tree):
    contours = SAXDataset(phantom_tree)
    given, repaired = (SAXDataset(damaged_tree, labels_include_outline=repair) for repair in (False, True))
    assert (given.info["labels_include_outline"], repaired.info["labels_include_outline"]) == (False, True)
    sizes = {}
    for name, dataset in (("given", given), ("repaired", repaired)):
        pairs = list(shared(dataset, contours))
        assert len(pairs) > 50
        masks = [
            [polygon_mask(read_frame_contour(frame, border), frame.shape) for frame in (png, contour)]
            for png, contour, border in pairs
        ]
        sizes[name] = np.mean([one.sum() / other.sum() for one, other in masks])
        if name == "repaired":
            assert np.mean([dice(*pair) for pair in masks]) > 0.98
    assert sizes["given"] > 1.04
    assert abs(sizes["repaired"] - 1) < 0.4 * (sizes["given"] - 1)
    for patient, truth in zip(repaired.patients, contours.patients, strict=True):
        assert (patient.patient_id, patient.original_id) == (truth.patient_id, truth.original_id)
        assert (patient.ed_phase, patient.es_phase, patient.phases) == (truth.ed_phase, truth.es_phase, truth.phases)
        assert patient.edv_ml == pytest.approx(truth.edv_ml, rel=0.02)


def test_draw_label_including_outline_on_finer_grid_keeps_area(damaged_tree):
    dataset = SAXDataset(damaged_tree, labels_include_outline=True)
    frame = next(frame for frame in dataset.frames if frame.epicardium)
    grid = NetworkGrid(frame.shape, frame.pixel_spacing, (512, 512), pixel_spacing=frame.pixel_spacing[0] / 2)
    drawn = draw_label(frame, "endocardium", CONTOUR_ORIGIN, grid)
    area = polygon_area(read_frame_contour(frame, "endocardium"))
    assert drawn.sum() / 4 == pytest.approx(area, rel=0.01)


def test_labels_include_outline_without_label_pngs_raises(phantom_tree, tmp_path):
    with pytest.raises(DataError, match="has no label images; expected label images for labels_include_outline=True"):
        SAXDataset(phantom_tree, labels_include_outline=True)
    tree = write_png_tree(tmp_path / "tree")
    for path in tree.glob("?_labels/*"):
        path.unlink()
    with pytest.raises(DataError, match="has no label images"):
        SunnybrookSAXDataset(tree, splits={"all": ["P1"]}, labels_include_outline=True)


def test_as_arrays_same_pixels_in_two_splits_raise(tmp_path):
    tree = write_png_tree(tmp_path / "tree")
    write_png(tree / "images" / "P2-0008.png", np.array(Image.open(tree / "images" / "P1-0021.png")))
    dataset = SAXDataset(tree, splits={"train": ["P1"], "test": ["P2"]})
    dataset.as_arrays("train")
    with pytest.raises(DataError, match=r"P2-0008\.png: in split 'test' has the same pixels as .*P1-0021\.png"):
        dataset.as_arrays("test")


def test_read_frame_contour_empty_label_raises(tmp_path):
    tree = write_png_tree(tmp_path / "tree")
    write_png(tree / "i_labels" / "P1-0021.png", np.zeros((20, 16), np.uint8))
    with pytest.raises(DataError, match=r"i_labels/P1-0021\.png: is an empty label"):
        SAXDataset(tree)


def test_labels_include_outline_restores_real_contours(sunnybrook, sunnybrook_png):
    contours = SAXDataset(sunnybrook)
    found = {}
    for repair in (False, True):
        pairs = list(shared(SAXDataset(sunnybrook_png, labels_include_outline=repair), contours))
        assert len(pairs) == 84
        scores, sizes = [], []
        for png, contour, border in pairs:
            masks = [polygon_mask(read_frame_contour(frame, border), frame.shape) for frame in (png, contour)]
            scores.append(dice(*masks))
            sizes.append(
                polygon_area(read_frame_contour(png, border)) / polygon_area(read_frame_contour(contour, border))
            )
        found[repair] = (np.mean(scores), np.mean(sizes))
    assert found[True][0] >= 0.99
    assert found[True][1] == pytest.approx(1.01, abs=0.005)
    assert found[False][0] < 0.97
    assert found[False][1] > 1.05
    repaired = {
        patient.patient_id: patient for patient in SAXDataset(sunnybrook_png, labels_include_outline=True).patients
    }
    for patient in contours.patients:
        assert repaired[patient.patient_id].edv_ml == pytest.approx(patient.edv_ml, rel=0.015)
        assert repaired[patient.patient_id].ejection_fraction == pytest.approx(patient.ejection_fraction, abs=0.3)


def test_real_png_tree_is_training_part_and_matches_table(sunnybrook_png):
    dataset = SunnybrookSAXDataset(sunnybrook_png)
    assert len(dataset.labelled_frames("train")) == len(dataset.frames) == 260
    assert len(dataset.info["splits"]["train"]["patients"]) == len(OFFICIAL_SPLITS["train"])
    assert not dataset.labelled_frames("test")
    assert len(SAXDataset(sunnybrook_png, target="myocardium").labelled_frames("all")) == 135
    lines = (sunnybrook_png / "patients.csv").read_text().splitlines()
    for patient, line in zip(dataset.patients, lines[1:], strict=True):
        cells = dict(zip(lines[0].split(","), line.split(","), strict=True))
        assert (patient.patient_id, patient.original_id) == (cells["patient_id"], cells["original_id"])
        assert (str(patient.ed_phase), str(patient.es_phase)) == (cells["ed_phase"], cells["es_phase"])
        assert len([frame for frame in patient.frames if frame.endocardium]) == int(cells["n_i"])
        assert len([frame for frame in patient.frames if frame.epicardium]) == int(cells["n_o"])
