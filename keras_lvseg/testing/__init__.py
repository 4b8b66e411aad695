"""Hypothesis strategies for masks, label maps, logits and weights, for property tests on any metric or loss.

Needs `pip install "keras-lvseg[test]"`. A property of your own metric takes three lines:

    @given(mask_pairs())
    def test_my_dice_is_symmetric(pair):
        assert my_dice(*pair) == my_dice(*pair[::-1])
"""

from keras_lvseg.testing.label_maps import label_maps, logits_for
from keras_lvseg.testing.masks import hearts, mask_pairs, masks
from keras_lvseg.testing.weights import image_weights, pixel_weights

__all__ = ["hearts", "image_weights", "label_maps", "logits_for", "mask_pairs", "masks", "pixel_weights"]
