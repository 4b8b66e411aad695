from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from keras_lvseg.data import SAXDataset
from keras_lvseg.geometry import NetworkGrid
from keras_lvseg.inference import TrainedNetwork
from keras_lvseg.inference.consistency.study_foregrounds import heart_windows, study_foregrounds
from keras_lvseg.io.contour_file import read_contour
from keras_lvseg.phantom import write_phantom
from keras_lvseg.studies import Frame, read_image

GRID = NetworkGrid((100, 110), (2.0, 2.0), (144, 144), 1.5)
WHOLE = (slice(0, 144), slice(0, 144))


def looks(*centres, radius=20.0):
    """Return one image per slice, and probabilities with discs at (x, y) in mm on the network's grid."""
    frames = [
        Frame(Path(f"{s}.dcm"), "P", "P", rows=100, columns=110, pixel_spacing=(2.0, 2.0), slice=s, slice_spacing=8.0)
        for s in range(len(centres))
    ]
    rows, columns = np.indices((144, 144))
    found = {}
    for s, discs in enumerate(centres):
        own = np.full((144, 144, 1), 0.01)
        for x, y, certainty in discs:
            ((column, row),) = GRID.points_to_network(np.array([[x / 2, y / 2]]))
            own[np.hypot(rows - row, columns - column) < radius / 1.5] = certainty
        found[s] = own
    return [(frame, np.zeros((144, 144)), GRID) for frame in frames], found


def middles(windows):
    """Return the middles of windows in mm from the first pixel of the frame, x and y."""
    ((x0, y0),) = GRID.points_to_network(np.zeros((1, 2)))
    return [(1.5 * ((c.start + c.stop - 1) / 2 - x0), 1.5 * ((r.start + r.stop - 1) / 2 - y0)) for r, c in windows]


def test_heart_windows_are_around_the_axis_also_where_another_organ_or_nothing_was_found():
    heart = [(90 + 2 * s, 110, 0.98) for s in range(7)]
    organ = (30, 60, 0.9)
    images, found = looks([heart[0]], [heart[1], organ], [heart[2]], [], [heart[4]], [heart[5]], [organ])
    windows = heart_windows(images, found, 80)
    assert {(r.stop - r.start, c.stop - c.start) for r, c in windows} == {(80, 80)}
    np.testing.assert_allclose(middles(windows), [own[:2] for own in heart], atol=4)


def test_heart_windows_of_a_wide_cavity_are_whole_images_in_its_slice():
    heart = [(100, 100, 0.98)]
    images, found = looks(*[heart] * 4)
    found[2] = looks(heart, radius=45.0)[1][0]
    windows = heart_windows(images, found, 80)
    assert [window == WHOLE for window in windows] == [False, False, True, False]


def test_heart_windows_without_a_look_or_a_cavity_are_whole_images():
    images, found = looks([], [(100, 100, 0.9)], [(100, 100, 0.9)])
    del found[1]
    assert [w == WHOLE for w in heart_windows(images, found, 80)] == [False, True, False]
    assert heart_windows(images, {0: found[0]}, 80) == [WHOLE] * 3
    assert heart_windows(images, {}, 80) == [WHOLE] * 3


@pytest.fixture(scope="module")
def network():
    return TrainedNetwork.bundled()


@pytest.mark.slow
def test_study_foregrounds_look_at_four_whole_images_per_slice_and_around_the_heart_at_all(network, tmp_path):
    write_phantom(tmp_path / "heart", patients=1)
    frames = SAXDataset(tmp_path / "heart").frames
    prepared = []
    for frame in frames:
        grid = network.preprocessing.grid(frame)
        prepared.append((frame, network.preprocessing.image(read_image(frame), grid), grid))
    predict, shapes, done = network._predict, Counter(), []

    def counting(images):
        shapes[images.shape[1:3]] += len(images)
        return predict(images)

    network._predict = counting
    try:
        batches = [prepared[:30], prepared[30:]]
        found = study_foregrounds(network, frames, batches, on_images=done.append)
    finally:
        network._predict = predict
    slices = len({frame.slice for frame in frames})
    assert shapes == {(144, 144): 4 * slices, (80, 80): 2 * len(frames)}
    assert [frame for frame, *_ in found] == list(frames)
    assert done[-1] == len(frames)
    assert done == sorted(done)
    for frame, foreground, grid in found:
        rows, columns = np.nonzero(foreground.any(-1))
        assert len({np.ptp(rows), np.ptp(columns)} - {79}) == 0
        if frame.endocardium is not None:
            points = grid.points_to_network(read_contour(frame.endocardium))
            assert (points.min(0) > [columns.min() + 3, rows.min() + 3]).all()
            assert (points.max(0) < [columns.max() - 3, rows.max() - 3]).all()


@pytest.mark.slow
def test_study_foregrounds_of_a_network_without_a_window_are_those_of_whole_images(network, phantom_tree):
    frames = SAXDataset(phantom_tree).patients[0].frames[:20]
    whole = TrainedNetwork.bundled()
    architecture = {**whole.info.architecture, "normalization": "group"}
    whole.info = replace(whole.info, architecture=architecture)
    assert whole.window is None
    grids = [whole.preprocessing.grid(frame) for frame in frames]
    images = [whole.preprocessing.image(read_image(frame), grid) for frame, grid in zip(frames, grids, strict=True)]
    found = study_foregrounds(whole, frames, [[*zip(frames, images, grids, strict=True)]])
    for (_, own, _), expected in zip(found, whole.foregrounds(images), strict=True):
        np.testing.assert_allclose(own, expected, atol=1e-5)
