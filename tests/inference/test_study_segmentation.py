import json
import re
from dataclasses import replace

import numpy as np
import pytest
from jsonschema import validate

from keras_lvseg.data import SAXDataset
from keras_lvseg.data.labels import draw_label
from keras_lvseg.errors import DataError
from keras_lvseg.geometry import CONTOUR_ORIGIN
from keras_lvseg.inference import OUTPUTS
from keras_lvseg.inference.inputs import find_inputs
from tests.inference.results import result_of, results_of
from tests.inference.schemas import STUDY_SCHEMA
from tests.png_tree import write_png_tree
from tests.small_tree import write_small_tree


@pytest.fixture(params=["DICOM", "PNG"])
def tree(request, tmp_path):
    if request.param == "DICOM":
        return write_small_tree(tmp_path / "tree", {"P1": "O1", "P2": "O2"}, slices=2, phases=3)
    return write_png_tree(tmp_path / "tree")


@pytest.mark.parametrize("myocardium", [False, True])
def test_as_dict_volumes_agree_with_areas(tree, myocardium):
    for result in results_of(tree, myocardium=myocardium):
        values = result.as_dict()
        validate(values | {"outputs": [], "checksum": ""}, STUDY_SCHEMA)
        images = values["images"]
        for image, frame, mask in zip(images, result.study.frames, result.masks, strict=True):
            assert (result.root / image["file"], image["frame"]) == frame.key
            assert (image["slice"], image["phase"]) == (frame.slice, frame.phase)
            assert image["area_pixels"] == (mask == 1).sum()
            assert image["area_mm2"] == pytest.approx((mask == 1).sum() * 1.5**2, abs=0.005)
            assert image["myocardium_pixels"] == ((mask == 2).sum() if myocardium else None)
        litres = {
            phase: [sum(image[name] for image in images if image["phase"] == phase) * 1.5**2 * 8 / 1000 for name in of]
            for of in [("area_pixels", "myocardium_pixels") if myocardium else ("area_pixels",)]
            for phase in {image["phase"] for image in images}
        }
        for volume in values["volumes"]:
            assert volume["volume_ml"] == pytest.approx(litres[volume["phase"]][0], abs=0.006)
        edv, esv = (choose(litres.values(), key=lambda own: own[0]) for choose in (max, min))
        assert (values["edv_ml"], values["esv_ml"]) == pytest.approx((edv[0], esv[0]), abs=0.006)
        assert values["stroke_volume_ml"] == pytest.approx(edv[0] - esv[0], abs=0.006)
        assert values["ejection_fraction_percent"] == pytest.approx(100 * (1 - esv[0] / edv[0]), abs=0.006)
        mass = pytest.approx(1.05 * edv[1], abs=0.006) if myocardium else None
        assert values["myocardial_mass_g"] == mass
        assert (values["missing_reason"], values["patient"]) == (None, result.study.patient_id)


def test_as_dict_manual_contours_give_the_volumes_of_real_patients(sunnybrook):
    labelled = {frame.key: frame for frame in SAXDataset(sunnybrook).frames if frame.endocardium is not None}
    inputs = find_inputs(sunnybrook)
    found = {}
    for study in inputs.studies:
        kept = study.restrict_to(labelled)
        draw = lambda frame: draw_label(labelled[frame.key], "endocardium", CONTOUR_ORIGIN) == 1  # noqa: E731
        values = result_of(kept, inputs.root, draw, 1, study.name, False).as_dict()
        found[study.name] = (values["edv_ml"], values["esv_ml"])
    # As the sample's own page has them, from the polygons.
    expected = {"SCD0000101": (191.3, 141.3), "SCD0000201": (241.9, 180.3), "SCD0000301": (229.7, 179.6)}
    for name, volumes in expected.items():
        np.testing.assert_allclose(found[name], volumes, rtol=0.005)


def test_as_dict_unknown_values_are_null(tmp_path):
    root = write_png_tree(tmp_path / "tree")
    (root / "patients.csv").unlink()
    (result,) = results_of(root)
    values = result.as_dict()
    validate(values | {"outputs": [], "checksum": ""}, STUDY_SCHEMA)
    unknown = ("patient", "slices", "phases", "ed_phase", "es_phase", "edv_ml", "ejection_fraction_percent")
    assert {values[name] for name in unknown} == {None}
    assert (values["volumes"], values["missing_reason"]) == ([], "a PNG has no slice and phase")
    assert [flag["code"] for flag in values["flags"]] == ["geometry-unknown"]
    for image in values["images"]:
        assert {image[name] for name in ("slice", "phase", "pixel_spacing_mm", "area_mm2")} == {None}


