import numpy as np
import pytest

from keras_lvseg.phantom.anatomy import ANGLES, KINDS, PHASES, Heart, sample_heart


@pytest.fixture(params=[(kind, seed) for kind in KINDS for seed in range(5)], ids=str)
def heart(request) -> Heart:
    kind, seed = request.param
    return sample_heart(np.random.default_rng(seed), kind)


def middle(heart: Heart, phase: int):
    return heart.slice_borders(0.45 * heart.length, 8.0, phase)


def test_volume_is_largest_at_ed_and_smallest_at_es(heart):
    volumes = [heart.volume(phase) for phase in range(PHASES)]
    assert volumes[heart.ed_phase] == pytest.approx(heart.edv)
    assert volumes[heart.es_phase] == pytest.approx(heart.esv)
    assert int(np.argmax(volumes)) == heart.ed_phase
    assert int(np.argmin(volumes)) == heart.es_phase


def test_slab_area_of_thin_slabs_sums_to_the_volume(heart):
    for phase in (heart.ed_phase, heart.es_phase, 3):
        heights = np.arange(-5.125, heart.length + 5, 0.25)
        volume = sum(heart.slab_area(z, 0.25, phase) for z in heights) * 0.25 / 1000
        assert volume == pytest.approx(heart.volume(phase), rel=1e-6)


def test_slice_borders_enclose_the_slab_area(heart):
    for phase in (heart.ed_phase, heart.es_phase):
        for z in np.arange(0.0, heart.length, 6.0):
            if not heart.is_contoured(z, 8.0, phase):
                continue
            x, y = heart.slice_borders(z, 8.0, phase).points("cavity").T
            polygon = np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) / 2
            assert polygon == pytest.approx(heart.slab_area(z, 8.0, phase), rel=1e-3)


def test_slice_borders_in_systole_have_a_thicker_wall_and_a_lower_base(heart):
    ed, es = (middle(heart, phase) for phase in (heart.ed_phase, heart.es_phase))
    assert (es.wall - es.cavity).mean() > 1.05 * (ed.wall - ed.cavity).mean()
    assert heart.base(heart.ed_phase) == 0 < heart.base(heart.es_phase)


def test_slice_borders_taper_to_the_apex(heart):
    radii = [heart.slice_borders(f * heart.length, 8.0, heart.ed_phase).cavity.mean() for f in (0.5, 0.7, 0.9, 1.2)]
    assert radii[0] > radii[1] > radii[2] > radii[3] == 0


def test_slice_borders_are_closed_and_nested(heart):
    for z in np.arange(-20.0, heart.length + 25, 5.0):
        borders = heart.slice_borders(z, 10.0, 5)
        assert borders.cavity.shape == borders.wall.shape == borders.right.shape == ANGLES.shape
        assert (borders.cavity >= 0).all()
        assert (borders.wall > borders.cavity + 1).all()
        assert (borders.right >= borders.wall).all()
        for radius in (borders.cavity, borders.wall, borders.right):
            assert radius[0] == pytest.approx(radius[-1])


def test_is_contoured_of_a_slab_beyond_the_cavity_is_false(heart):
    assert not heart.is_contoured(3.0, 8.0, heart.ed_phase)
    assert heart.is_contoured(0.5 * heart.length, 8.0, heart.ed_phase)
    assert not heart.is_contoured(heart.length - 3.0, 8.0, heart.ed_phase)
