import keras
import numpy as np
import pytest

from keras_lvseg.data import SAXDataset
from keras_lvseg.data.dicom import read_pixels
from keras_lvseg.data.preprocessing import Preprocessing
from keras_lvseg.inference.predict import predict_masks

THRESHOLD = 100.0


@pytest.fixture(scope="module")
def thresholding():
    """A network whose class 1 is whatever is brighter than a threshold: its right answer is known everywhere."""
    image = keras.Input((None, None, 1))
    model = keras.Model(image, keras.layers.Conv2D(2, 1, name="logits")(image))
    model.get_layer("logits").set_weights([np.array([[[[0.0, 1.0]]]]), np.array([0.0, -THRESHOLD])])
    return model


@pytest.fixture(scope="module")
def frames(phantom_tree):
    return SAXDataset(phantom_tree).frames[:20]


@pytest.mark.parametrize("size", [(256, 256), (100, 131), (280, 90)])
@pytest.mark.parametrize("batch_size", [3, 16])
def test_masks_lie_on_the_frame_s_own_grid(thresholding, frames, size, batch_size):
    preprocessing = Preprocessing(size, intensity=None)
    masks = list(predict_masks(thresholding, frames, preprocessing, batch_size))
    assert len(masks) == len(frames)
    for frame, mask in zip(frames, masks, strict=True):
        assert (mask.shape, mask.dtype) == (frame.shape, np.uint8)
        bright = read_pixels(frame.path) > THRESHOLD
        seen = np.zeros(frame.shape, bool)
        rows, columns = (
            slice(max((native - n) // 2, 0), max((native - n) // 2, 0) + min(n, native))
            for native, n in zip(frame.shape, size, strict=True)
        )
        seen[rows, columns] = True
        np.testing.assert_array_equal(mask, bright & seen)


def test_resampling_there_and_back_keeps_the_mask(thresholding, frames):
    # The bright part is smoothed so that it has no detail which a grid of another spacing cannot hold.
    from scipy.ndimage import gaussian_filter

    preprocessing = Preprocessing((256, 256), pixel_spacing=1.0, intensity=lambda image: gaussian_filter(image, 4))
    masks = list(predict_masks(thresholding, frames, preprocessing))
    both = total = 0
    for frame, mask in zip(frames, masks, strict=True):
        bright = gaussian_filter(read_pixels(frame.path).astype(float), 4 / frame.pixel_spacing[0]) > THRESHOLD
        inner = (slice(60, -60), slice(60, -60))  # the border is smoothed with what lies outside the crop
        both += (mask & bright)[inner].sum()
        total += mask[inner].sum() + bright[inner].sum()
    assert total > 10_000
    assert 2 * both / total > 0.98
