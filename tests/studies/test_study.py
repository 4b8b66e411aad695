from pathlib import Path

import numpy as np
import pytest

from keras_lvseg.errors import DataError
from keras_lvseg.studies import Frame, Study


def test_restrict_to_keeps_frames_of_given_files():
    frames = tuple(Frame(Path(name), "P1", "O1", rows=4, columns=4) for name in ("1.png", "2.png", "3.png"))
    study = Study("heart", frames, "unknown").restrict_to({(Path(f"{name}.png"), None) for name in (1, 3, 4)})
    assert study == Study("heart", (frames[0], frames[2]), "unknown")


PLACED = {"rows": 9, "columns": 7, "pixel_spacing": (1.5, 1.25), "orientation": (0.6, 0.8, 0.0, 0.0, 0.0, -1.0)}


def stack(**changes):
    frames = [Frame(Path(f"{s}.dcm"), "P1", "P1", slice=s, position=(5.0 * s, 0.0, 3.0), **PLACED) for s in (1, 2, 4)]
    return Study("heart", (*frames[:2], Frame(**{**vars(frames[2]), **changes})))


def test_affine_gives_the_position_of_each_slice():
    study = stack()
    for frame in study.frames:
        x, y, z = frame.position
        place = study.affine() @ [0, 0, frame.slice - study.slices[0], 1]
        np.testing.assert_allclose(place, [-x, -y, z, 1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": 10}, "4.dcm: has another size, pixel spacing or direction than 1.dcm"),
        ({"pixel_spacing": (1.5, 1.5)}, "4.dcm: has another size, pixel spacing or direction"),
        ({"orientation": (0.8, 0.6, 0.0, 0.0, 0.0, -1.0)}, "4.dcm: has another size, pixel spacing or direction"),
    ],
)
def test_affine_of_frames_of_several_grids_raises(changes, message):
    with pytest.raises(DataError, match=message):
        stack(**changes).affine()


def test_affine_of_study_without_places_raises():
    study = Study("heart", (Frame(Path("1.png"), "P1", "P1", rows=4, columns=4),))
    with pytest.raises(DataError, match="is of a study without a place in space"):
        study.affine()
