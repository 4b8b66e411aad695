from pathlib import Path

import numpy as np
import pytest

from keras_lvseg.inference.consistency.cavity import find_cavities, mask_cavity
from keras_lvseg.inference.postprocess import keep_best_component, log_odds
from keras_lvseg.studies import Frame

FRAME = Frame(Path("a.png"), "", "", rows=20, columns=30)
SPACING = (2.0, 1.5)


def two_squares():
    cavity = np.full((20, 30), 0.01)
    cavity[2:6, 3:7] = 0.99
    cavity[10:18, 20:28] = 0.6
    return np.stack([1 - cavity, cavity])


def test_find_cavities_are_the_components_with_the_certain_one_first():
    native = two_squares()
    first, second = find_cavities(native, FRAME, SPACING)
    assert (first.area, second.area) == (16 * 3.0, 64 * 3.0)
    assert (first.certainty, second.certainty) == pytest.approx((0.99, 0.6))
    assert first.centroid == pytest.approx((4.5 * 1.5, 3.5 * 2))
    assert first.evidence == pytest.approx(3.0 * log_odds(native)[2:6, 3:7].sum())
    np.testing.assert_array_equal(keep_best_component(native), keep_best_component(native, seed=first.seed))
    assert keep_best_component(native, seed=second.seed).sum() == 64


def test_find_cavities_of_an_empty_image_are_none():
    assert find_cavities(np.stack([np.ones((20, 30)), np.zeros((20, 30))]), FRAME, SPACING) == []


def test_mask_cavity_is_the_one_of_the_probabilities():
    native = two_squares()
    first = find_cavities(native, FRAME, SPACING)[0]
    own = mask_cavity(keep_best_component(native), FRAME, SPACING, first.certainty)
    assert (own.area, own.centroid, own.certainty) == (first.area, pytest.approx(first.centroid), first.certainty)
    assert mask_cavity(np.zeros((20, 30), np.uint8), FRAME, SPACING, 0.5) is None
