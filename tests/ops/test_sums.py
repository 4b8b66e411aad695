from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from keras import ops

from keras_lvseg.ops.sums import add_to_running_sums, exact_pixel_sum, exact_sum, round_sums


def tensor(values):
    return ops.convert_to_tensor(values, dtype="float32")


def total(parts) -> np.ndarray:
    return ops.convert_to_numpy(parts).astype("float64").sum(-1)


def add(sums, *terms) -> np.ndarray:
    for term in terms:
        whole = np.rint(term)
        sums = add_to_running_sums(tensor(sums), tensor([[whole, np.float32(term) - whole]]))
    return ops.convert_to_numpy(sums)


def held(sums) -> Fraction:
    high, low, rest = (Fraction(float(x)) for x in sums[0])
    return high * 65536 + low + rest


@given(arrays("float32", (2, 37), elements=st.integers(-(2**22), 2**22).map(np.float32)))
def test_exact_sum_whole_numbers_is_exact(values):
    assert list(total(exact_sum(tensor(values)))) == [sum(map(int, row)) for row in values]


def test_exact_sum_fractions_is_more_accurate_than_float32():
    values = np.random.default_rng(0).random((1, 100_000)).astype("float32")
    exact = float(sum(map(Fraction, values[0].astype(float))))
    assert abs(total(exact_sum(tensor(values)))[0] - exact) < 1e-3
    assert ops.convert_to_numpy(exact_sum(tensor(np.zeros((2, 0))))).tolist() == [[0, 0], [0, 0]]
    assert ops.convert_to_numpy(exact_sum(tensor(np.zeros((2, 3))))).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("pixels", [0, 1, 1023, 1024, 1025, 2**22 + 5])
def test_exact_pixel_sum_whole_weights_is_exact(pixels):
    values = np.full((2, pixels), 2.0, "float32")
    values[1] = np.arange(pixels) % 3
    assert list(total(exact_pixel_sum(tensor(values)))) == list(values.astype("float64").sum(1))


@given(st.lists(st.integers(0, 2**30).map(lambda n: float(np.float32(n))), max_size=6))
def test_add_to_running_sums_whole_numbers_is_exact(terms):
    start = np.array([[2.0**23, -32768.0, 0.0]], "float32")
    sums = add(start, *terms)
    assert held(sums) == held(start) + sum(map(Fraction, terms))
    assert abs(sums[0, 1]) <= 32768  # leaves room to add up those of 512 replicas
    twice = sums + add(np.zeros((1, 3), "float32"), *reversed(terms))
    assert held(twice) == held(start) + 2 * sum(map(Fraction, terms))


@given(st.permutations([0.1, 1e-3, 7.7, 123.456, 65536.1, 1e6 / 3, 2.0**-20]))
def test_add_to_running_sums_fractions_in_any_order_keeps_rounding_errors(terms):
    exact = sum(Fraction(float(np.float32(term))) for term in terms)
    sums = add(np.array([[1024.0, 0.0, 0.0]], "float32"), *terms)
    assert float(held(sums)) == pytest.approx(float(1024 * 65536 + exact), rel=1e-12)
    assert float(ops.convert_to_numpy(round_sums(tensor(sums)))[0]) == np.float32(float(held(sums)))


def test_round_sums_merged_sums_gives_their_total():
    parts = np.array([[3.0, 32767.0, 0.0], [4.0, 32766.0, 0.0], [7.0, 31000.0, 0.0]], "float32")
    merged = ops.convert_to_numpy(round_sums(tensor(parts.sum(0, keepdims=True))))[0]
    assert merged == np.float32(14 * 65536 + 32767 + 32766 + 31000)
