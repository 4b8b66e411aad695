import json

import nibabel
import numpy as np
import pytest
from jsonschema import validate
from PIL import Image

from keras_lvseg.geometry import CONTOUR_ORIGIN, polygon_area, polygon_mask
from keras_lvseg.inference import OUTPUTS
from keras_lvseg.inference.study_files import draw_montages
from keras_lvseg.io import read_contour
from keras_lvseg.io.nifti import write_nifti_stack
from keras_lvseg.reporting import draw_overlay
from keras_lvseg.studies import read_image
from tests.inference.results import results_of
from tests.inference.schemas import STUDY_SCHEMA
from tests.png_tree import write_png_tree
from tests.small_tree import write_small_tree


def written(result, folder, outputs):
    path = result.write(folder, outputs=outputs)
    values = json.loads((path / "study.json").read_text())
    validate(values, STUDY_SCHEMA)
    return path, values


@pytest.fixture
def tree(tmp_path):
    return write_small_tree(tmp_path / "tree", {"P1": "O1"}, slices=3, phases=2, shape=(30, 24))


@pytest.mark.parametrize("myocardium", [False, True])
def test_write_leaves_the_listed_files_and_nothing_else(tree, tmp_path, myocardium):
    (result,) = results_of(tree, myocardium=myocardium)
    path, values = written(result, tmp_path / "out", ["masks", "contours", "overlays"])
    files = {path / "study.json"}
    for image, frame, mask in zip(values["images"], result.study.frames, result.masks, strict=True):
        stored = np.array(Image.open(path / image["mask"]))
        assert stored.dtype == np.uint8
        np.testing.assert_array_equal(stored, np.select([mask == 1, mask == 2], [255, 128], 0))
        drawn = draw_overlay(read_image(frame), mask, title=f"slice {frame.slice}  phase {frame.phase}")
        opened = np.array(Image.open(path / image["overlay"]).convert("RGB"))
        np.testing.assert_array_equal(opened, np.array(drawn.convert("RGB")))
        files |= {path / image["mask"], path / image["overlay"]}
        borders = {"contour": mask == 1} | ({"outer_contour": mask > 0} if myocardium else {})
        for name, area in borders.items():
            if area.any():
                outline = read_contour(path / image[name], origin=CONTOUR_ORIGIN)
                np.testing.assert_array_equal(polygon_mask(outline, area.shape), area)
                assert polygon_area(outline) == area.sum()
                files.add(path / image[name])
            else:
                assert image[name] is None
    assert {entry for entry in path.rglob("*") if entry.is_file()} == files
    assert values["outputs"] == ["masks", "contours", "overlays"]


def test_write_mask_of_noise_has_no_contour_file(tmp_path):
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1"}, slices=1, phases=1, shape=(512, 512))
    mask = np.zeros((512, 512), np.uint8)
    mask[::2, [0, -1]] = 1  # parts so many and so far apart that an outline of all would be no outline
    (result,) = results_of(tree, lambda frame: mask)
    path, values = written(result, tmp_path / "out", ["contours"])
    assert values["images"][0]["contour"] is None
    assert not (path / "contours").exists()


def test_write_nifti_of_dicom_puts_masks_where_the_images_are(tree, tmp_path):
    (result,) = results_of(tree, myocardium=True)
    path, values = written(result, tmp_path / "out", ["nifti"])
    assert values["notes"] == []
    image = nibabel.load(path / "masks.nii.gz")
    stored = np.asarray(image.dataobj)
    assert (stored.shape, stored.dtype) == ((24, 30, 3, 2), np.uint8)
    for frame, mask in zip(result.study.frames, result.masks, strict=True):
        np.testing.assert_array_equal(stored[:, :, frame.slice, frame.phase], mask.T)
        # The centre of a pixel in patient coordinates: from DICOM's own attributes, and from the affine.
        row, column = 5, 7
        along_row, along_column = np.reshape(frame.orientation, (2, 3))
        lps = np.add(
            frame.position, column * frame.pixel_spacing[1] * along_row + row * frame.pixel_spacing[0] * along_column
        )
        ras = (image.affine @ (column, row, frame.slice, 1))[:3]
        np.testing.assert_allclose(ras * (-1, -1, 1), lps, atol=2e-3)


