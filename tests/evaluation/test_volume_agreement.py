import math
import statistics
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from keras_lvseg.evaluation import volume_agreement

volumes = st.floats(0, 600)
pairs = st.lists(st.tuples(volumes, volumes), min_size=1, max_size=30)


def test_volume_agreement_equals_values_by_hand():
    agreement = volume_agreement([110, 140, 210, 90], [100, 150, 200, 100])  # differences 10, -10, 10, -10
    assert (agreement.count, agreement.bias, agreement.mae, agreement.rmse) == (4, 0, 10, 10)
    assert agreement.sd == pytest.approx(math.sqrt(400 / 3))
    assert agreement.limits == pytest.approx((-1.96 * math.sqrt(400 / 3), 1.96 * math.sqrt(400 / 3)))


@given(pairs)
def test_volume_agreement_equals_scipy(values):
    x, y = np.array(values).T
    agreement = volume_agreement(x, y)
    assert agreement.bias == pytest.approx(np.subtract(x, y).mean(), abs=1e-9)
    assert abs(agreement.bias) - 1e-9 <= agreement.mae <= agreement.rmse + 1e-9
    if len(x) > 1:
        assert agreement.sd == pytest.approx(statistics.stdev(map(Fraction, x - y)), abs=1e-9)
        assert agreement.rmse**2 == pytest.approx(agreement.bias**2 + agreement.sd**2 * (1 - 1 / len(x)), abs=1e-6)
    if len(x) > 2 and min(np.std(x), np.std(y)) > 1e-3:  # SciPy warns of equal values
        assert agreement.correlation == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-9)


@pytest.mark.parametrize("scale", [1.0, 6.9e-167, 5e-324])
def test_volume_agreement_of_tiny_values_has_their_correlation(scale):
    assert volume_agreement([0, 0, 1], [0, 0, scale]).correlation == pytest.approx(1)


@given(pairs, st.floats(-100, 100))
def test_volume_agreement_of_shifted_measurements_shifts_the_bias_alone(values, shift):
    x, y = np.array(values).T
    before, after = volume_agreement(x, y), volume_agreement(x + shift, y)
    assert after.bias == pytest.approx(before.bias + shift, abs=1e-9)
    if before.sd is not None:
        assert after.sd == pytest.approx(before.sd, abs=1e-6)


def test_volume_agreement_of_one_pair_has_no_spread():
    agreement = volume_agreement([3], [1])
    assert (agreement.count, agreement.bias, agreement.sd, agreement.limits) == (1, 2, None, None)
    assert agreement.correlation is None


@pytest.mark.parametrize(("x", "y"), [([1, 2], [2, 1]), ([5, 5, 5], [1, 2, 3]), ([1, 2, 3], [5, 5, 5])])
def test_volume_agreement_without_a_meaningful_correlation_has_none(x, y):
    assert volume_agreement(x, y).correlation is None


@pytest.mark.parametrize(("x", "y"), [([], []), ([1], [1, 2]), ([1, math.nan], [1, 2]), ([[1]], [[1]])])
def test_volume_agreement_of_unusable_arrays_raises(x, y):
    with pytest.raises(ValueError, match="Invalid value for argument"):
        volume_agreement(x, y)
