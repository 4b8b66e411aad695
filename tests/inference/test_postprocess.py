import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.measure import label as connected_parts

from keras_lvseg.inference.postprocess import decide_classes, keep_best_component


def probabilities(scores):
    """Return the softmax of scores."""
    powers = np.exp(scores - scores.max(axis=0))
    return powers / powers.sum(axis=0)


scores = hnp.array_shapes(min_dims=3, max_dims=3, min_side=2, max_side=12).flatmap(
    lambda shape: hnp.arrays(np.float32, (min(shape[0], 3), *shape[1:]), elements=st.floats(-6, 6, width=32))
)


@given(scores)
def test_decide_classes_cavity_is_likelier_than_all_others_together(scores):
    found = probabilities(scores)
    classes, others = decide_classes(found), np.delete(found, 1, axis=0)
    np.testing.assert_array_equal(classes == 1, found[1] > others.sum(axis=0))
    rest = np.array([0, *range(2, len(found))])[np.argmax(others, axis=0)]
    np.testing.assert_array_equal(classes[classes != 1], rest[classes != 1])


@given(scores)
def test_keep_best_component_leaves_one_cavity_without_holes(scores):
    found = probabilities(scores)
    raw, cleaned = decide_classes(found) == 1, keep_best_component(found)
    assert cleaned.dtype == np.uint8
    kept = cleaned == 1
    assert kept.any() == raw.any() == cleaned.any()
    parts, count = connected_parts(raw, connectivity=1, return_num=True)
    assert len(np.unique(parts[kept & raw])) == min(count, 1)
    # Nothing that is outside can be walked around: framed by background, the background is one part.
    outside = np.pad(~kept, 1, constant_values=True)
    added = kept & ~raw
    assert connected_parts(outside, connectivity=1, return_num=True)[1] == 1 or not added.any()


@given(scores)
def test_keep_best_component_myocardium_is_connected_with_the_cavity(scores):
    found = probabilities(scores)
    cleaned = keep_best_component(found)
    assert connected_parts(cleaned > 0, connectivity=1, return_num=True)[1] <= 1
    wall = cleaned > 1
    np.testing.assert_array_equal(cleaned[wall], decide_classes(found)[wall])


@given(scores)
def test_keep_best_component_is_idempotent(scores):
    once = keep_best_component(probabilities(scores))
    classes = np.arange(len(scores))[:, None, None]
    np.testing.assert_array_equal(keep_best_component((once == classes).astype(float)), once)


def test_keep_best_component_prefers_certain_to_large():
    heart = np.full((40, 40), 0.02)
    heart[2:12, 2:12] = 0.99  # 100 pixels of log-odds 4.6
    heart[16:36, 10:30] = 0.6  # 400 pixels of log-odds 0.4
    cleaned = keep_best_component(np.stack([1 - heart, heart]))
    np.testing.assert_array_equal(cleaned == 1, heart == 0.99)


def test_keep_best_component_hole_of_the_cavity_is_cavity_inside_the_myocardium():
    scores = np.full((3, 7, 7), 0.05)
    scores[0] = 0.9
    scores[:, 1:6, 1:6] = np.array([0.1, 0.2, 0.7])[:, None, None]
    scores[:, 2:5, 2:5] = np.array([0.1, 0.7, 0.2])[:, None, None]
    scores[:, 3, 3] = (0.6, 0.3, 0.1)
    cleaned = keep_best_component(scores)
    assert cleaned[3, 3] == 1
    assert (cleaned[1, 1], cleaned[0, 0]) == (2, 0)
