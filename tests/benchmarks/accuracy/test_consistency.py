import re

import numpy as np
import pytest

from benchmarks.accuracy.cached_studies import CachedStudy
from benchmarks.accuracy.consistency import (
    ablation_lines,
    beyond,
    empty_lines,
    image_lines,
    slice_lines,
    volume_error,
    volume_lines,
)
from keras_lvseg import SAXDataset
from keras_lvseg.data.labels import draw_label
from keras_lvseg.geometry import CONTOUR_ORIGIN
from keras_lvseg.phantom import write_phantom
from keras_lvseg.phantom.phantom_patient import PhantomPatient
from keras_lvseg.studies import Study


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    root = tmp_path_factory.mktemp("contoured")
    write_phantom(root, patients=1, frames="contoured")
    return SAXDataset(root).patients[0]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    root = tmp_path_factory.mktemp("whole")
    write_phantom(root, patients=1)
    return SAXDataset(root).patients[0]


def case_of(patient, lost=lambda frame: False):
    """Return a study with the expert's masks, some of which are replaced by an uncertain one in a corner.

    Phases near to end-systole have its masks, all others those of end-diastole.
    """
    places = {(f.slice, f.phase): f for f in patient.frames if f.endocardium is not None}
    foregrounds = []
    for frame in patient.frames:
        phase = patient.es_phase if abs(frame.phase - patient.es_phase) < 3 else patient.ed_phase
        own = np.full((1, *frame.shape), 0.01, np.float32)
        if lost(frame):
            own[:, :30, :30] = 0.7
        elif (frame.slice, phase) in places:
            own[0, draw_label(places[frame.slice, phase], "endocardium", CONTOUR_ORIGIN) == 1] = 0.98
        foregrounds.append(own)
    return CachedStudy(Study(patient.patient_id, patient.frames), foregrounds, foregrounds)


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def numbers(text):
    return [int(number) for number in re.findall(r"\d+", text)]


@pytest.mark.slow
def test_empty_lines_count_masks_before_and_after(whole):
    contoured = {frame.slice for frame in whole.frames if frame.endocardium is not None}
    outlined = sum(frame.endocardium is not None for frame in whole.frames)
    empty = sum(frame.slice not in contoured for frame in whole.frames)
    assert min(empty, outlined) > 0
    wrong = case_of(whole, lost=lambda frame: frame.slice not in contoured)
    right = [(whole, case_of(whole))]
    lines = empty_lines({"with organs": [(whole, wrong)], "expert, twice": 2 * right}, {})
    assert numbers(lines[-2]) == [empty, empty, 0, outlined, outlined, outlined]
    assert numbers(lines[-1]) == [2 * empty, 0, 0, *[2 * outlined] * 3]
    truth = beyond(PhantomPatient(0, 0), whole.phases)
    drawn = sum((frame.slice, frame.phase) in truth for frame in whole.frames if frame.endocardium is not None)
    lines = empty_lines({"with organs": [(whole, wrong)]}, {whole.patient_id: truth})
    assert drawn == 0
    assert 0 < numbers(lines[-1])[0] == len(truth)


@pytest.mark.slow
def test_volumes_of_the_experts_own_masks_show_no_error(whole):
    cases = {"expert": [(whole, case_of(whole))]}
    own = [line for line in volume_lines(cases) if "| expert | together | " in line]
    manual = pytest.approx([whole.edv_ml, whole.esv_ml], abs=1)  # contours against pixels
    edv, esv = own[0].split("|")[4:6]
    assert [numbers(edv)[0], numbers(esv)[0]] == manual
    assert numbers(edv)[1] <= 1
    assert numbers(esv)[1] <= 2
    by_slice = numbers("|".join(cells(slice_lines(cases)[-1])[2:]))
    assert [by_slice[0], by_slice[3]] == manual
    assert [by_slice[1], by_slice[4]] == manual
    assert by_slice[2] == by_slice[5] == 0
    (pair,) = {*cells(ablation_lines(cases)[-1])[2:]}
    assert numbers(pair) == manual


@pytest.mark.slow
def test_volumes_of_masks_in_the_corner_of_a_slice_change_with_the_axis(whole):
    case = case_of(whole, lambda frame: frame.slice == 0)
    row = cells(ablation_lines({"spoilt": [(whole, case)]})[-1])
    assert row[2] != row[3] == row[-1]


def test_images_of_the_experts_own_masks_have_a_dice_of_1(patient):
    case = case_of(patient)
    lines = image_lines({"expert": [case]})
    count = len(case.study.frames)
    assert cells(lines[3]) == ["expert", str(count), "1.0000", "1.0000", "0"]
    assert cells(lines[5])[1:] == ["expert: of 0 wrong", f"of {count} right"]
    assert all(cells(row)[1:] == ["0 %", "0.0 %"] for row in lines[7:13])
    assert cells(lines[-1])[1::2] == ["0", "1"]


def test_images_with_a_mask_in_the_corner_show_it_removed_wrong_and_uncertain(patient):
    case = case_of(patient, lambda frame: (frame.slice, frame.phase) == (4, patient.ed_phase))
    lines = image_lines({"spoilt": [case]})
    count = len(case.study.frames)
    assert cells(lines[3])[2:] == [f"{(count - 1) / count:.4f}"] * 2 + ["1"]
    assert cells(lines[5])[1:] == ["spoilt: of 1 wrong", f"of {count - 1} right"]
    assert cells(lines[7]) == ["0.80", "100 %", "0.0 %"]


def test_volume_error_is_that_of_the_worst_phase(patient):
    case = case_of(patient)
    frames = case.study.frames
    labels = [draw_label(frame, "endocardium", CONTOUR_ORIGIN) for frame in frames]
    assert volume_error(case.study, labels, labels) == 0
    half = [label * (frame.phase != patient.es_phase) for frame, label in zip(frames, labels, strict=True)]
    assert volume_error(case.study, half, labels) == 1
    labels[0] = None
    assert volume_error(case.study, [np.ones_like(half[0]), *half[1:]], labels) == 1
