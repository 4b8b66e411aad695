import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg.inference.predict import average_views
from keras_lvseg.inference.windows import cavity_window, predict_windows, window_at

SIDE, SHAPE = 24, (40, 50)


def normalize(part):
    return (part - part.mean()) / part.std()


def beside(images):
    """Return probabilities of a pixel from itself and the pixel to its left, so that the turned view differs."""
    left = np.concatenate([images[:, :, :1], images[:, :, :-1]], axis=2)
    cavity = 1 / (1 + np.exp(-0.75 * images - 0.25 * left))
    return np.concatenate([1 - cavity, cavity], axis=-1)


@given(row=st.floats(-100, 100), column=st.floats(-100, 100), side=st.integers(1, 40))
def test_window_at_is_the_square_with_the_nearest_middle(row, column, side):
    for place, own, size in zip((row, column), window_at(row, column, side, SHAPE), SHAPE, strict=True):
        starts = np.arange(size - side + 1)
        off = np.abs(starts + (side - 1) / 2 - place)
        assert own.stop - own.start == side
        assert off[own.start] == off.min()


@given(row=st.integers(0, 34), column=st.integers(0, 44), height=st.integers(1, 6), width=st.integers(1, 6))
def test_cavity_window_holds_the_cavity_and_its_wall(row, column, height, width):
    cavity = np.full(SHAPE, 0.2)
    cavity[row : row + height, column : column + width] = 0.4
    window = cavity_window(cavity, SIDE)
    inside = np.zeros(SHAPE, bool)
    inside[window] = True
    assert inside.sum() == SIDE**2
    assert inside[max(row - 8, 0) : row + height + 8, max(column - 8, 0) : column + width + 8].all()


def test_cavity_window_of_a_wide_cavity_is_the_image_and_of_none_is_none():
    cavity = np.zeros(SHAPE)
    assert cavity_window(cavity, SIDE) is None
    cavity[3:11, 5:7] = 0.9
    assert cavity_window(cavity, SIDE) == (slice(0, 24), slice(0, 24))
    cavity[3:12, 5:7] = 0.9
    assert cavity_window(cavity, SIDE) == (slice(0, 40), slice(0, 50))


@given(seed=st.integers(0, 2**32 - 1), views=st.sampled_from([1, 2, 4]))
def test_predict_windows_are_the_probabilities_of_the_parts_and_background_elsewhere(seed, views):
    rng = np.random.default_rng(seed)
    images = rng.normal(5, 3, (4, *SHAPE)).astype("float32")
    windows = [
        window_at(*rng.uniform(0, 50, 2), side, SHAPE) if side else (slice(0, 40), slice(0, 50))
        for side in (24, 0, 24, 8)
    ]
    calls = []

    def predict(images):
        calls.append(images.shape[1:3])
        return beside(images)

    found = predict_windows(predict, images, windows, views=views, normalize=normalize)
    assert sorted(calls) == [(8, 8), (24, 24), (40, 50)]  # images of one size together
    for image, window, own in zip(images, windows, found, strict=True):
        part = average_views(beside, normalize(image[window])[None, ..., None], views=views)[0]
        np.testing.assert_allclose(own[window], part, atol=1e-6)
        outside = np.ones(SHAPE, bool)
        outside[window] = False
        assert (own[outside] == [1, 0]).all()
