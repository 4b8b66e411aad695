import json

import numpy as np
import pytest
from PIL import Image

from keras_lvseg.data import SAXDataset
from keras_lvseg.data.labels import draw_label
from keras_lvseg.errors import DataError
from keras_lvseg.geometry import CONTOUR_ORIGIN, polygon_area, polygon_mask
from keras_lvseg.inference.inputs import find_inputs
from keras_lvseg.inference.segmentation import Segmentation
from keras_lvseg.io import read_contour
from keras_lvseg.reporting import draw_overlay
from keras_lvseg.studies.frame_images import read_image
from keras_lvseg.studies.skipped_file import SkippedFile
from tests.png_tree import write_png_tree
from tests.small_tree import write_small_tree

ORIGIN = -0.25


def segmentation_of(root):
    """Return a segmentation with random masks. Every fifth mask is empty."""
    inputs = find_inputs(root)
    rng = np.random.default_rng(3)
    frames = [frame for study in inputs.studies for frame in study.frames]
    masks = {frame.key: (rng.random(frame.shape) < 0.4) & (i % 5 != 4) for i, frame in enumerate(frames)}
    refused = (SkippedFile(inputs.root / "report.pdf", "is neither DICOM nor PNG"),)
    settings = {"contour_origin": ORIGIN, "network": {"weights": "none"}}
    return Segmentation(inputs.root, inputs.studies, masks, refused, ("a note",), settings)


@pytest.fixture(params=["DICOM", "PNG"])
def segmentation(request, tmp_path):
    if request.param == "DICOM":
        return segmentation_of(write_small_tree(tmp_path / "tree", {"P1": "O1", "P2": "O2"}, slices=2, phases=3))
    return segmentation_of(write_png_tree(tmp_path / "tree"))


def test_write_leaves_every_mask_contour_and_overlay(segmentation, tmp_path):
    out = tmp_path / "out"
    segmentation.write(out)
    written = json.loads((out / "segmentation.json").read_text())
    frames = [frame for study in segmentation.studies for frame in study.frames]
    assert len(written["images"]) == len(frames) == len(segmentation.masks)
    files = {out / "segmentation.json"}
    for image, frame in zip(written["images"], frames, strict=True):
        mask = segmentation.masks[frame.key]
        assert segmentation.root / image["file"] == frame.path
        assert (image["slice"], image["phase"], image["patient"]) == (frame.slice, frame.phase, frame.patient_id)
        assert (image["area_pixels"], image["empty"]) == (mask.sum(), not mask.any())
        np.testing.assert_allclose(image["area_mm2"], mask.sum() * 1.5**2, atol=0.005)
        stored = np.array(Image.open(out / image["mask"]))
        assert stored.dtype == np.uint8
        np.testing.assert_array_equal(stored, 255 * mask)
        drawn = np.array(Image.open(out / image["overlay"]).convert("RGB"))
        np.testing.assert_array_equal(drawn, np.array(draw_overlay(read_image(frame), mask).convert("RGB")))
        files |= {out / image["mask"], out / image["overlay"]}
        if not mask.any():
            assert image["contour"] is None
            continue
        outline = read_contour(out / image["contour"], origin=ORIGIN)
        np.testing.assert_array_equal(polygon_mask(outline, mask.shape), mask)
        assert polygon_area(outline) == mask.sum()
        files.add(out / image["contour"])
    assert {path for path in out.rglob("*") if path.is_file()} == files
    assert written["skipped"] == [{"file": "report.pdf", "reason": "is neither DICOM nor PNG"}]
    assert written["notes"] == ["a note"]


def test_as_dict_volumes_agree_with_areas(segmentation):
    result = segmentation.as_dict()
    for study in result["studies"]:
        own = [image for image in result["images"] if image["study"] == study["name"]]
        assert (study["images"], study["masks"]) == (len(own), sum(not image["empty"] for image in own))
        millilitres = {
            phase: sum(image["area_mm2"] for image in own if image["phase"] == phase) * 8 / 1000
            for phase in {image["phase"] for image in own}
        }
        volumes = {volume["phase"]: volume["volume_ml"] for volume in study["phases"]}
        assert volumes.keys() == millilitres.keys()
        for phase, volume in volumes.items():
            assert volume == pytest.approx(millilitres[phase], abs=0.006)
        assert study["ed"]["volume_ml"] == max(volumes.values())
        assert study["es"]["volume_ml"] == min(volumes.values())
        expected = 100 * (1 - study["es"]["volume_ml"] / study["ed"]["volume_ml"])
        assert study["ejection_fraction_percent"] == pytest.approx(expected, abs=2)
        assert study["missing_reason"] is None


def test_as_dict_manual_contours_give_the_volumes_of_real_patients(sunnybrook):
    labelled = {frame.key: frame for frame in SAXDataset(sunnybrook).frames if frame.endocardium is not None}
    inputs = find_inputs(sunnybrook)
    studies = tuple(study.restrict_to(labelled) for study in inputs.studies)
    masks = {key: draw_label(frame, "endocardium", CONTOUR_ORIGIN) == 1 for key, frame in labelled.items()}
    found = Segmentation(inputs.root, studies, masks, (), (), {}).as_dict()["studies"]
    # As the sample's own page has them, from the polygons.
    for study, phases, volumes in zip(
        found, [(18, 7), (19, 6), (19, 6)], [(191.3, 141.3), (241.9, 180.3), (229.7, 179.6)], strict=True
    ):
        assert (study["ed"]["phase"], study["es"]["phase"]) == phases
        np.testing.assert_allclose((study["ed"]["volume_ml"], study["es"]["volume_ml"]), volumes, rtol=0.005)


def test_as_dict_unknown_values_are_none(tmp_path):
    root = write_png_tree(tmp_path / "tree")
    (root / "patients.csv").unlink()
    result = segmentation_of(root).as_dict()
    (study,) = result["studies"]
    unknown = ("patient", "slices", "slice_spacing_mm", "ed", "es", "ejection_fraction_percent")
    assert {study[name] for name in unknown} == {None}
    assert (study["phases"], study["missing_reason"]) == ([], "a PNG has no slice and phase")
    for image in result["images"]:
        assert {image[name] for name in ("patient", "slice", "phase", "pixel_spacing_mm", "area_mm2")} == {None}
        assert image["area_pixels"] > 0 or image["empty"]


def test_write_mask_of_noise_has_no_contour_file(tmp_path):
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1"}, slices=1, phases=1, shape=(512, 512))
    segmentation = segmentation_of(tree)
    (mask,) = segmentation.masks.values()
    mask[:] = False
    mask[::2, [0, -1]] = True  # parts so many and so far apart that an outline of all would be no outline
    segmentation.write(tmp_path / "out")
    (image,) = json.loads((tmp_path / "out" / "segmentation.json").read_text())["images"]
    assert (image["contour"], image["empty"]) == (None, False)
    assert not (tmp_path / "out" / "contours").exists()


def test_write_is_atomic(segmentation, tmp_path):
    out = tmp_path / "out"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    with pytest.raises(DataError, match="is not empty"):
        segmentation.write(tmp_path / "full")
    [*segmentation.masks][-1][0].unlink()
    with pytest.raises(DataError, match="cannot be read"):
        segmentation.write(out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "tree"]
