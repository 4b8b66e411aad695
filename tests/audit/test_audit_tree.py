import json
import shutil

import numpy as np
import pydicom
import pytest

from keras_lvseg.audit import audit_tree
from keras_lvseg.audit.findings import FAULTS
from keras_lvseg.data import SAXDataset
from keras_lvseg.errors import DataError
from keras_lvseg.geometry import slice_normal
from keras_lvseg.io import read_contour, write_contour
from keras_lvseg.io.course_record import CourseRecord, format_record_file_name
from keras_lvseg.io.tfrecord import write_examples
from keras_lvseg.phantom import write_phantom
from tests.small_tree import edit, images_of, write_small_tree


@pytest.fixture
def tree(phantom_tree, tmp_path):
    """Two of the phantoms, the fewest that can be mixed up."""
    tree = shutil.copytree(phantom_tree, tmp_path / "tree", ignore=shutil.ignore_patterns("PHANTOM0003", "PH-03"))
    (tree / "link.csv").write_text("".join((phantom_tree / "link.csv").read_text().splitlines(keepends=True)[:3]))
    return tree


def images(tree, patient="PHANTOM0001"):
    return images_of(tree, patient)


def contours(tree, letter, original="PH-01"):
    return sorted((tree / "contourfiles" / original / f"{letter}-contours").glob("*.txt"))


def image_of(tree, contour):
    return tree / "dicoms" / "PHANTOM0001" / f"{int(contour.name.split('-')[2])}.dcm"


def move(contour, by):
    write_contour(contour, read_contour(contour) + by)
    return contour


def contour_of_another_patient(tree):
    ours, theirs = contours(tree, "o")[2], contours(tree, "o", "PH-02")[3]
    shutil.copy(theirs, ours)
    return [ours, theirs]


def contour_of_another_frame(tree):
    first, second = contours(tree, "i")[2:4]
    second.write_text(first.read_text().replace("\n", "\r\n"))  # not the bytes count but the points
    return [first, second]


def inner_contour_beside_the_outer_one(tree):
    outer = move(contours(tree, "o")[2], (25, -20))
    inner = outer.parents[1] / "i-contours" / outer.name.replace("ocontour", "icontour")
    return [inner, outer, image_of(tree, outer)]


def image_with_dark_blood(tree):
    contour = contours(tree, "i")[2]
    path = image_of(tree, contour)
    pixels = pydicom.dcmread(path).pixel_array
    return [contour, edit(path, PixelData=(pixels.max() - pixels).tobytes())]


def contour_outside_the_image(tree):
    contour = move(contours(tree, "o")[2], (140, 0))
    return [contour, image_of(tree, contour)]


def contour_that_crosses_itself(tree):
    contour = contours(tree, "i")[2]
    points = read_contour(contour)
    quarter = len(points) // 4
    write_contour(
        contour, np.concatenate([points[:quarter], points[quarter : 3 * quarter][::-1], points[3 * quarter :]])
    )
    return [contour, image_of(tree, contour)]


def contour_around_nothing(tree):
    contour = contours(tree, "i")[2]
    write_contour(contour, read_contour(contour).mean(axis=0) + np.array([[0, 0], [0.1, 0], [0, 0.1]]))
    return [contour, image_of(tree, contour)]


def frame_of_another_spacing(tree):
    path = edit(images(tree)[3], PixelSpacing=[1.7, 1.7])
    return [path]


def frame_of_another_series(tree):
    return [edit(images(tree)[3], SeriesInstanceUID="1.2.3")]


