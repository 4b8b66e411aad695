import pydicom
import pytest

from benchmarks.speed.scaling import inputs, resized, table
from benchmarks.speed.segment_speed import study_of


@pytest.mark.parametrize("size", [128, 512])
def test_resized_images_have_the_same_field_of_view_and_pixels(phantom_tree, tmp_path, size):
    study = study_of(phantom_tree, 2, tmp_path / "study")
    for path in resized(study, size, tmp_path / "resized").iterdir():
        before, after = pydicom.dcmread(study / path.name), pydicom.dcmread(path)
        assert after.pixel_array.shape == (size, size)
        assert after.PixelSpacing[0] * size == pytest.approx(before.PixelSpacing[0] * 256)
        step = max(256 // size, 1)
        assert (
            after.pixel_array[:: max(size // 256, 1), :: max(size // 256, 1)] == before.pixel_array[::step, ::step]
        ).all()


def test_inputs_have_the_frames_and_studies_that_are_asked_for(tmp_path):
    found = inputs(tmp_path, (3,), (128,), (2,))
    assert len([*found["frames", 3].iterdir()]) == 3
    assert len([*found["studies", 2].glob("dicoms/*")]) == 2


def test_table_has_medians_by_what_changes():
    times = {
        ("frames", 60): [(1.0, 0, 0, 500.0), (3.0, 0, 0, 520.0), (2.0, 0, 0, 510.0)],
        ("studies", 1): [(4, 0, 0, 600)] * 3,
    }
    lines = table(times)
    assert "| 60 | 2.0 | 510 |" in lines
    assert lines.index("| studies | seconds | peak, MB |") > lines.index("| 60 | 2.0 | 510 |")
    assert "| 1 | 4.0 | 600 |" in lines
