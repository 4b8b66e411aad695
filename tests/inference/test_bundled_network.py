"""The bundled network on real hearts and on phantoms that it was not trained on."""

import numpy as np
import pytest

from keras_lvseg import SAXDataset, Segmenter
from keras_lvseg.data.labels import draw_label
from keras_lvseg.geometry import CONTOUR_ORIGIN
from keras_lvseg.studies.frame_images import read_image
from tests.dice import dice


@pytest.fixture(scope="module")
def segmenter():
    return Segmenter()


def frames_by_place(tree):
    return {(f.patient_id, f.slice, f.phase): f for f in SAXDataset(tree).labelled_frames("all")}


def test_bundled_network_finds_phantoms_that_it_was_not_trained_on(segmenter, phantom_tree):
    frames = SAXDataset(phantom_tree).labelled_frames("all")[::9]
    found = [
        dice(
            segmenter.mask(read_image(frame), frame.pixel_spacing),
            draw_label(frame, "endocardium", CONTOUR_ORIGIN) == 1,
        )
        for frame in frames
    ]
    assert np.mean(found) > 0.85


def test_bundled_network_does_not_depend_on_units(segmenter, phantom_tree):
    for frame in SAXDataset(phantom_tree).labelled_frames("all")[::20]:
        image, spacing = read_image(frame).astype(np.float32), frame.pixel_spacing
        mask = segmenter.mask(image, spacing)
        assert mask.any()
        np.testing.assert_array_equal(segmenter.mask(64 * image, spacing), mask)
        assert dice(segmenter.mask(0.37 * image - 1000, spacing), mask) > 0.99


@pytest.mark.slow
def test_bundled_network_dicom_and_png_of_a_frame_give_the_same_mask(segmenter, sunnybrook, sunnybrook_png):
    """The PNG image is the frame divided by its maximum, in 8 bits."""
    dicom, png = frames_by_place(sunnybrook), frames_by_place(sunnybrook_png)
    shared = sorted(dicom.keys() & png.keys())
    assert len(shared) == 56
    for place in shared:
        masks = (segmenter.mask(read_image(f), f.pixel_spacing) for f in (dicom[place], png[place]))
        assert dice(*masks) >= 0.99
