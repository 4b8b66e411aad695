import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from keras_lvseg.testing import hearts, image_weights, label_maps, logits_for, mask_pairs, masks, pixel_weights

SIZE = (7, 9)
MANY = settings(max_examples=2000, database=None)


def at_border(mask):
    return mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any()


@pytest.mark.parametrize(
    "kind",
    [
        lambda mask: not mask.any(),
        lambda mask: mask.all(),
        lambda mask: mask.sum() == 1,
        lambda mask: at_border(mask) and not mask.all() and mask.sum() > 3,
        lambda mask: mask.any() and not at_border(mask),
        lambda mask: ndimage.label(mask)[1] >= 3,
        lambda mask: ndimage.binary_fill_holes(mask).sum() > mask.sum(),
    ],
    ids=["empty", "full", "one pixel", "at the border", "inside", "several parts", "with a hole"],
)
def test_masks_draws_every_kind(kind):
    find(masks(SIZE), kind, settings=MANY)


@pytest.mark.parametrize(
    "kind",
    [
        lambda pair: pair[0].any() and np.array_equal(*pair),
        lambda pair: pair[0].any() and pair[1].any() and not (pair[0] & pair[1]).any(),
        lambda pair: 0 < (pair[0] ^ pair[1]).sum() <= 2 and pair[0].sum() > 5,
        lambda pair: pair[1].any() and not (pair[1] & ~pair[0]).any() and pair[0].sum() > pair[1].sum(),
        lambda pair: pair[1].any() and not pair[0].any(),
        lambda pair: pair[0].any() and not pair[1].any(),
    ],
    ids=["equal", "disjoint", "nearly equal", "inside", "false positive", "false negative"],
)
def test_mask_pairs_draws_every_kind(kind):
    find(mask_pairs(SIZE), kind, settings=MANY)


@given(hearts((24, 30)))
def test_hearts_draws_one_component(mask):
    assert mask.shape == (24, 30)
    assert ndimage.label(mask, structure=np.ones((3, 3)))[1] <= 2  # two if the image's edge divides it


@given(st.data(), st.integers(2, 5), st.sampled_from([0.1, 1.0, 4.0]))
def test_logits_for_labels_have_their_argmax_by_the_margin(data, num_classes, margin):
    labels = data.draw(label_maps(num_classes, SIZE))
    assert labels.dtype == np.int32
    assert 0 <= labels.min() <= labels.max() < num_classes
    logits = data.draw(logits_for(labels, num_classes, margin=margin))
    assert logits.dtype == np.float32
    assert np.abs(logits).max() <= 20 + margin
    np.testing.assert_array_equal(logits.argmax(axis=-1), labels)
    first, second = np.sort(logits, axis=-1)[..., :-3:-1].T
    assert (first - second).min() >= margin - 1e-5


def test_label_maps_draws_every_class():
    find(label_maps(4, SIZE), lambda labels: set(np.unique(labels)) == {0, 1, 2, 3}, settings=MANY)


@given(image_weights(3), pixel_weights((2, 4, 4)))
def test_weights_are_float32_and_nonnegative(images, pixels):
    assert (images.shape, pixels.shape) == ((3,), (2, 4, 4))
    assert images.any()
    assert min(images.min(), pixels.min()) >= 0
    assert images.dtype == pixels.dtype == np.float32


def test_masks_drawn_share_no_memory():
    drawn = []

    @given(masks(SIZE))
    @settings(max_examples=50)
    def spoil(mask):
        assert not any(mask is other for other in drawn)
        drawn.append(mask)
        mask[:] = True

    spoil()
    find(masks(SIZE), lambda mask: not mask.any(), settings=settings(database=None))
