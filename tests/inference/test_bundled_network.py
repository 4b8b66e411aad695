"""The network that comes with the package, on real hearts and on phantoms that it was not trained on."""

import numpy as np
import pytest

from keras_lvseg import SAXDataset, Segmenter
from keras_lvseg.data.labels import draw_label
from keras_lvseg.geometry import CONTOUR_ORIGIN
from keras_lvseg.studies.frame_images import read_image


@pytest.fixture(scope="module")
def segmenter():
    return Segmenter()


def dice(mask, other):
    return 2 * (mask & other).sum() / (mask.sum() + other.sum())


def masks_of(segmenter, frames):
    return {(f.patient_id, f.slice, f.phase): segmenter.mask(read_image(f), f.pixel_spacing) for f in frames}


def test_hearts_of_a_new_phantom_are_found(segmenter, phantom_tree):
    frames = SAXDataset(phantom_tree).labelled_frames("all")
    found = [
        dice(
            segmenter.mask(read_image(frame), frame.pixel_spacing),
            draw_label(frame, "endocardium", CONTOUR_ORIGIN) == 1,
        )
        for frame in frames
    ]
    assert np.mean(found) > 0.85


def test_units_do_not_matter(segmenter, phantom_tree):
    for frame in SAXDataset(phantom_tree).labelled_frames("all")[::9]:
        image, spacing = read_image(frame).astype(np.float32), frame.pixel_spacing
        mask = segmenter.mask(image, spacing)
        assert mask.any()
        np.testing.assert_array_equal(segmenter.mask(64 * image, spacing), mask)
        assert dice(segmenter.mask(0.37 * image - 1000, spacing), mask) > 0.99


def test_a_dicom_frame_and_its_picture_give_the_same_mask(segmenter, sunnybrook, sunnybrook_png):
    """The picture is scaled by the frame's own maximum and rounded to 8 bits."""
    pictured = masks_of(segmenter, SAXDataset(sunnybrook_png).labelled_frames("all"))
    stored = masks_of(segmenter, SAXDataset(sunnybrook).labelled_frames("all"))
    shared = sorted(stored.keys() & pictured.keys())
    assert len(shared) == 56
    scores = [dice(stored[place], pictured[place]) for place in shared]
    assert min(scores) >= 0.99
