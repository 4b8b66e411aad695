import numpy as np
import pytest
from keras import ops

from keras_lvseg.losses import SparseDiceCE, SparseSoftDice, SparseSoftmaxCE

rng = np.random.default_rng(0)
LABELS, LOGITS = rng.integers(0, 3, (2, 4, 5)), rng.normal(size=(2, 4, 5, 3)).astype("float32")
LABELS[0, 0, 0] = 255
WEIGHTS = np.array([1.0, 3.0])


@pytest.mark.parametrize("reduction", ["mean_with_sample_weight", "sum", "mean"])
def test_sparse_dice_ce_is_the_weighted_sum_of_both(reduction):
    of_both = {"ignore_class": 255, "reduction": reduction}
    of_dice = {"include_background": True, "average": "batch"}
    of_ce = {"class_weights": (1.0, 2.0, 3.0), "label_smoothing": 0.1}
    loss = SparseDiceCE(dice_weight=0.5, ce_weight=2.0, **of_dice, **of_ce, **of_both)
    dice = float(SparseSoftDice(**of_dice, **of_both)(LABELS, LOGITS, WEIGHTS))
    ce = float(SparseSoftmaxCE(**of_ce, **of_both)(LABELS, LOGITS, WEIGHTS))
    assert float(loss(LABELS, LOGITS, WEIGHTS)) == pytest.approx(0.5 * dice + 2 * ce, rel=1e-6)


def test_sparse_dice_ce_unreduced_has_a_value_for_each_pixel():
    values = SparseDiceCE(ignore_class=255, reduction="none")(LABELS, LOGITS, WEIGHTS)
    dice = SparseSoftDice(ignore_class=255, reduction="none")(LABELS, LOGITS, WEIGHTS)
    ce = SparseSoftmaxCE(ignore_class=255, reduction="none")(LABELS, LOGITS, WEIGHTS)
    expected = ops.convert_to_numpy(ce) + ops.convert_to_numpy(dice)[:, None, None]
    np.testing.assert_allclose(ops.convert_to_numpy(values), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "kwargs",
    [{"dice_weight": -1.0}, {"ce_weight": None}, {"average": "dataset"}, {"class_weights": (-1, 1)}],
)
def test_sparse_dice_ce_invalid_argument_raises(kwargs):
    with pytest.raises(ValueError, match="Received"):
        SparseDiceCE(**kwargs)