@pytest.mark.parametrize("name", ["P1", "P1-2", "day1/sax"])
def test_as_dict_tells_the_patient_only_if_it_names_the_study(tmp_path, name):
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1"}, slices=2, phases=2)
    (result,) = results_of(tree)
    values = replace(result, study=replace(result.study, name=name)).as_dict()
    assert values["patient"] == ("P1" if name.startswith("P1") else None)


def test_write_makes_the_folder_of_the_study(tree, tmp_path):
    for result in results_of(tree):
        folder = result.write(tmp_path / "out", outputs=["masks"])
        assert folder == tmp_path / "out" / result.folder
        assert sorted(path.name for path in folder.iterdir()) == ["masks", "study.json"]
        with pytest.raises(DataError, match="is not empty"):
            result.write(tmp_path / "out")
    with pytest.raises(ValueError, match="`outputs`"):
        result.write(tmp_path / "new", outputs=["mask"])
    assert not (tmp_path / "new").exists()


def test_write_is_atomic(tree, tmp_path):
    result, *_ = results_of(tree)
    result.study.frames[-1].path.unlink()
    with pytest.raises(DataError, match="cannot be read"):
        result.write(tmp_path / "out", outputs=["masks", "overlays"])
    assert not any((tmp_path / "out").iterdir())


def test_write_without_a_mask_raises(tree, tmp_path):
    result, *_ = results_of(tree)
    from keras_lvseg.studies import SkippedFile

    skipped = (SkippedFile(result.study.frames[0].path, "is damaged"),)
    failed = replace(result, study=replace(result.study, frames=(), skipped=skipped), masks=())
    with pytest.raises(DataError, match="is not written; no image can be read"):
        failed.write(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_write_anonymous_has_no_name_of_patient_file_or_folder(tmp_path):
    secret = "Doe^Jane"
    tree = write_small_tree(
        tmp_path / "tree",
        {secret: "DOE-1"},
        slices=2,
        phases=2,
        PatientName=secret,
        PatientID=secret,
        PatientBirthDate="19700131",
        AccessionNumber="ACC77",
        StudyID="ID66",
        StudyDate="20200229",
    )
    for path in (tree / "dicoms" / secret).iterdir():
        path.rename(path.with_name(f"{path.stem}-Jane.dcm"))
    (tree / "dicoms" / secret / "broken-Jane.dcm").write_bytes(bytes(200))
    (tree / "link.csv").unlink()
    (result,) = results_of(tree / "dicoms")
    from keras_lvseg.studies import SkippedFile

    own = result.study
    reason = f"shows the same slice as {own.frames[0].path.name} of {secret}"
    result = replace(result, study=replace(own, skipped=(SkippedFile(own.frames[1].path, reason),)))
    folder = result.write(tmp_path / "out", outputs=OUTPUTS, anonymous=True)
    assert folder.name == "study-0001"
    uids = [own.frames[0].sop_instance_uid, own.frames[0].study_instance_uid]
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert len([path for path in written if path.suffix == ".dcm"]) == 2
    for path in written:
        content = path.read_bytes()
        for name in ("Doe", "Jane", "DOE", "19700131", "ACC77", "ID66", "20200229"):
            assert name.encode() not in content, (path, name)
            assert name not in str(path.relative_to(tmp_path))
        if path.suffix == ".dcm":
            for uid in uids:
                assert not re.search(rb"(?<![\d.])" + re.escape(uid.encode()) + rb"(?![\d.])", content)
    values = json.loads((folder / "study.json").read_text())
    validate(values, STUDY_SCHEMA)
    assert values["skipped"] == [{"file": None, "frame": None, "reason": "shows the same slice as … of …"}]
    # The same with names, so that the test would see them.
    named = result.write(tmp_path / "named", outputs=OUTPUTS)
    assert b"Doe" in next(named.rglob("*.dcm")).read_bytes()
    assert "Doe" in (named / "study.json").read_text()


def test_repr_is_one_line_and_html_has_the_volumes(tree):
    result, *_ = results_of(tree)
    volumes = result.volumes
    expected = f"EDV {volumes.edv_ml:.0f} mL, ESV {volumes.esv_ml:.0f} mL, EF {volumes.ejection_fraction:.0f} %"
    assert repr(result) == f"<StudySegmentation {result.name!r}: {len(result.masks)} masks, {expected}>"
    drawn = result._repr_html_()
    assert f"{volumes.edv_ml:.0f} mL" in drawn
    assert drawn.count("<figure>") == 2 * len(result.study.slices)
