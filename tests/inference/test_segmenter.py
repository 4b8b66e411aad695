import shutil

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.uid import RLELossless

import keras_lvseg
from keras_lvseg import Segmenter
from keras_lvseg.errors import DataError
from keras_lvseg.io.dicom import read_pixels
from tests.inference.planted import write_planted_run
from tests.png_tree import write_png_tree
from tests.small_tree import edit, images_of, write_small_tree

THRESHOLD = 100.0


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Return a segmenter whose masks are the pixels brighter than a threshold."""
    return Segmenter(write_planted_run(tmp_path_factory.mktemp("planted") / "run", THRESHOLD))


@pytest.fixture(scope="module")
def bundled():
    return Segmenter()


@pytest.fixture
def heart(phantom_tree, tmp_path):
    """Write one frame of a synthetic heart as a single DICOM file."""
    return shutil.copy(sorted(phantom_tree.glob("dicoms/*/*.dcm"))[5], tmp_path / "heart.dcm")


def only(segmentation):
    (result,) = segmentation
    return result


def mask_of(segmentation):
    """Return the only mask, of the cavity."""
    (mask,) = only(segmentation).masks
    assert mask.dtype == np.uint8
    return mask == 1


def image_of(segmentation):
    """Return what `study.json` has of the only image."""
    (image,) = only(segmentation).as_dict()["images"]
    return image


def test_segmenter_of_run_uses_grid_and_options_of_the_run(phantom_tree, tmp_path, heart):
    run = write_planted_run(tmp_path / "run", THRESHOLD, image_size=(64, 48), flip_tta=True, postprocess=True)
    segmenter = Segmenter(run, engine="keras")
    mask, bright = mask_of(segmenter.segment(heart)), read_pixels(heart) > THRESHOLD
    seen = np.zeros_like(bright)
    seen[96:160, 104:152] = True
    assert mask.any()
    assert not (mask & ~seen).any()
    assert (mask & bright).sum() > 0.5 * mask.sum()
    assert segmenter.settings == {
        "keras_lvseg": keras_lvseg.__version__,
        "network": {"run": str(run)},
        "image_size": [64, 48],
        "pixel_spacing": None,
        "intensity": None,
        "views": 2,
        "postprocess": True,
        "independent": False,
        "certainty": {"end": 0.9, "end_of_stills": 0.7, "flag": 0.92},
        "contour_origin": -0.75,
        "engine": "keras",
    }
    changed = Segmenter(run, engine="keras", independent=True, views=4).settings
    assert changed == segmenter.settings | {"independent": True, "views": 4}
    with pytest.raises(DataError, match="is not a finished training run"):
        Segmenter(phantom_tree)


def test_segment_undecodable_files_are_skipped_with_reasons(planted, tmp_path):
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1"}, slices=2, phases=3)
    paths = list(images_of(tree, "P1"))
    dataset = pydicom.dcmread(paths[1])
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.PixelData = dataset.PixelData[:30]
    dataset.save_as(paths[1])
    (tree / "report.pdf").write_bytes(b"%PDF-1.7")
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(tree / "screen.png")
    segmentation = planted.segment(tree)
    result, stray = segmentation
    skips = (*segmentation.skipped, *result.study.skipped, *stray.study.skipped)
    why = {skipped.path: skipped.reason for skipped in skips}
    assert stray.masks == ()
    assert {path.name for path in why} == {"2.dcm", "report.pdf", "screen.png"}
    assert "damaged" in why[paths[1]]
    assert "is a colour image" in why[tree / "screen.png"]
    assert sorted(frame.path for frame in result.study.frames) == sorted(set(paths) - {paths[1]})
    assert result.volumes.problem is None  # two phases are left with both slices
    assert result.volumes.phases[1].slices == 1
    # The discs are far smaller than a heart.
    assert [flag.code for flag in result.volumes.flags] == ["missing-frames", "few-slices", "unusual-volume"]


@pytest.mark.parametrize("contents", [{}, {"report.pdf": b"%PDF-1.7"}, {".DS_Store": b""}])
def test_segment_folder_without_images_is_one_line(planted, tmp_path, contents):
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        planted.segment(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}: holds no ")
    assert ("report.pdf is neither DICOM nor NIfTI nor PNG" in str(caught.value)) == ("report.pdf" in contents)
    assert "\n" not in str(caught.value)


def test_segment_damaged_file_is_one_line(planted, heart):
    heart.write_bytes(heart.read_bytes()[:3000])
    with pytest.raises(DataError) as caught:
        planted.segment(heart)
    assert caught.value.path == str(heart)


def small_heart(rows=100, columns=180):
    """Return an image of a bright disc in a dark ring, with a brighter patch in a corner."""
    y, x = np.ogrid[:rows, :columns]
    away = np.hypot(y - rows // 2, x - columns // 2)
    return np.where(away < 15, 150, np.where(away < 22, 10, 60)) + 90 * ((y < 12) & (x < 30))


def saved(heart, pixels, kind="int16", **elements):
    """Write other pixels into the heart's file."""
    dataset = pydicom.dcmread(heart)
    pixels = np.ascontiguousarray(pixels, kind)
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    content = pixels.tobytes()
    dataset.PixelData = content + bytes(len(content) % 2)
    dataset["PixelData"].VR = "OW" if pixels.itemsize == 2 else "OB"
    dataset.save_as(heart)
    return edit(heart, **elements)