def test_write_nifti_leaves_missing_slices_empty(tmp_path):
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1"}, slices=4, phases=2)
    for number in (3, 4):
        (tree / "dicoms" / "P1" / f"{number}.dcm").unlink()
    (result,) = results_of(tree / "dicoms", lambda frame: np.ones(frame.shape))
    path, _ = written(result, tmp_path / "out", ["nifti"])
    stored = np.asarray(nibabel.load(path / "masks.nii.gz").dataobj)
    assert stored.all(axis=(0, 1, 3)).tolist() == [True, False, True, True]
    assert stored.any(axis=(0, 1, 3)).tolist() == [True, False, True, True]


@pytest.mark.parametrize("phases", [1, 2])
def test_write_nifti_of_nifti_has_its_shape_and_affine(tmp_path, phases):
    rng = np.random.default_rng(0)
    affine = np.array([[-1.2, 0.3, 0, 4], [0.3, 1.2, 0, 5], [0, 0.1, 8, 6], [0, 0, 0, 1.0]])
    source = tmp_path / "in" / "heart.nii.gz"
    source.parent.mkdir()
    pixels = rng.integers(0, 200, (24, 30, 3, phases)).astype(np.uint8)
    write_nifti_stack(source, pixels if phases > 1 else pixels[..., 0], affine)
    (result,) = results_of(source, lambda frame: read_image(frame) > 100)
    path, values = written(result, tmp_path / "out", OUTPUTS)
    assert path.name == "heart"
    image = nibabel.load(path / "masks.nii.gz")
    np.testing.assert_allclose(image.affine, nibabel.load(source).affine)
    assert image.shape == nibabel.load(source).shape
    np.testing.assert_array_equal(np.asarray(image.dataobj), np.asarray(nibabel.load(source).dataobj) > 100)
    assert values["notes"] == ["no DICOM SEG: the source has no UIDs"]
    names = {image["mask"] for image in values["images"]}
    assert names == {f"masks/slice{s:02d}_phase{p:02d}_mask.png" for s in range(3) for p in range(phases)}


def test_write_of_png_says_what_is_impossible_and_does_the_rest(tmp_path):
    root = write_png_tree(tmp_path / "tree")
    result, *_ = results_of(root)
    path, values = written(result, tmp_path / "out", OUTPUTS)
    assert sorted(note.split(":")[0] for note in values["notes"]) == ["no DICOM SEG", "no NIfTI"]
    left = {entry.name for entry in path.iterdir()}
    assert left == {"contours", "masks", "overlays", "report.html", "study.json"}


def test_write_takes_file_names_of_250_characters(tree, tmp_path):
    for path in (tree / "dicoms" / "P1").iterdir():
        path.rename(path.with_name(f"{path.stem}-{'n' * (245 - len(path.stem))}.dcm"))
    (tree / "link.csv").unlink()
    (result,) = results_of(tree / "dicoms")
    path, values = written(result, tmp_path / "out", ["masks", "contours", "overlays"])
    assert len({image["mask"] for image in values["images"]}) == 6
    assert all((path / image["mask"]).exists() for image in values["images"])


def test_draw_montages_shows_every_slice_at_ed_and_es(tree):
    areas = {0: 200, 1: 50}
    (result,) = results_of(tree, lambda frame: np.arange(720).reshape(30, 24) < areas[frame.phase])
    montages = draw_montages(result)
    assert [*montages] == ["End-diastole, phase 0", "End-systole, phase 1"]
    for (heading, tiles), phase in zip(montages.items(), (0, 1), strict=True):
        assert [tile.caption for tile in tiles] == ["slice 0", "slice 1", "slice 2"], heading
        assert {int(tile.mask.sum()) for tile in tiles} == {areas[phase]}


def test_draw_montages_of_unknown_phases_shows_images_in_order(tmp_path):
    root = write_png_tree(tmp_path / "tree")
    (root / "patients.csv").unlink()
    (result,) = results_of(root)
    ((heading, tiles),) = draw_montages(result).items()
    assert (heading, tiles[0].caption, len(tiles)) == ("Images", "image 1", len(result.masks))
