import csv
import io
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg.evaluation import ContourScore, challenge_score, score_contour
from keras_lvseg.geometry import polygon_mask
from keras_lvseg.testing import mask_pairs

SHAPE, SPACING = (60, 70), (1.25, 1.6)


def circle(radius, centre=(35.0, 30.0)):
    """Return a circle in pixels, with a radius in mm and a centre in pixels."""
    angles = 2 * np.pi * np.arange(600) / 600
    return centre + radius * np.column_stack([np.cos(angles), np.sin(angles)]) / SPACING[::-1]


def score_of(mask, manual, slice=0, patient_id="A"):
    return score_contour(mask, manual, pixel_spacing=SPACING, patient_id=patient_id, slice=slice, phase=0)


def contour(apd, dice, patient_id="A", slice=0, areas=(100.0, 100.0, 90.0)):
    return ContourScore(patient_id, slice, 0, apd, dice, *areas)


def missing(patient_id="A", manual=50.0):
    return contour(math.inf, 0.0, patient_id, areas=(0.0, manual, 0.0))


@pytest.mark.parametrize(("automatic", "manual"), [(18, 22), (24, 20), (20, 20)])
def test_score_contour_of_concentric_discs_has_their_distance_dice_and_areas(automatic, manual):
    mask = polygon_mask(circle(automatic), SHAPE)
    score = score_of(mask, circle(manual))
    # The contour of the pixels deviates from the circle by up to half a pixel.
    assert score.apd_mm == pytest.approx(abs(automatic - manual), abs=0.1 if automatic != manual else 0.4)
    inner, outer = sorted((automatic**2, manual**2))
    assert score.dice == pytest.approx(2 * inner / (inner + outer), abs=0.01)
    assert score.automatic_mm2 == pytest.approx(np.pi * automatic**2, rel=0.01)
    assert score.manual_mm2 == pytest.approx(np.pi * manual**2, rel=0.01)
    assert score.common_mm2 == min(score.automatic_mm2, score.manual_mm2)
    assert not score.missing


def test_score_contour_of_an_empty_mask_is_missing_with_dice_zero():
    score = score_of(np.zeros(SHAPE, np.uint8), circle(20))
    assert score.missing
    assert (score.apd_mm, score.dice, score.automatic_mm2, score.common_mm2) == (math.inf, 0, 0, 0)
    assert score.manual_mm2 > 1000


def test_score_contour_of_an_empty_mask_and_a_subpixel_contour_has_dice_zero():
    speck = np.array([[5.1, 5.1], [5.3, 5.1], [5.2, 5.3]])
    assert score_of(np.zeros(SHAPE, bool), speck).dice == 0
    assert challenge_score([score_of(np.zeros(SHAPE, bool), speck)]).patients[0].dice_3d == 0


def test_score_contour_with_stray_components_and_holes_lowers_dice_but_not_apd():
    mask = polygon_mask(circle(18), SHAPE)
    spoilt = mask.copy()
    spoilt[30, 35] = False
    spoilt[2:5, 2:5] = True
    clean, dirty = score_of(mask, circle(20)), score_of(spoilt, circle(20))
    assert dirty.apd_mm == clean.apd_mm
    assert dirty.dice < clean.dice
    assert dirty.automatic_mm2 == pytest.approx(clean.automatic_mm2 + 8 * np.prod(SPACING))


@given(mask_pairs(SHAPE))
def test_score_contour_dice_equals_dice_of_the_pixels(pair):
    manual = circle(15)
    mask, inside = pair[0], polygon_mask(manual, SHAPE)
    expected = 2 * (mask & inside).sum() / (mask.sum() + inside.sum())
    score = score_of(mask, manual)
    assert score.dice == pytest.approx(expected)
    assert challenge_score([score]).patients[0].dice_3d == pytest.approx(expected)


def test_challenge_score_of_one_patient_equals_values_computed_by_hand():
    contours = [
        contour(1.0, 0.95, areas=(200.0, 220.0, 190.0)),
        contour(3.0, 0.85, areas=(100.0, 90.0, 80.0)),
        contour(8.0, 0.40, areas=(50.0, 60.0, 20.0)),
        missing(manual=30.0),
    ]
    (patient,) = challenge_score(contours).patients
    assert (patient.patient_id, patient.contours, patient.missing, patient.good) == ("A", 4, 1, 2)
    assert patient.good_percent == 50
    assert patient.good_dice == pytest.approx(0.90)
    assert patient.good_apd_mm == pytest.approx(2.0)
    assert patient.all_dice == pytest.approx((0.95 + 0.85 + 0.40) / 4)
    assert patient.all_apd_mm == math.inf
    assert patient.found_apd_mm == pytest.approx(4.0)
    assert patient.dice_3d == pytest.approx(2 * 290 / (350 + 400))


def test_challenge_score_with_apd_at_the_limit_is_not_good():
    contours = [contour(apd, 0.9) for apd in (3.999, 4.0, 4.999, 5.0, 5.001)]
    assert challenge_score(contours).patients[0].good == 3
    assert challenge_score(contours, good_below=4).patients[0].good == 1
    assert challenge_score(contours, good_below=4).good_below_mm == 4.0


