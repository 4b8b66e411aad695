from dataclasses import replace

import numpy as np
import pytest

from keras_lvseg.inference.consistency.one_heart import keep_one_heart
from keras_lvseg.inference.postprocess import keep_best_component
from tests.inference.consistency.disc_stack import HEART, SIZE, SPACING, STOMACH, DiscStack


def decide(stack, order=None):
    order = range(len(stack.frames)) if order is None else order
    frames = [stack.frames[i] for i in order]
    spacings = [(SPACING, SPACING)] * len(frames)
    return keep_one_heart(frames, lambda i: stack.probabilities(order[i]), spacings=spacings)


def alone(stack):
    return [keep_best_component(stack.probabilities(i)) for i in range(len(stack.frames))]


def spoiled():
    """Return a stack with a stomach, a lost mask, a wrong area, and a slice beyond the base."""
    stack = DiscStack()
    for phase in range(stack.phases):
        stack.clear(0, phase)
        stack.draw(0, phase, STOMACH, 9)
    stack.draw(4, 2, STOMACH, 7)
    stack.draw(4, 3, STOMACH, 11)
    stack.clear(3, 5)
    stack.draw(5, 7, HEART, 20)
    return stack


@pytest.mark.parametrize(("slices", "phases"), [(8, 10), (8, 2), (8, 1), (1, 10), (2, 2)])
def test_keep_one_heart_of_a_consistent_stack_changes_nothing(slices, phases):
    stack = DiscStack(slices, phases)
    result = decide(stack)
    assert set(result.changes) == {None}
    np.testing.assert_array_equal(result.masks, alone(stack))
    np.testing.assert_allclose(result.certainties, 0.98)


def test_keep_one_heart_takes_the_component_near_the_axis_and_not_the_larger_one():
    stack = DiscStack()
    stack.draw(4, 3, STOMACH, 11)
    expected = DiscStack().areas(alone(DiscStack()))
    assert stack.areas(alone(stack))[4, 3] != expected[4, 3]
    result = decide(stack)
    np.testing.assert_array_equal(stack.areas(result.masks), expected)
    assert [frame for frame, change in zip(stack.frames, result.changes, strict=True) if change] == [stack.frames[43]]
    assert result.changes[43] == "moved"


@pytest.mark.parametrize("phases", [10, 2])
def test_keep_one_heart_removes_slices_that_hold_other_organs_only(phases):
    stack = DiscStack(phases=phases)
    for slice_ in (0, 7):
        for phase in range(phases):
            stack.clear(slice_, phase)
            stack.draw(slice_, phase, STOMACH, 9)
    areas = stack.areas(decide(stack).masks)
    assert not areas[[0, 7]].any()
    assert areas[1:7].all()


@pytest.mark.parametrize("value", [0.7, 0.98])
def test_keep_one_heart_keeps_an_uncertain_slice_in_the_middle_and_not_at_the_end(value):
    stack = DiscStack()
    for slice_ in (0, 4):
        for phase in range(stack.phases):
            stack.clear(slice_, phase)
            stack.draw(slice_, phase, HEART, 9, value)
    areas = stack.areas(decide(stack).masks)
    assert areas[4].all()
    assert areas[0].any() == (value > 0.8)


@pytest.mark.parametrize("value", [0.52, 0.6])
def test_keep_one_heart_of_two_phases_keeps_an_end_slice_with_one_right_mask(value):
    stack = DiscStack(phases=2)
    stack.draw(0, 1, HEART, 12, value)
    assert stack.areas(decide(stack).masks)[0].all()
    stack.draw(0, 0, HEART, 12, value)
    assert not stack.areas(decide(stack).masks)[0].any()


@pytest.mark.parametrize("value", [0.85, 0.98])
def test_keep_one_heart_removes_an_end_slice_with_one_uncertain_mask_in_ten_phases(value):
    stack = DiscStack()
    for phase in range(stack.phases):
        stack.clear(0, phase)
    stack.draw(0, 0, HEART, 12, value)
    result = decide(stack)
    assert stack.areas(result.masks)[0].any() == (value > 0.9)
    assert result.changes.count("removed") == (value < 0.9)


@pytest.mark.parametrize("follows", [True, False])
def test_keep_one_heart_removes_a_slice_at_the_base_whose_area_does_not_follow_the_volume(follows):
    stack = DiscStack()
    volumes = stack.areas(alone(stack)).sum(axis=0)
    widest = np.argsort(np.argsort(volumes if follows else -volumes))
    for phase in range(stack.phases):
        stack.clear(0, phase)
        stack.draw(0, phase, HEART, 8 + widest[phase] / 4)
    areas = stack.areas(decide(stack).masks)
    assert areas[0].all() == areas[0].any() == follows
    assert areas[1:].all()


@pytest.mark.parametrize("phases", [1, 4])
def test_keep_one_heart_knows_the_base_with_a_few_small_masks_above_it(phases):
    stack = DiscStack()
    for phase in range(stack.phases):
        stack.clear(0, phase)
        stack.clear(7, phase)
        stack.draw(7, phase, HEART, 14 - stack.radius(7, phase))  # only the base has to contract
        if phase < phases:
            stack.draw(0, phase, HEART, 2, 0.52)
    areas = stack.areas(decide(stack).masks)
    assert not areas[0].any()
    assert areas[1:].all()


