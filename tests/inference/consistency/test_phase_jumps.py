import numpy as np
import pytest

from keras_lvseg.inference.consistency.cavity import Cavity
from keras_lvseg.inference.consistency.phase_jumps import phase_jumps


def beat(phases=20, ejection=0.65):
    areas = 1500 * (1 - ejection / 2 + ejection / 2 * np.cos(2 * np.pi * np.arange(phases) / phases))
    return [Cavity(float(area), (0.0, 0.0), 0.97, float(area), (0, 0)) for area in areas]


@pytest.mark.parametrize("phases", [10, 20, 30])
def test_phase_jumps_of_a_beating_heart_are_none(phases):
    assert phase_jumps(beat(phases)) == []


@pytest.mark.parametrize("place", [0, 7, 19])
@pytest.mark.parametrize("wrong", [None, Cavity(3000, (0, 0), 0.9, 1, (0, 0)), Cavity(1000, (0, 30), 0.9, 1, (0, 0))])
def test_phase_jumps_finds_one_wrong_phase(place, wrong):
    cavities = beat()
    cavities[place] = wrong
    assert phase_jumps(cavities) == [place]


def test_phase_jumps_leaves_a_cavity_that_vanishes_for_half_of_the_beat():
    assert phase_jumps([*beat()[:10], *[None] * 10]) == []


def test_phase_jumps_needs_five_phases():
    assert phase_jumps([beat()[0], None, beat()[0], beat()[0]]) == []
    assert phase_jumps([None] * 20) == []