IMAGES = {
    "signed 16 bits": lambda heart: saved(heart, small_heart()),
    "unsigned 16 bits": lambda heart: saved(heart, small_heart(), "uint16"),
    "8 bits": lambda heart: saved(heart, small_heart(), "uint8"),
    "MONOCHROME1, 8 bits": lambda heart: saved(
        heart, 255 - small_heart(), "uint8", PhotometricInterpretation="MONOCHROME1"
    ),
    "MONOCHROME1, 12 of 16 bits": lambda heart: saved(
        heart, 4095 - small_heart(), "uint16", PhotometricInterpretation="MONOCHROME1", BitsStored=12, HighBit=11
    ),
    "MONOCHROME1, signed": lambda heart: saved(heart, -1 - small_heart(), PhotometricInterpretation="MONOCHROME1"),
}


@pytest.mark.parametrize("image", IMAGES)
def test_segment_any_pixel_encoding_gives_the_same_mask(planted, heart, image):
    mask = mask_of(planted.segment(IMAGES[image](heart)))
    assert mask.shape == (100, 180)
    np.testing.assert_array_equal(mask, small_heart() > THRESHOLD)


@pytest.mark.parametrize("spacing", [0.7, 1.4, 2.5])
def test_segment_any_pixel_spacing_gives_the_same_area_in_mm2(tmp_path, heart, spacing):
    run = write_planted_run(tmp_path / "run", THRESHOLD, (96, 96), pixel_spacing=1.4)
    rows, columns = round(120 / spacing), round(130 / spacing)
    y, x = np.ogrid[:rows, :columns]
    disc = np.hypot(y - rows / 2 + 0.5, x - columns / 2 + 0.5) * spacing < 28
    saved(heart, np.where(disc, 150, 40), PixelSpacing=[spacing, spacing])
    segmentation = Segmenter(run).segment(heart)
    mask = mask_of(segmentation)
    assert 2 * (mask & disc).sum() / (mask.sum() + disc.sum()) > 0.96
    assert image_of(segmentation)["area_mm2"] == pytest.approx(np.pi * 28**2, rel=0.06)


@pytest.mark.parametrize("pixels", [np.zeros((64, 64)), np.full((1, 1), 7), np.full((300, 30), 2000)])
def test_segment_constant_image_gives_a_mask(bundled, heart, pixels):
    assert mask_of(bundled.segment(saved(heart, pixels))).shape == pixels.shape


def test_segment_image_without_heart_gives_an_empty_mask(planted, heart):
    assert not mask_of(planted.segment(saved(heart, np.full((64, 64), 20)))).any()


