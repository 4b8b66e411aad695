import numpy as np
import pytest

from keras_lvseg.studies.end_phases import end_phases


def beat(phases=20, es=7.0):
    """Return a curve with a sharp systole and a slow filling, as hearts have."""
    at = np.arange(phases) / phases
    systole = es / 20
    phase = np.where(at < systole, at / systole / 2, 0.5 + (at - systole) / (1 - systole) / 2)
    return 110 + 40 * np.cos(2 * np.pi * phase)


@pytest.mark.parametrize("phases", [8, 12, 20, 25, 30])
def test_end_phases_of_a_plain_curve_are_its_extremes(phases):
    curve = beat(phases)
    assert end_phases(curve) == (curve.argmax(), curve.argmin())


@pytest.mark.parametrize("place", range(20))
@pytest.mark.parametrize("wrong", [0.0, 0.7, 1.4, 3.0])
def test_end_phases_are_not_moved_by_one_wrong_volume(place, wrong):
    curve = beat()
    right = curve.argmax(), curve.argmin()
    curve[place] *= wrong
    found = end_phases(curve)
    for own, expected in zip(found, right, strict=True):
        assert min((own - expected) % 20, (expected - own) % 20) <= 1
    assert abs(beat()[found[0]] / 150 - 1) < 0.03


@pytest.mark.parametrize("shift", [1, 9])
def test_end_phases_of_a_shifted_curve_are_shifted(shift):
    curve = beat() + np.random.default_rng(0).normal(0, 2, 20)
    assert end_phases(np.roll(curve, shift)) == tuple((phase + shift) % 20 for phase in end_phases(curve))


def test_end_phases_of_a_flat_top_take_its_largest_volume():
    assert end_phases([2986, 2744, 2303, 1710, 1584, 2137, 2722, 2930, 3002, 3213]) == (9, 4)


def test_end_phases_of_a_sharp_systole_take_its_smallest_volume():
    assert end_phases([2733, 2593, 2238, 1840, 1445, 1864, 2179, 2496, 2525, 2607]) == (0, 4)


@pytest.mark.parametrize("noise", [0.005, 0.01])
def test_end_phases_under_noise_are_nearer_than_the_extremes(noise):
    rng, right = np.random.default_rng(0), np.array([0, 7])
    curves = beat() + noise * 150 * rng.standard_normal((200, 20))
    found = np.array([end_phases(curve) for curve in curves])
    extremes = np.stack([curves.argmax(1), curves.argmin(1)], axis=1)
    own, plain = (np.minimum((p - right) % 20, (right - p) % 20).mean(0) for p in (found, extremes))
    assert (own < 0.85 * plain).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_end_phases_of_a_plateau_are_its_middle(sign):
    curve = [215, 211, 206, 202, 198, 196, 196, 196, 198, 202, 206, 211, 215, 220, 226, 234, 236, 235.6, 235, 222]
    found = end_phases(np.array(curve) if sign == 1 else 400 - np.array(curve))[::sign]
    assert found == (17, 6)


def test_end_phases_of_few_phases_are_the_extremes():
    assert end_phases([3.0, 9.0, 1.0]) == (1, 2)
    assert end_phases([5.0, 2.0]) == (0, 1)


def test_end_phases_of_a_constant_curve_are_phases():
    assert all(0 <= phase < 20 for phase in end_phases([7.0] * 20))
