from dataclasses import asdict

import pytest

from keras_lvseg.io import read_header
from keras_lvseg.studies import Frame


def test_frame_from_header_has_its_values_and_better_ones(phantom_tree):
    header = read_header(next(phantom_tree.glob("dicoms/*/*.dcm")))
    frame = Frame.from_header(header, patient_id="P1", original_id="O1", slice=3, slice_spacing=7.5)
    assert (frame.patient_id, frame.original_id, frame.slice, frame.slice_spacing) == ("P1", "O1", 3, 7.5)
    own = asdict(header)
    better = {"patient_id", "slice_spacing"}
    shared = asdict(frame).keys() & own.keys() - better
    only_there = {"nominal_interval", "phases", "study_date", "series_number", "acquired", "temporal_index"}
    assert own.keys() - shared == better | only_there | {"geometry_error"}
    assert all(getattr(frame, name) == own[name] for name in shared)


def test_frame_without_size_raises(tmp_path):
    with pytest.raises(TypeError, match="rows"):
        Frame(tmp_path / "1.png", "P1", "O1")