def test_challenge_score_over_patients_weights_them_equally_and_has_the_sample_deviation():
    contours = [contour(1.0, 0.9, "B"), *(contour(2.0, 0.8, "A") for _ in range(9)), missing("A"), missing("C")]
    score = challenge_score(contours)
    assert [patient.patient_id for patient in score.patients] == ["B", "A", "C"]
    percent = score.overall["good_percent"]
    assert (percent.mean, percent.patients) == (pytest.approx((100 + 90 + 0) / 3), 3)
    assert percent.sd == pytest.approx(math.sqrt(sum((p - 190 / 3) ** 2 for p in (100, 90, 0)) / 2))
    assert score.overall["good_dice"].mean == pytest.approx(0.85)
    assert score.overall["good_dice"].patients == 2  # nothing of C's is good
    assert score.overall["good_apd_mm"].sd == pytest.approx(math.sqrt(0.5))
    assert score.overall["all_dice"].mean == pytest.approx((0.9 + 0.72 + 0) / 3)
    assert score.overall["all_apd_mm"].mean == math.inf
    assert math.isnan(score.overall["all_apd_mm"].sd)
    assert score.overall["found_apd_mm"].mean == pytest.approx(1.5)


def test_challenge_score_without_good_contours_has_undefined_figures():
    score = challenge_score([missing()])
    (patient,) = score.patients
    assert (patient.good_percent, patient.all_dice, patient.dice_3d) == (0, 0, 0)
    assert all(math.isnan(figure) for figure in (patient.good_dice, patient.good_apd_mm, patient.found_apd_mm))
    assert score.overall["good_dice"].patients == 0
    assert math.isnan(score.overall["good_dice"].mean)
    assert math.isnan(score.overall["all_dice"].sd)  # one patient


scores = st.builds(
    contour,
    apd=st.floats(0, 60),
    dice=st.floats(0.01, 1),
    patient_id=st.sampled_from("AB"),
    areas=st.tuples(st.floats(1, 500), st.floats(1, 500)).map(lambda sizes: (*sizes, min(sizes) / 2)),
)


@given(st.lists(scores, min_size=1, max_size=12), st.integers(0, 11), st.sampled_from([4.0, 5.0]))
def test_challenge_score_with_a_contour_removed_improves_only_figures_of_good_contours(contours, which, good_below):
    which %= len(contours)
    gone = replace(contours[which], apd_mm=math.inf, dice=0.0, automatic_mm2=0.0, common_mm2=0.0)
    before = challenge_score(contours, good_below=good_below)
    after = challenge_score([*contours[:which], gone, *contours[which + 1 :]], good_below=good_below)
    pairs = zip(before.patients, after.patients, strict=True)
    old, new = next((old, new) for old, new in pairs if old.patient_id == gone.patient_id)
    assert new.missing == old.missing + 1
    assert new.good_percent <= old.good_percent
    assert new.all_dice < old.all_dice
    assert new.all_apd_mm > old.all_apd_mm
    assert after.overall["all_dice"].mean < before.overall["all_dice"].mean
    assert after.overall["all_apd_mm"].mean > before.overall["all_apd_mm"].mean


@given(st.lists(scores, min_size=1, max_size=12), st.randoms())
def test_challenge_score_does_not_depend_on_the_order_of_contours(contours, random):
    shuffled = random.sample(contours, len(contours))
    before, after = challenge_score(contours), challenge_score(shuffled)
    for figure, expected in before.overall.items():
        assert after.overall[figure].mean == pytest.approx(expected.mean, nan_ok=True)
        assert after.overall[figure].patients == expected.patients


def test_challenge_score_rows_hold_plain_values_for_json_and_csv():
    contours = [contour(1.0, 0.9), contour(7.0, 0.5, slice=1), missing(), missing("B")]
    score = challenge_score(contours)
    text = json.dumps(score.as_dict(), allow_nan=False)
    assert json.loads(text) == score.as_dict()
    rows = score.contour_rows()
    assert [(row["apd_mm"], row["missing"], row["good"]) for row in rows] == [
        (1.0, False, True),
        (7.0, False, False),
        (None, True, False),
        (None, True, False),
    ]
    first, second = score.patient_rows()
    assert (first["all_apd_mm"], first["found_apd_mm"], first["missing"]) == (None, 4.0, 1)
    assert (second["good_dice"], second["all_dice"]) == (None, 0.0)
    assert score.as_dict()["overall"]["good_percent"]["patients"] == 2
    table = io.StringIO()
    csv.DictWriter(table, first).writerow(second)
    assert table.getvalue() == "B,1,1,0,0.0,,,0.0,,,0.0\r\n"


def test_challenge_score_with_an_invalid_argument_raises():
    with pytest.raises(ValueError, match=r"`contours`. Expected one score or more"):
        challenge_score([])
    for bad in (0, -1, math.nan, math.inf):
        with pytest.raises(ValueError, match=r"`good_below`. Expected a positive number of mm"):
            challenge_score([contour(1, 1)], good_below=bad)
    with pytest.raises(ValueError, match=r"`mask.shape`. Expected 2 axes"):
        score_of(np.zeros((3, 3, 3)), circle(20))
    with pytest.raises(ValueError, match=r"`mask`. Expected booleans"):
        score_of(np.full(SHAPE, 2), circle(20))
    with pytest.raises(ValueError, match=r"`manual.shape`. Expected three or more"):
        score_of(np.zeros(SHAPE), circle(20)[:2])