def test_segment_unknown_spacing_is_assumed_and_noted(planted, tmp_path):
    root = write_png_tree(tmp_path / "pictures")
    (root / "patients.csv").unlink()
    own = "the pixel spacing is unknown: "
    assert only(planted.segment(root)).notes == (f"{own}areas are given in pixels only",)
    run = write_planted_run(tmp_path / "run", THRESHOLD, (32, 32), pixel_spacing=1.4)
    segmenter = Segmenter(run)
    assumed = only(segmenter.segment(root))
    assert assumed.notes == (f"{own}1.37 mm is assumed, and areas are given in pixels only",)
    told = only(segmenter.segment(root, pixel_spacing=1.37))
    assert told.notes == ()
    for mask, other in zip(told.masks, assumed.masks, strict=True):
        np.testing.assert_array_equal(other, mask)
    (image, *_) = told.as_dict()["images"]
    assert image["area_mm2"] == pytest.approx(image["area_pixels"] * 1.37**2, abs=0.006)
    with pytest.raises(ValueError, match=r"`pixel_spacing`\. Expected 0\.1 to 10 mm\. Received: pixel_spacing=0"):
        segmenter.segment(root, pixel_spacing=0)


def test_segment_dicom_without_spacing_takes_the_given_one(planted, heart):
    dataset = pydicom.dcmread(heart)
    del dataset.PixelSpacing, dataset.SOPInstanceUID
    dataset.save_as(heart)
    image = image_of(planted.segment(heart, pixel_spacing=(2.0, 1.5)))
    assert image["area_mm2"] == 3 * image["area_pixels"] > 0
    segmentation = planted.segment(heart)
    assert len(only(segmentation).notes) == 1
    assert mask_of(segmentation).sum() == image["area_pixels"]


@pytest.mark.parametrize("unit", [1e-9, 1e-3, 1e25, 1e300])
def test_mask_does_not_depend_on_the_unit(bundled, unit):
    image = small_heart()
    mask = bundled.mask(image, 1.4)
    scaled = bundled.mask(image * unit, 1.4)
    assert (mask ^ scaled).sum() <= 0.01 * mask.sum()
    assert mask.any()


def test_mask_of_array_equals_mask_of_its_file(bundled, heart):
    pixels = read_pixels(heart)
    spacing = tuple(map(float, pydicom.dcmread(heart).PixelSpacing))
    mask = bundled.mask(pixels, spacing)
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask, mask_of(bundled.segment(heart)))
    np.testing.assert_array_equal(mask, bundled.mask(pixels.tolist(), spacing[0]))


@pytest.mark.parametrize(
    ("image", "spacing", "message"),
    [
        (np.zeros((4, 4, 1)), 1.0, "finite numbers of shape"),
        (np.zeros((0, 4)), 1.0, "finite numbers of shape"),
        (np.full((4, 4), np.nan), 1.0, "finite numbers of shape"),
        (np.full((4, 4), "x"), 1.0, "finite numbers of shape"),
        (np.zeros((4, 4)), 0.0, "0.1 to 10 mm"),
        (np.zeros((4, 4)), (1.0, np.nan), "0.1 to 10 mm"),
        (np.zeros((4, 4)), None, "0.1 to 10 mm"),
        (np.zeros((4, 4)), "a", "0.1 to 10 mm"),
        (np.zeros((4, 4)), "1.4", "0.1 to 10 mm"),
        (np.zeros((4, 4)), (1.0, 1.0, 1.0), "0.1 to 10 mm"),
    ],
)
def test_mask_invalid_image_or_spacing_raises(planted, image, spacing, message):
    with pytest.raises(ValueError, match=message):
        planted.mask(image, spacing)


def test_segmenter_settings_name_the_bundled_weights(bundled):
    assert bundled.settings["network"]["weights"] == "sax-lv"
    assert len(bundled.settings["network"]["sha256"]) == 64
