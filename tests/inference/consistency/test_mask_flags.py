import numpy as np
import pytest

from keras_lvseg.inference.consistency.mask_flags import mask_flags
from keras_lvseg.studies import Study
from keras_lvseg.studies.study_volumes import study_volumes
from tests.inference.consistency.disc_stack import HEART, STOMACH, DiscStack


def flags_of(stack, certainty=0.97, changes=None, **options):
    study = Study("P1", stack.frames)
    masks = [(stack.cavity[frame.slice, frame.phase] > 0.5).astype(np.uint8) for frame in stack.frames]
    certainties = [certainty if mask.any() else None for mask in masks]
    volumes = study_volumes(study, [int(mask.sum()) for mask in masks])
    changes = changes or [None] * len(masks)
    return {flag.code: flag for flag in mask_flags(study, masks, certainties, volumes, changes=changes, **options)}


def test_mask_flags_of_a_plain_heart_are_none():
    assert flags_of(DiscStack()) == {}


def test_mask_flags_off_axis_names_the_image():
    stack = DiscStack()
    stack.clear(4, 3)
    stack.draw(4, 3, STOMACH, 9)
    flag = flags_of(stack)["off-axis"]
    assert flag.images == ((4, 3),)
    assert flag.reason == "masks are more than 25 mm from the axis of the others: slice 4 (phase 3)"


def test_mask_flags_empty_slice_in_the_middle_is_a_hole_and_empty():
    stack = DiscStack()
    for phase in range(stack.phases):
        stack.clear(4, phase)
    flags = flags_of(stack)
    assert flags["holes"].images == flags["empty-middle"].images == tuple((4, phase) for phase in range(10))
    assert flags["holes"].reason.endswith("slice 4 (phase 0-9)")


def test_mask_flags_empty_slices_at_both_ends_are_none():
    stack = DiscStack(10)
    for phase in range(stack.phases):
        for slice_ in (0, 9):
            stack.clear(slice_, phase)
    assert flags_of(stack) == {}


def test_mask_flags_jumps_between_phases_and_slices():
    stack = DiscStack()
    stack.draw(4, 6, HEART, 22)
    flags = flags_of(stack)
    assert flags["phase-jump"].images == flags["slice-jump"].images == ((4, 6),)


def test_mask_flags_few_slices():
    flag = flags_of(DiscStack(4))["few-slices"]
    assert flag.reason == "slices with a mask in phase 0: 4; a whole ventricle has 5 or more"


@pytest.mark.parametrize(("factor", "flagged"), [(1.0, False), (0.3, True)])
def test_mask_flags_unusual_volume(factor, flagged):
    stack = DiscStack()
    stack.cavity[:] = 0.01
    for s in range(8):
        for p in range(10):
            stack.draw(s, p, HEART, factor * stack.radius(s, p))
    assert ("unusual-volume" in flags_of(stack)) == flagged


@pytest.mark.parametrize(("certainty", "flagged"), [(0.91, True), (0.93, False)])
def test_mask_flags_uncertain_names_the_images_of_ed_and_es(certainty, flagged):
    flags = flags_of(DiscStack(), certainty)
    assert [*flags] == ["uncertain"] * flagged
    if flagged:
        assert flags["uncertain"].images == tuple((s, p) for s in range(8) for p in (0, 5))


def test_mask_flags_uncertain_takes_the_certainty_of_the_network():
    assert [*flags_of(DiscStack(), 0.91, uncertain=0.9)] == []
    flags = flags_of(DiscStack(), 0.97, uncertain=0.98)
    assert flags["uncertain"].reason.startswith("masks with a mean probability under 0.98 make more than 10% of a vol")


def test_mask_flags_resolved_masks_of_es():
    stack = DiscStack()
    changes = ["resolved" if frame.phase == 5 else None for frame in stack.frames]
    assert flags_of(stack, changes=changes)["resolved"].images == tuple((s, 5) for s in range(8))
    assert "resolved" in flags_of(stack, changes=["resolved" if f.phase == 9 else None for f in stack.frames])
    assert flags_of(stack, changes=["resolved" if f.phase == 2 else None for f in stack.frames]) == {}
