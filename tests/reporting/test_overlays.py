import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from PIL import Image
from scipy import ndimage

from keras_lvseg.reporting import draw_overlay, write_overlay

SHAPES = st_numpy.array_shapes(min_dims=2, max_dims=2, max_side=40)
RED = (255, 82, 82)


def rgb(drawn):
    return np.array(drawn.convert("RGB"))


@given(st_numpy.arrays(bool, SHAPES))
def test_draw_overlay_draws_the_outermost_pixels_of_the_mask(mask):
    pixels = rgb(draw_overlay(np.zeros(mask.shape), mask))
    scale = pixels.shape[0] // mask.shape[0]
    assert pixels.shape == (*(scale * side for side in mask.shape), 3)
    assert 400 <= max(pixels.shape) <= 640
    large = np.kron(mask, np.ones((scale, scale), bool))
    border = large & ~ndimage.binary_erosion(large)
    np.testing.assert_array_equal((pixels == RED).all(axis=-1), border)


@given(
    st_numpy.arrays(np.int16, SHAPES, elements=st.integers(-100, 2000)), st.floats(0.01, 100), st.integers(-9000, 9000)
)
def test_draw_overlay_keeps_the_order_of_greys_in_any_unit(image, gain, offset):
    drawn = draw_overlay(image, np.zeros(image.shape, bool))
    pixels = rgb(drawn)
    scale = drawn.width // image.shape[1]
    grey = pixels[::scale, ::scale, 0].astype(int)
    assert (pixels == np.kron(grey, np.ones((scale, scale), int))[..., None]).all()
    order = np.argsort(image, axis=None, kind="stable")
    assert (np.diff(grey.flat[order]) >= 0).all()
    other = rgb(draw_overlay(image * gain + offset, np.zeros(image.shape, bool)))[::scale, ::scale, 0].astype(int)
    assert abs(other - grey).max() <= 2  # rounding
    if image.max() == image.min():
        assert (grey == 0).all()


def test_write_overlay_writes_what_draw_overlay_returns(tmp_path):
    image, mask = np.arange(300.0).reshape(15, 20), np.zeros((15, 20), bool)
    mask[4:9, 5:12] = True
    write_overlay(tmp_path / "1.png", image, mask)
    np.testing.assert_array_equal(rgb(Image.open(tmp_path / "1.png")), rgb(draw_overlay(image, mask)))


def test_draw_overlay_shows_the_outer_border_of_the_myocardium_in_yellow():
    labels = np.zeros((32, 32), np.uint8)
    labels[4:28, 4:28] = 2
    labels[10:20, 10:20] = 1
    pixels = rgb(draw_overlay(np.zeros((32, 32)), labels))
    large = np.kron(labels, np.ones((16, 16), np.uint8))
    outer = (large > 0) & ~ndimage.binary_erosion(large > 0)
    np.testing.assert_array_equal((pixels == (255, 210, 63)).all(axis=-1), outer)


def test_draw_overlay_title_changes_the_corner_only():
    image, mask = np.arange(300.0).reshape(15, 20), np.zeros((15, 20), bool)
    changed = (rgb(draw_overlay(image, mask)) != rgb(draw_overlay(image, mask, title="slice 3  phase 12"))).any(axis=-1)
    rows, columns = np.nonzero(changed)
    assert changed.any()
    assert (rows.max(), columns.max()) < (40, 250)
    assert (rgb(draw_overlay(image, mask, title="slice 3"))[:40] > 240).any()  # white letters
