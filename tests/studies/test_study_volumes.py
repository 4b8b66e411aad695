import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from keras_lvseg.studies.study import Study
from keras_lvseg.studies.study_volumes import study_volumes
from tests.inference.planted import frame

# Pixels of the mask in each slice (rows) and phase (columns).
COUNTS = st_numpy.arrays(np.int64, st.tuples(st.integers(2, 5), st.integers(1, 5)), elements=st.integers(0, 900))


def study_of(counts, present=None, slice_spacing=8.0, spacing=(1.5, 1.25), geometry_error=None):
    """Return a study with shuffled frames, and the mask pixels of each."""
    places = [place for place in np.ndindex(counts.shape) if present is None or present[place]]
    np.random.default_rng(0).shuffle(places)
    frames = tuple(
        frame(Path(f"{s}-{p}"), slice=s, phase=p, slice_spacing=slice_spacing, pixel_spacing=spacing) for s, p in places
    )
    return Study("heart", frames, geometry_error), [int(counts[tuple(place)]) for place in places]


@given(COUNTS, st.floats(0.5, 20), st.tuples(st.floats(0.5, 3), st.floats(0.5, 3)))
def test_study_volumes_of_whole_study_equal_its_solid(counts, slice_spacing, spacing):
    volumes = study_volumes(*study_of(counts, None, slice_spacing, spacing))
    millilitres = counts.sum(axis=0) * spacing[0] * spacing[1] * slice_spacing / 1000
    np.testing.assert_allclose([phase.volume_ml for phase in volumes.phases], millilitres)
    assert [phase.slices_with_mask for phase in volumes.phases] == (counts > 0).sum(axis=0).tolist()
    if counts.shape[1] < 2 or not counts.any():
        assert volumes.ed is volumes.es is volumes.ejection_fraction is None
        assert volumes.problem
        return
    assert volumes.problem is None
    np.testing.assert_allclose([volumes.ed.volume_ml, volumes.es.volume_ml], [millilitres.max(), millilitres.min()])
    ejected = 100 * (1 - millilitres.min() / millilitres.max())
    np.testing.assert_allclose(volumes.ejection_fraction, ejected, atol=1e-9)


@given(COUNTS, st.data())
def test_study_volumes_ed_and_es_need_all_slices(counts, data):
    present = data.draw(st_numpy.arrays(bool, counts.shape))
    present[:, 0] = True  # so that every slice is there at some phase
    volumes = study_volumes(*study_of(counts, present))
    whole = np.flatnonzero(present.all(axis=0))
    assert [phase.phase for phase in volumes.phases] == np.flatnonzero(present.any(axis=0)).tolist()
    assert [phase.slices for phase in volumes.phases] == [n for n in present.sum(axis=0).tolist() if n]
    if len(whole) < 2:
        assert volumes.ed is None
        ed_and_es_need = (
            f"{len(whole)} of its phases have all {len(counts)} slices" if present[:, 1:].any() else "one phase"
        )
        assert ed_and_es_need in volumes.problem
    elif counts[:, whole].any():
        totals = counts.sum(axis=0)
        assert totals[volumes.ed.phase] == totals[whole].max()
        assert totals[volumes.es.phase] == totals[whole].min()


@pytest.mark.parametrize(
    ("study", "problem"),
    [
        (study_of(np.ones((1, 3), int)), "it is one slice"),
        (study_of(np.ones((3, 2), int), slice_spacing=None), "the slice spacing is unknown"),
        (study_of(np.ones((3, 2), int), slice_spacing=0.0), "the slice spacing is unknown"),
        (study_of(np.ones((3, 2), int), geometry_error="1.dcm: is not parallel"), "1.dcm: is not parallel"),
    ],
)
def test_study_volumes_without_stack_names_problem(study, problem):
    volumes = study_volumes(*study)
    assert volumes.phases == ()
    assert volumes.ed is volumes.es is volumes.ejection_fraction is None
    assert re.search(problem, volumes.problem)


def test_study_volumes_missing_slice_is_shared_by_its_neighbours():
    counts = np.array([[100, 50], [0, 0], [100, 50], [80, 40]])
    volumes = study_volumes(*study_of(counts, counts > 0))
    # Slices 0, 2 and 3 stand for 16, 12 and 8 mm.
    expected = (100 * 16 + 100 * 12 + 80 * 8) * 1.5 * 1.25 / 1000
    assert volumes.edv_ml == pytest.approx(expected)
    assert [flag.code for flag in volumes.flags] == ["missing-slices"]
    assert volumes.problem is None


def test_study_volumes_mass_is_that_of_the_myocardium_at_end_diastole():
    counts, wall = np.array([[200, 90], [200, 90]]), np.array([[300, 400], [100, 500]])
    study, pixels = study_of(counts)
    own = [int(wall[frame.slice, frame.phase]) for frame in study.frames]
    volumes = study_volumes(study, pixels, own)
    assert volumes.myocardial_mass_g == pytest.approx(1.05 * 400 * 1.5 * 1.25 * 8 / 1000)
    assert study_volumes(study, pixels).myocardial_mass_g is None


def test_study_volumes_missing_end_slices_are_ignored():
    counts = np.array([[0, 0], [4, 2], [6, 3], [0, 0]])
    volumes = study_volumes(*study_of(counts, np.array([[0, 0], [1, 1], [1, 1], [0, 0]])))
    assert (volumes.ejection_fraction, volumes.ed.phase, volumes.ed.slices_with_mask) == (50.0, 0, 2)
