import pytest

from keras_lvseg.data.layouts import index_tree
from keras_lvseg.errors import DataError
from tests.data.layouts.empty_files import contour, touch

PART3 = "Sunnybrook Cardiac MR Database ContoursPart3/TrainingDataContours"
PART1 = "Sunnybrook Cardiac MR Database ContoursPart1/OnlineDataContours"
IMAGE = "challenge_training/SC-HF-I-1/IM-0004-0059.dcm"


@pytest.mark.parametrize("images", ["SC-HF-I-1", "SC-HF-I-01"])
@pytest.mark.parametrize("contours", ["SC-HF-I-1", "SC-HF-I-01"])
def test_index_tree_padded_names_are_linked(tmp_path, images, contours):
    touch(tmp_path, IMAGE.replace("SC-HF-I-1", images), contour(PART3, contours), contour(PART3, contours, 59, "o"))
    (patient,) = index_tree(tmp_path)
    assert (patient.patient_id, patient.original_id) == (images, "SC-HF-I-1")
    assert [c.border for c in patient.contours] == ["endocardium", "epicardium"]


def test_index_tree_lists_all_series_of_a_folder(tmp_path):
    touch(tmp_path, IMAGE, IMAGE.replace("0004", "0005"), IMAGE.replace("IM-0004-0059.dcm", "im-0006-0001.DCM"))
    (patient,) = index_tree(tmp_path)
    assert [path.name for path in patient.images] == ["IM-0004-0059.dcm", "IM-0005-0059.dcm", "im-0006-0001.DCM"]


def test_index_tree_recognises_patients_in_any_folder(tmp_path):
    online = "challenge_online/challenge_online/SC-HF-I-10/IM-0024-0001.dcm"
    touch(tmp_path, IMAGE, online, IMAGE.replace("SC-HF-I-1", "SC-HF-I-2"), "SC-N-2/IM-0898-0001.dcm")
    touch(tmp_path, contour(PART3, "SC-HF-I-01"), contour(PART1, "SC-HF-I-10"), contour(PART1, "SC-HF-I-11"))
    patients = index_tree(tmp_path)
    labelled = {patient.original_id: bool(patient.contours) for patient in patients}
    # By number, not by letter; contours without images are left out, images without contours are not.
    assert list(labelled.items()) == [
        ("SC-HF-I-1", True),
        ("SC-HF-I-2", False),
        ("SC-HF-I-10", True),
        ("SC-N-2", False),
    ]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            ["more/SC-HF-I-01/IM-0004-0059.dcm"],
            "SC-HF-I-01: has images of SC-HF-I-1, as .*challenge_training/SC-HF-I-1",
        ),
        ([contour(PART1, "SC-HF-I-1")], "has contours of SC-HF-I-1, as"),
        ([contour(PART3, "SC-HF-I-01").replace("IM-", "MI-")], "is not named as a contour"),
    ],
)
def test_index_tree_second_copy_or_other_file_is_an_error(tmp_path, files, message):
    touch(tmp_path, IMAGE, contour(PART3, "SC-HF-I-01"), *files)
    with pytest.raises(DataError, match=message):
        index_tree(tmp_path)


@pytest.mark.parametrize("link", ["challenge_online", "challenge_training/SC-HF-I-2"])
@pytest.mark.parametrize("alone", [False, True])
def test_index_tree_link_out_of_the_tree_is_an_error(tmp_path, link, alone):
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    touch(outside, "IM-0106-0001.dcm", "SC-HF-I-9/IM-0241-0001.dcm")
    touch(tree, "notes.txt", *([] if alone else [IMAGE]))
    (tree / link).parent.mkdir(exist_ok=True)
    (tree / link).symlink_to(outside)
    with pytest.raises(DataError, match=f"{link}: is a link out of {tree}"):
        index_tree(tree)


def test_index_tree_link_to_a_folder_of_contours_has_no_images(tmp_path):
    touch(tmp_path, IMAGE, contour(PART3, "SC-HF-I-02"))
    (tmp_path / "SC-HF-I-2").symlink_to(tmp_path / PART3)
    with pytest.raises(DataError, match=r"SC-HF-I-2: has no \.dcm file"):
        index_tree(tmp_path)


def test_index_tree_contours_alone_are_no_known_layout(tmp_path):
    touch(tmp_path, contour(PART3, "SC-HF-I-01"))
    with pytest.raises(DataError, match="has no known layout"):
        index_tree(tmp_path)
