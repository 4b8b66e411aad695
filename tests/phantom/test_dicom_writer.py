import pydicom
import pytest

from tests.dciodvfy import dicom_errors


@pytest.mark.slow
def test_phantom_files_are_valid_dicom(challenge_tree, tmp_path):
    paths = sorted(challenge_tree.rglob("*.dcm"))
    series = {pydicom.dcmread(path, specific_tags=["SeriesInstanceUID"]).SeriesInstanceUID: path for path in paths}
    assert len(series) == 15  # the cine and four decoys of three patients
    for path in series.values():
        assert dicom_errors(path) == []
    dataset = pydicom.dcmread(paths[0])
    del dataset.BodyPartExamined
    dataset.save_as(tmp_path / "invalid.dcm")
    assert dicom_errors(tmp_path / "invalid.dcm")