def stack_with_a_crooked_frame(tree):
    edit(images(tree)[3], ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    return [images(tree)[3]]


def two_frames_of_one_identity(tree):
    first, second = images(tree)[3:5]
    return [first, edit(second, SOPInstanceUID=pydicom.dcmread(first).SOPInstanceUID)]


def one_identity_in_two_patients(tree):
    first, second = images(tree)[3], images(tree, "PHANTOM0002")[5]
    return [first, edit(second, SOPInstanceUID=pydicom.dcmread(first).SOPInstanceUID)]


def patient_under_two_names(tree):
    copies = []
    (tree / "dicoms/PHANTOM0009").mkdir()
    for i, path in enumerate(images(tree)):
        copies.append(shutil.copy(path, tree / "dicoms/PHANTOM0009" / path.name))
        edit(copies[-1], SOPInstanceUID=f"1.2.3.{i}", PatientID="somebody else")
    with (tree / "link.csv").open("a") as file:
        file.write("PHANTOM0009,PH-09\n")
    return [*images(tree), *copies]


def two_frames_of_one_image(tree):
    first, second = images(tree)[3:5]
    return [first, edit(second, PixelData=pydicom.dcmread(first).PixelData)]


def image_cut_short(tree):
    path = images(tree)[3]
    path.write_bytes(path.read_bytes()[:5000])
    return [path]


def image_compressed_beyond_repair(tree):
    path = images(tree)[3]
    dataset = pydicom.dcmread(path)
    dataset.PixelData = pydicom.encaps.encapsulate([b"no image at all "])
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEG2000Lossless
    dataset.save_as(path)
    return [path]


def contour_with_letters_in_it(tree):
    contour = contours(tree, "i")[2]
    contour.write_text("1 1\n2 b\n")
    return [contour]


def contour_without_an_image(tree):
    contour = contours(tree, "i")[2]
    return [contour.rename(contour.with_name("IM-0001-9999-icontour-manual.txt"))]


def slice_without_a_contour(tree):
    contours(tree, "i")[4].unlink()
    return [tree / "dicoms/PHANTOM0001"]


def contour_at_a_third_phase(tree):
    patient = next(patient for patient in SAXDataset(tree).patients if patient.patient_id == "PHANTOM0001")
    third = next(phase for phase in range(patient.phases) if phase not in (patient.ed_phase, patient.es_phase))
    frame = next(frame for frame in patient.frames if frame.phase == patient.ed_phase and frame.endocardium)
    number = frame.instance_number + third - frame.phase
    image = shutil.copy(frame.path, frame.path.with_name(f"{number}.dcm"))
    dataset = pydicom.dcmread(image)
    time = (third + 0.5) * dataset.NominalInterval / patient.phases
    pixels = (dataset.pixel_array + 1).tobytes()
    edit(image, InstanceNumber=number, SOPInstanceUID="1.2.3", TriggerTime=f"{time:.2f}", PixelData=pixels)
    contour = frame.endocardium.with_name(f"IM-0001-{number:04}-icontour-manual.txt")
    write_contour(contour, read_contour(frame.endocardium) + 0.1)
    return [contour]


def thin_slices(tree):
    for path in images(tree):
        edit(path, SliceThickness=5)
    return [tree / "dicoms/PHANTOM0001"]


def slices_at_uneven_positions(tree):
    frames = [frame for frame in SAXDataset(tree).frames if frame.patient_id == "PHANTOM0001"]
    last = max(frame.slice for frame in frames)
    for frame in frames:
        if frame.slice == last:
            moved = np.array(frame.position) + 3 * slice_normal(frame.orientation)
            edit(frame.path, ImagePositionPatient=[round(float(value), 3) for value in moved])
    return [tree / "dicoms/PHANTOM0001"]


def header_with_another_slice_spacing(tree):
    for path in images(tree):
        edit(path, SpacingBetweenSlices=13, SliceThickness=None)
    return [images(tree)[0]]


# What plants a fault in a tree and returns its files, and the fault's code.
PLANTED = {
    contour_of_another_patient: "repeated-contour",
    contour_of_another_frame: "repeated-contour",
    inner_contour_beside_the_outer_one: "inner-not-inside-outer",
    image_with_dark_blood: "dark-blood",
    contour_outside_the_image: "outside-image",
    contour_that_crosses_itself: "crossed-contour",
    contour_around_nothing: "empty-contour",
    frame_of_another_spacing: "mixed-spacing",
    frame_of_another_series: "several-series",
    stack_with_a_crooked_frame: "unusable-study",
    two_frames_of_one_identity: "repeated-uid",
    one_identity_in_two_patients: "repeated-uid",
    patient_under_two_names: "repeated-patient",
    two_frames_of_one_image: "repeated-image",
    image_cut_short: "unreadable-image",
    image_compressed_beyond_repair: "unreadable-image",
    contour_with_letters_in_it: "unreadable-contour",
    contour_without_an_image: "contour-without-image",
    slice_without_a_contour: "missing-contour",
    contour_at_a_third_phase: "stray-phase",
    thin_slices: "slice-gap",
    slices_at_uneven_positions: "uneven-slices",
    header_with_another_slice_spacing: "slice-spacing",
}
# Faults that follow from a planted one, such as a missing contour.
FOLLOWS = {
    contour_of_another_patient: {"inner-not-inside-outer"},
    contour_of_another_frame: {"inner-not-inside-outer"},
    contour_that_crosses_itself: {"dark-blood"},
    frame_of_another_series: {"unusable-study"},
    image_cut_short: {"missing-contour"},
    contour_with_letters_in_it: {"missing-contour"},
    contour_without_an_image: {"missing-contour"},
}


@pytest.mark.parametrize("plant", PLANTED)
def test_audit_tree_planted_fault_is_found_with_its_files(tree, plant):
    code, files = PLANTED[plant], plant(tree)
    report = audit_tree(tree)
    found = [finding for finding in report.findings if finding.code == code]
    assert len(found) == 1
    assert {path.relative_to(tree).as_posix() for path in files} <= {*found[0].files}
    assert "PHANTOM0001" in found[0].patients
    others = {finding.code for finding in report.findings} - {code, "missing-frames"}
    assert others <= FOLLOWS.get(plant, set())


def test_faults_every_code_is_planted():
    assert {*PLANTED.values(), "missing-frames"} == set(FAULTS)


def test_audit_tree_unreadable_patient_does_not_hide_faults_of_others(tree):
    for path in images(tree, "PHANTOM0002"):
        path.write_bytes(b"no image")
    planted = (contour_that_crosses_itself, two_frames_of_one_identity)
    for plant in planted:
        plant(tree)
    codes = [finding.code for finding in audit_tree(tree).errors]
    assert codes.count("unreadable-image") == len(images(tree, "PHANTOM0002"))
    assert {PLANTED[plant] for plant in planted} <= set(codes)
    with pytest.raises(DataError):
        SAXDataset(tree)


@pytest.mark.parametrize("clean", ["sunnybrook", "phantom_tree"])
def test_audit_tree_clean_tree_has_no_errors(clean, request):
    report = audit_tree(request.getfixturevalue(clean))
    assert report.errors == ()
    assert {finding.code for finding in report.warnings} == {"missing-frames"}


def test_audit_tree_real_sample_counts_its_files(sunnybrook):
    report = audit_tree(sunnybrook)
    assert (report.patients, report.images, report.contours) == (3, 278, 84)
    assert [finding.patients for finding in report.warnings] == [("SCD0000201",), ("SCD0000301",)]


def test_audit_tree_missing_frame_is_found(tmp_path):
    folder = write_small_tree(tmp_path, {"A": "a", "B": "b"}, radius=lambda s, p: 4.0 if p == 0 else None)
    assert audit_tree(folder).findings == ()
    (folder / "dicoms/A/6.dcm").unlink()
    (finding,) = audit_tree(folder).findings
    assert (finding.code, finding.severity, finding.patients) == ("missing-frames", "warning", ("A",))
    assert finding.message == "1 of 6 frames are missing (slice 1 phase 2)"
    shutil.rmtree(folder / "contourfiles")
    for number in (1, 2, 3):
        (folder / f"dicoms/B/{number}.dcm").unlink()
    assert audit_tree(folder).findings[1].message == "all frames of slice 0 are missing"


def test_audit_tree_unused_series_is_found(tmp_path):
    folder = write_small_tree(tmp_path, {"A": "a"}, radius=lambda s, p: 4.0 if p == 0 else None)
    edit(folder / "dicoms/A/6.dcm", SeriesInstanceUID="1.2.3")
    report = audit_tree(folder)
    assert report.errors == ()
    assert [finding.code for finding in report.warnings] == ["several-series", "missing-frames"]
    assert report.warnings[0].message == "has several series; the series of dicoms/A/1.dcm is used, 5 of 6 images"


def test_audit_tree_blank_images_are_not_repeated_images(tmp_path):
    folder = write_small_tree(tmp_path, {"A": "a", "B": "b"}, radius=lambda s, p: None)
    for patient in "AB":
        edit(folder / f"dicoms/{patient}/1.dcm", PixelData=bytes(2 * 20 * 16))
    assert audit_tree(folder).findings == ()


def test_audit_tree_contour_origin_moves_the_contours(tmp_path):
    # A disc 2 pixels from the right edge: four pixels further right its contour is outside.
    folder = write_small_tree(tmp_path, {"A": "a"}, shape=(20, 14), radius=lambda s, p: 4.0)
    assert audit_tree(folder).findings == ()
    assert {finding.code for finding in audit_tree(folder, contour_origin=4).findings} >= {"outside-image"}


def test_audit_tree_records_of_two_splits_with_equal_pixels_are_found(phantom_tree, tmp_path):
    splits = {"train": ["PHANTOM0001"], "validation": ["PHANTOM0002"]}
    dataset = SAXDataset(phantom_tree, splits=splits, image_size=(64, 64))
    dataset.write_tfrecords(tmp_path / "records")
    assert audit_tree(tmp_path / "records").findings == ()
    shutil.copy(tmp_path / "records/train_images.tfrecords", tmp_path / "records/test_images.tfrecords")
    report = audit_tree(tmp_path / "records")
    assert report.images == 2 * len(dataset.labelled_frames("train")) + len(dataset.labelled_frames("validation"))
    (finding,) = report.findings
    assert (finding.code, finding.severity, finding.patients) == ("repeated-patient", "error", ("PH-01",))
    assert finding.files == ("test_images.tfrecords", "train_images.tfrecords")
    count = len(dataset.labelled_frames("train"))
    assert finding.message == f"has {count} images with equal pixels in the files of test and train"


def test_audit_tree_repeated_record_of_one_split_is_a_warning(tmp_path):
    image, label = np.arange(16).reshape(4, 4), np.eye(4, dtype=np.uint8)
    records = [CourseRecord(image, label, f"A/IM-0001-000{number}").to_features("course") for number in (1, 2)]
    for shard in (0, 1):
        write_examples(tmp_path / format_record_file_name("train", shard, 2), records[shard:])
    (finding,) = audit_tree(tmp_path).findings
    assert (finding.code, len(finding.files)) == ("repeated-image", 2)
    assert finding.message == "has 1 image of train more than once"


def test_audit_tree_empty_mask_of_a_record_is_found(tmp_path):
    rng = np.random.default_rng(0)
    labels = [np.eye(4, dtype=np.uint8), np.zeros((4, 4), np.uint8)]
    records = [
        CourseRecord(rng.integers(0, 99, (4, 4)), label, f"A/IM-0001-000{number}").to_features("course")
        for number, label in enumerate(labels, 1)
    ]
    write_examples(tmp_path / "train_images.tfrecords", records)
    (finding,) = audit_tree(tmp_path).findings
    assert (finding.code, finding.patients, finding.files) == ("empty-contour", ("A",), ("train_images.tfrecords",))
    assert finding.message == "the mask of frame 2 is empty"


def test_audit_tree_unknown_layout_is_an_error(tmp_path):
    with pytest.raises(DataError, match="has no known layout"):
        audit_tree(tmp_path)


def test_audit_report_as_dict_is_json(tree):
    contour_of_another_patient(tree)
    report = audit_tree(tree)
    values = json.loads(json.dumps(report.as_dict()))
    assert (values["errors"], values["warnings"]) == (len(report.errors), len(report.warnings))
    assert values["findings"][0] == {
        "severity": "error",
        "code": "repeated-contour",
        "patients": ["PHANTOM0001", "PHANTOM0002"],
        "files": list(report.findings[0].files),
        "message": "share 1 contour with equal points",
        "consequence": report.findings[0].consequence,
    }


def test_audit_tree_several_series_are_no_errors(tmp_path):
    write_phantom(tmp_path / "tree", patients=1, seed=3, frames="contoured", tree="challenge")
    report = audit_tree(tmp_path / "tree")
    assert report.errors == ()
    assert {finding.code for finding in report.warnings} == {"several-series", "missing-frames"}
