from dataclasses import replace

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.measure import label as connected_parts

from keras_lvseg.data import SAXDataset
from keras_lvseg.data.preprocessing import Preprocessing
from keras_lvseg.inference.predict import average_views, keras_predict, predict_masks, predict_probabilities
from keras_lvseg.io.dicom import read_pixels
from tests.inference.planted import threshold_network

THRESHOLD = 100.0


@pytest.fixture(scope="module")
def thresholding():
    return threshold_network(THRESHOLD)


@pytest.fixture(scope="module")
def frames(phantom_tree):
    return SAXDataset(phantom_tree).frames[:20]


@pytest.mark.parametrize("size", [(256, 256), (100, 131), (280, 90)])
@pytest.mark.parametrize("batch_size", [3, 16])
def test_predict_masks_are_on_the_native_grid(thresholding, frames, size, batch_size):
    preprocessing = Preprocessing(size, intensity=None)
    masks = list(predict_masks(thresholding, frames, preprocessing=preprocessing, batch_size=batch_size))
    assert len(masks) == len(frames)
    for frame, mask in zip(frames, masks, strict=True):
        assert (mask.shape, mask.dtype) == (frame.shape, np.uint8)
        bright = read_pixels(frame.path) > THRESHOLD
        seen = np.zeros(frame.shape, bool)
        rows, columns = (
            slice(max(-(-(native - n) // 2), 0), max((native - n) // 2, 0) + min(n, native))  # symmetric
            for native, n in zip(frame.shape, size, strict=True)
        )
        seen[rows, columns] = True
        np.testing.assert_array_equal(mask, bright & seen)


@given(
    shape=st.tuples(st.integers(8, 40), st.integers(8, 40)),
    spacing=st.tuples(st.floats(0.7, 2.0), st.floats(0.7, 2.0)),
    size=st.sampled_from([(24, 24), (25, 30)]),
    pixel_spacing=st.sampled_from([None, 1.0, 1.5]),
    axes=st.sampled_from([(0,), (1,), (0, 1)]),
)
def test_predict_masks_of_mirrored_frames_gives_mirrored_masks(
    thresholding, frames, shape, spacing, size, pixel_spacing, axes
):
    image = np.random.default_rng(0).uniform(0, 2 * THRESHOLD, shape).astype(np.float32)
    frame = replace(frames[0], rows=shape[0], columns=shape[1], pixel_spacing=spacing)
    preprocessing = Preprocessing(size, pixel_spacing, intensity=None)
    images = iter([image, np.flip(image, axes)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("keras_lvseg.inference.predict.read_image", lambda _: next(images))
        mask, mirrored = predict_masks(thresholding, [frame, frame], preprocessing=preprocessing)
    np.testing.assert_array_equal(mirrored, np.flip(mask, axes))


def test_predict_masks_resampled_grid_keeps_the_mask(thresholding, frames):
    # The bright part is smoothed so that it has no detail which a grid of another spacing cannot hold.
    from scipy.ndimage import gaussian_filter

    preprocessing = Preprocessing((256, 256), pixel_spacing=1.0, intensity=lambda image: gaussian_filter(image, 4))
    masks = list(predict_masks(thresholding, frames, preprocessing=preprocessing))
    both = total = 0
    for frame, mask in zip(frames, masks, strict=True):
        bright = gaussian_filter(read_pixels(frame.path).astype(float), 4 / frame.pixel_spacing[0]) > THRESHOLD
        inner = (slice(60, -60), slice(60, -60))  # the border is smoothed with what lies outside the crop
        both += (mask & bright)[inner].sum()
        total += mask[inner].sum() + bright[inner].sum()
    assert total > 10_000
    assert 2 * both / total > 0.98


@pytest.fixture(scope="module")
def lopsided():
    """Return a network without any symmetry."""
    image = keras.Input((None, None, 1))
    model = keras.Model(image, keras.layers.Conv2D(3, 3, padding="same", name="logits")(image))
    kernel = np.random.default_rng(0).normal(size=(3, 3, 1, 3))
    model.get_layer("logits").set_weights([kernel, np.array([0.0, 0.5, -0.5])])
    return model


@pytest.mark.parametrize("axes", [(1,), (2,), (1, 2)])
def test_predict_probabilities_with_flip_tta_commutes_with_flips(lopsided, axes):
    images = np.random.default_rng(1).normal(size=(2, 9, 12, 1)).astype(np.float32)
    there = predict_probabilities(lopsided, np.flip(images, axes), flip_tta=True)
    np.testing.assert_allclose(np.flip(there, axes), predict_probabilities(lopsided, images, flip_tta=True), atol=1e-6)
    bare = [predict_probabilities(lopsided, x) for x in (images, np.flip(images, axes))]
    assert np.abs(np.flip(bare[1], axes) - bare[0]).max() > 0.1
    np.testing.assert_allclose(there.sum(axis=-1), 1, atol=1e-6)


@pytest.mark.parametrize(("views", "symmetries"), [(1, set()), (2, {(1, 2)}), (4, {(1,), (2,), (1, 2)})])
def test_average_views_commutes_with_the_flips_of_its_views_only(lopsided, views, symmetries):
    images = np.random.default_rng(1).normal(size=(2, 9, 12, 1)).astype(np.float32)
    predict = keras_predict(lopsided)
    plain = average_views(predict, images, views=views)
    for axes in ((1,), (2,), (1, 2)):
        there = np.flip(average_views(predict, np.flip(images, axes), views=views), axes)
        assert (np.abs(there - plain).max() < 1e-6) == (axes in symmetries)


def test_predict_masks_with_postprocess_has_one_component(thresholding, frames):
    preprocessing = Preprocessing((256, 256), intensity=None)
    raw, cleaned = (
        list(predict_masks(thresholding, frames[:3], preprocessing=preprocessing, postprocess=postprocess))
        for postprocess in (False, True)
    )
    for mask, one in zip(raw, cleaned, strict=True):
        assert connected_parts(mask, connectivity=1, return_num=True)[1] > 1
        assert connected_parts(one, connectivity=1, return_num=True)[1] == 1