def test_keep_one_heart_leaves_the_base_empty_where_the_heart_has_moved_out_of_the_slice():
    stack = DiscStack()
    stack.clear(0, 5)
    result = decide(stack)
    assert set(result.changes) == {None}
    assert not result.masks[5].any()


@pytest.mark.parametrize("spoil", ["lost", "shrunk", "elsewhere"])
def test_keep_one_heart_resolves_a_ruined_phase_from_the_phases_around_it(spoil):
    stack, right = DiscStack(), DiscStack()
    for slice_ in range(stack.slices):
        stack.clear(slice_, 4)
        if spoil == "shrunk":
            stack.draw(slice_, 4, HEART, 3)
        elif spoil == "elsewhere":
            stack.draw(slice_, 4, STOMACH, 8)
    result = decide(stack)
    areas, expected = stack.areas(result.masks), right.areas(alone(right))
    np.testing.assert_array_equal(np.delete(areas, 4, 1), np.delete(expected, 4, 1))
    assert abs(areas[:, 4].sum() / expected[:, 4].sum() - 1) < 0.08
    assert result.changes.count("resolved") == stack.slices


def test_keep_one_heart_does_not_resolve_two_phases():
    stack = DiscStack(phases=2)
    stack.clear(3, 1)
    assert set(decide(stack).changes) == {None}


def test_keep_one_heart_does_not_depend_on_the_order_of_the_frames():
    stack = spoiled()
    order = [int(i) for i in np.random.default_rng(1).permutation(len(stack.frames))]
    forward, shuffled = decide(stack), decide(stack, order)
    assert len(set(forward.changes)) > 2
    np.testing.assert_array_equal(np.array(forward.masks)[order], shuffled.masks)
    assert [forward.changes[i] for i in order] == shuffled.changes


@pytest.mark.parametrize("shift", [1, 4])
def test_keep_one_heart_of_shifted_phases_has_shifted_masks(shift):
    stack, later = spoiled(), spoiled()
    later.cavity = np.roll(stack.cavity, shift, axis=1)
    masks, shifted = (np.reshape(decide(own).masks, stack.cavity.shape) for own in (stack, later))
    np.testing.assert_array_equal(np.roll(masks, shift, axis=1), shifted)


@pytest.mark.parametrize("axis", [2, 3])
def test_keep_one_heart_of_mirrored_images_has_mirrored_masks(axis):
    stack, mirrored = spoiled(), spoiled()
    mirrored.cavity = np.flip(stack.cavity, axis)
    masks, others = (np.reshape(decide(own).masks, stack.cavity.shape) for own in (stack, mirrored))
    np.testing.assert_array_equal(np.flip(masks, axis), others)


def test_keep_one_heart_of_slices_from_apex_to_base_has_the_same_masks():
    stack, turned = spoiled(), spoiled()
    turned.cavity = stack.cavity[::-1]
    masks, others = (np.reshape(decide(own).masks, stack.cavity.shape) for own in (stack, turned))
    np.testing.assert_array_equal(masks[::-1], others)


def test_keep_one_heart_of_its_own_masks_changes_nothing():
    stack = spoiled()
    first = decide(stack)
    stack.cavity = np.where(np.reshape(first.masks, stack.cavity.shape) == 1, 0.98, 0.01)
    again = decide(stack)
    assert set(again.changes) == {None}
    np.testing.assert_array_equal(again.masks, first.masks)


def test_keep_one_heart_takes_places_from_the_scanner_where_images_are_shifted():
    stack = DiscStack()
    turn = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    frames = []
    for frame in stack.frames:
        columns = 15 * (frame.slice % 2)  # 30 mm, more than a cavity may be off the axis
        stack.cavity[frame.slice, frame.phase] = np.roll(stack.cavity[frame.slice, frame.phase], columns, axis=1)
        frames.append(replace(frame, orientation=turn, position=(-SPACING * columns, 0.0, 8.0 * frame.slice)))
    stack.frames = tuple(frames)
    assert set(decide(stack).changes) == {None}


@pytest.mark.parametrize(("phases", "threshold"), [(10, "end"), (2, "end_of_stills")])
@pytest.mark.parametrize(("needed", "kept"), [(0.8, True), (0.9, False)])
def test_keep_one_heart_takes_the_certainty_of_the_network(phases, threshold, needed, kept):
    stack = DiscStack(phases=phases)
    for phase in range(phases):
        stack.draw(7, phase, HEART, stack.radius(7, phase), value=0.85)
    spacings = [(SPACING, SPACING)] * len(stack.frames)
    certainty = {"end": 0.0, "end_of_stills": 0.0, threshold: needed}
    result = keep_one_heart(stack.frames, stack.probabilities, spacings=spacings, certainty=certainty)
    assert stack.areas(result.masks)[7].all() == kept


def test_keep_one_heart_keeps_the_myocardium_of_its_cavity():
    stack = DiscStack(phases=1)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    wall = np.hypot(rows - HEART[0], columns - HEART[1]) < 16

    def probabilities(i):
        cavity = stack.cavity[stack.frames[i].slice, 0]
        muscle = np.where(wall & (cavity < 0.5), 0.9, 0.001)
        return np.stack([1 - cavity - muscle, cavity, muscle]).clip(0)

    result = keep_one_heart(stack.frames, probabilities, spacings=[(SPACING, SPACING)] * len(stack.frames))
    assert all(((mask > 0) == wall).all() and (mask == 1).any() and (mask == 2).any() for mask in result.masks)
