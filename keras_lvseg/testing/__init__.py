"""Hypothesis strategies for masks, label maps, logits and weights, to test any metric or loss.

Needs `pip install "keras-lvseg[test]"`.

Example:
    >>> from hypothesis import given
    >>> from keras_lvseg.evaluation import dice
    >>> from keras_lvseg.testing import mask_pairs
    >>> @given(mask_pairs())
    ... def test_dice_is_symmetric(pair):
    ...     assert dice(*pair) == dice(*pair[::-1])
    >>> test_dice_is_symmetric()
"""

from keras_lvseg.testing.label_maps import label_maps, logits_for
from keras_lvseg.testing.masks import hearts, mask_pairs, masks
from keras_lvseg.testing.weights import image_weights, pixel_weights

__all__ = ["hearts", "image_weights", "label_maps", "logits_for", "mask_pairs", "masks", "pixel_weights"]
