import math

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from keras_lvseg.evaluation import VolumeCalibration, fit_volume_calibration, volume_crps


def draw_volumes(count, seed, noise=stats.norm):
    """Measured volumes, and true ones by a known line and a known spread."""
    rng = np.random.default_rng(seed)
    measured = rng.gamma(9, 18, count)
    mean = 10 + 0.9 * measured
    return measured, mean + (3 + 0.05 * mean) * noise.rvs(size=count, random_state=rng)


def test_fit_recovers_the_parameters_of_many_volumes():
    fitted = fit_volume_calibration(*draw_volumes(20_000, seed=0))
    assert fitted.offset_ml == pytest.approx(10, abs=1)
    assert fitted.factor == pytest.approx(0.9, abs=0.01)
    assert fitted.sd_offset_ml == pytest.approx(3, abs=1)
    assert fitted.sd_factor == pytest.approx(0.05, abs=0.01)


def normal_crps(mean, sd, true):
    """The closed form of the CRPS of a normal distribution, by SciPy's distribution."""
    z = (true - mean) / sd
    return sd * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / math.sqrt(math.pi))


@pytest.mark.parametrize(("mean", "sd", "true"), [(100, 10, 100), (100, 3, 130), (80, 20, 65)])
def test_closed_form_equals_the_integral(mean, sd, true):
    below, _ = integrate.quad(lambda v: stats.norm.cdf(v, mean, sd) ** 2, -200, true, points=[mean], limit=200)
    above, _ = integrate.quad(lambda v: stats.norm.sf(v, mean, sd) ** 2, true, 400, points=[mean], limit=200)
    assert normal_crps(mean, sd, true) == pytest.approx(below + above, rel=1e-6)


@pytest.mark.parametrize("count", [6, 40])
def test_fit_has_the_least_crps_that_a_global_search_finds(count):
    measured, true = draw_volumes(count, seed=count, noise=stats.t(4))

    def score(parameters):
        offset, factor, sd_offset, sd_factor = parameters
        mean = offset + factor * measured
        return normal_crps(mean, sd_offset + sd_factor * np.maximum(mean, 0), true).mean()

    fitted = fit_volume_calibration(measured, true)
    own = score((fitted.offset_ml, fitted.factor, fitted.sd_offset_ml, fitted.sd_factor))
    limits = [(-100, 100), (0, 2), (0.5, 40), (0, 0.5)]
    best = optimize.differential_evolution(score, limits, seed=0, maxiter=200, tol=1e-9).fun
    assert own == pytest.approx(best, rel=1e-3)


def test_fit_of_perfect_volumes_is_as_sharp_as_a_step_allows():
    true = np.array([60.0, 90, 120, 150, 200, 260])
    fitted = fit_volume_calibration(1.25 * true - 20, true)  # a wrong scale and offset
    assert (fitted.sd_offset_ml, fitted.sd_factor) == (0.5, 0)
    assert volume_crps(fitted.distributions(1.25 * true - 20), true).max() < 1 / 600


@pytest.mark.parametrize(("factor", "shift"), [(1, 50), (0.5, 0), (2, -30)])
def test_fit_undoes_a_linear_change_of_the_measured_volumes(factor, shift):
    measured, true = draw_volumes(50, seed=3)
    plain = fit_volume_calibration(measured, true).distributions(measured)
    changed = factor * measured + shift
    np.testing.assert_allclose(fit_volume_calibration(changed, true).distributions(changed), plain, atol=2e-3)


@pytest.mark.parametrize("measured", [[100.0] * 6, [200.0, 180, 160, 140, 120, 100]], ids=["equal", "reversed"])
def test_fit_of_volumes_that_say_nothing_gives_every_study_the_same_distribution(measured):
    true = np.array([60.0, 80, 100, 120, 140, 160])
    rows = fit_volume_calibration(measured, true).distributions(measured)
    np.testing.assert_allclose(rows, rows[:1].repeat(6, axis=0), atol=1e-6)
    assert rows[0, 110] == pytest.approx(0.5, abs=0.1)


def test_unknown_volume_has_the_distribution_of_the_true_volumes():
    measured, true = draw_volumes(30, seed=1)
    measured[:3] = math.nan
    fitted = fit_volume_calibration(measured, true)
    np.testing.assert_allclose(
        fitted.distributions([math.nan])[0], stats.norm.cdf(np.arange(600), true.mean(), true.std()), atol=1e-12
    )


def test_distributions_never_fall_and_stay_in_bounds():
    calibration = VolumeCalibration(-80.0, 1.3, 2.0, 0.1, unknown_mean_ml=160.0, unknown_sd_ml=50.0)
    rows = calibration.distributions([0.0, 50.0, 590.0, 5000.0, math.nan])
    assert rows.shape == (5, 600)
    assert (np.diff(rows) >= 0).all()
    assert ((rows >= 0) & (rows <= 1)).all()


@pytest.mark.parametrize(
    ("measured", "true"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4]),
        ([1, 2, 3, 4, math.nan], [1, 2, 3, 4, 5]),
        ([1, 2, 3, 4, 5], [1, 2, 3, 4, math.nan]),
        ([1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6]),
    ],
)
def test_fit_of_too_few_or_unusable_volumes_raises(measured, true):
    with pytest.raises(ValueError, match="Invalid value for argument"):
        fit_volume_calibration(measured, true)
