from dataclasses import asdict

import pytest

from keras_lvseg.io import read_header
from keras_lvseg.studies import Frame


def test_frame_from_header_has_its_values_and_better_ones(phantom_tree):
    header = read_header(next(phantom_tree.glob("dicoms/*/*.dcm")))
    frame = Frame.from_header(header, patient_id="P1", original_id="O1", slice=3, slice_spacing=7.5)
    assert (frame.patient_id, frame.original_id, frame.slice, frame.slice_spacing) == ("P1", "O1", 3, 7.5)
    own = asdict(header)
    shared = asdict(frame).keys() & own.keys() - {"slice_spacing"}
    assert own.keys() - shared == {"slice_spacing", "nominal_interval", "phases"}
    assert all(getattr(frame, name) == own[name] for name in shared)


def test_frame_without_size_raises(tmp_path):
    with pytest.raises(TypeError, match="rows"):
        Frame(tmp_path / "1.png", "P1", "O1")
