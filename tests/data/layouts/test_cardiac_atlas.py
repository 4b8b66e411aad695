import shutil

import pytest

from keras_lvseg.data import OFFICIAL_SPLITS
from keras_lvseg.data.layouts import index_tree
from keras_lvseg.data.layouts.cardiac_atlas import KNOWN_LINKS
from keras_lvseg.errors import DataError
from tests.data.layouts.empty_files import contour, touch

IMAGE = "SCD_IMAGES_01/SCD0000101/CINESAX_300/IM-0003-0059.dcm"
CONTOURS = "SCD_ManualContours"


def test_known_links_are_the_patients_of_the_challenge():
    assert sorted(KNOWN_LINKS.values()) == sorted(name for names in OFFICIAL_SPLITS.values() for name in names)
    # As the sample's own link.csv has them, and the last of the list.
    assert [KNOWN_LINKS[f"SCD000{n}01"] for n in ("01", "02", "03")] == ["SC-HF-I-1", "SC-HF-I-2", "SC-HF-I-4"]
    assert (len(KNOWN_LINKS), KNOWN_LINKS["SCD0004501"]) == (45, "SC-N-40")


@pytest.mark.parametrize("above", ["", "SCD_DeidentifiedImages/", "unpacked/SCD_DeidentifiedImages/"])
@pytest.mark.parametrize("name", ["SC-HF-I-01", "SC-HF-I-1"])
def test_index_tree_without_a_table_links_known_patients(tmp_path, above, name):
    files = [contour(CONTOURS, name), contour(CONTOURS, name, 40), contour(CONTOURS, name, 59, "o")]
    touch(tmp_path, above + IMAGE, *files)
    (patient,) = index_tree(tmp_path)
    assert (patient.patient_id, patient.original_id) == ("SCD0000101", "SC-HF-I-1")
    assert patient.images == (tmp_path / (above + IMAGE),)
    assert sorted((c.number, c.border) for c in patient.contours) == [
        (40, "endocardium"),
        (59, "endocardium"),
        (59, "epicardium"),
    ]
    assert {c.path for c in patient.contours} == {tmp_path / file for file in files}


def test_index_tree_table_links_other_patients(tmp_path):
    touch(tmp_path, IMAGE.replace("SCD0000101", "MINE7"), contour(CONTOURS, "SC-HF-I-01"))
    with pytest.raises(
        DataError, match=r"MINE7: has no known name in the contours; expected the patient in scd_patientdata\.csv"
    ):
        index_tree(tmp_path)
    header = "PatientID,OriginalID,Gender,Age,PathologyID,Pathology\n"
    (tmp_path / CONTOURS / "scd_patientdata.csv").write_text(header + "MINE7,SC-HF-I-01,Male,60,3,HF-I\n,,,,,\n")
    (patient,) = index_tree(tmp_path)
    assert (patient.patient_id, patient.original_id, len(patient.contours)) == ("MINE7", "SC-HF-I-1", 1)
    table = header + "MINE7,SC-HF-I-01,,,,\nMINE8,SC-HF-I-1,,,,\n"
    (tmp_path / CONTOURS / "scd_patientdata.csv").write_text(table)
    with pytest.raises(DataError, match=r"scd_patientdata\.csv: has two patients with the name SC-HF-I-1"):
        index_tree(tmp_path)


def test_index_tree_contradicting_tables_are_an_error(tmp_path):
    touch(tmp_path, IMAGE, contour(CONTOURS, "SC-HF-I-01"), contour(CONTOURS, "SC-HF-I-02"))
    first, second = (tmp_path / folder / "scd_patientdata.csv" for folder in ("", CONTOURS))
    first.write_text("PatientID,OriginalID\nSCD0000101,SC-HF-I-01\n")
    second.write_text("PatientID,OriginalID,Age\nSCD0000101,SC-HF-I-1,60\n")
    assert [patient.original_id for patient in index_tree(tmp_path)] == ["SC-HF-I-1"]
    second.write_text("PatientID,OriginalID\nSCD0000101,SC-HF-I-02\n")
    with pytest.raises(DataError, match=f"^{second}: has other names of patients than {first}; keep the right"):
        index_tree(tmp_path)


def test_index_tree_missing_parts_are_accepted(tmp_path):
    other = "SCD_IMAGES_05/SCD0004501/CINESAX_301/IM-0009-0001.dcm"
    touch(tmp_path, IMAGE, other, contour(CONTOURS, "SC-HF-I-01"), contour(CONTOURS, "SC-HYP-37"))
    labelled, unlabelled = index_tree(tmp_path)
    assert (labelled.original_id, len(labelled.contours)) == ("SC-HF-I-1", 1)
    assert (unlabelled.original_id, unlabelled.contours) == ("SC-N-40", ())
    shutil.rmtree(tmp_path / CONTOURS)
    assert [patient.contours for patient in index_tree(tmp_path)] == [(), ()]


def test_index_tree_reads_images_of_cinesax_folders_only(tmp_path):
    second = IMAGE.replace("CINESAX_300/IM-0003", "cinesax_301/IM-0004")
    touch(tmp_path, IMAGE, second, IMAGE.replace("CINESAX_300", "CINELAX_302"), IMAGE.replace("59.dcm", "60.txt"))
    (patient,) = index_tree(tmp_path)
    assert set(patient.images) == {tmp_path / IMAGE, tmp_path / second}
    touch(tmp_path, "SCD_IMAGES_01/SCD0000201/CINESAX_300/readme.txt")
    with pytest.raises(DataError, match=r"SCD0000201: has no \.dcm file"):
        index_tree(tmp_path)


def test_index_tree_papillary_contours_are_left_out(tmp_path):
    touch(tmp_path, IMAGE, *(contour(CONTOURS, "SC-HF-I-01", 59, letter) for letter in ("i", "p1", "p2")))
    (patient,) = index_tree(tmp_path)
    assert [c.border for c in patient.contours] == ["endocardium"]


def test_index_tree_files_of_other_systems_are_left_out(tmp_path):
    hidden = ["__MACOSX/SCD_ManualContours/SC-HF-I-01/contours-manual/IRCCI-expert/._IM-0001-0059-icontour-manual.txt"]
    hidden += [IMAGE.replace("IM-", "._IM-"), "__MACOSX/" + IMAGE.replace("IM-", "._IM-"), ".Trash/" + IMAGE]
    touch(tmp_path, IMAGE, contour(CONTOURS, "SC-HF-I-01"), *hidden)
    (patient,) = index_tree(tmp_path)
    assert (len(patient.images), len(patient.contours)) == (1, 1)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["copy/" + IMAGE], r"SCD0000101: has images of SCD0000101, as .* has; keep one copy"),
        ([contour("copy", "SC-HF-I-1")], r"has contours of SC-HF-I-1, as .* has; keep one copy"),
        (
            [contour(CONTOURS, "SC-HF-I-01").replace("IM-0001", "IM-0002")],
            "is a second contour of frame 59, beside IM-0001-",
        ),
        ([contour(CONTOURS, "SC-HF-I-01") + ".txt"], "is not named as a contour"),
        (["challenge_training/SC-HF-I-1/IM-0004-0059.dcm"], "has more than one layout: SCD_IMAGES"),
    ],
)
def test_index_tree_second_copy_or_other_layout_is_an_error(tmp_path, files, message):
    touch(tmp_path, IMAGE, contour(CONTOURS, "SC-HF-I-01"), *files)
    with pytest.raises(DataError, match=message):
        index_tree(tmp_path)


@pytest.mark.parametrize(
    "link",
    [
        "SCD_IMAGES_02",
        "SCD_IMAGES_01/SCD0000201",
        "SCD_IMAGES_01/SCD0000101/CINESAX_301",
        IMAGE.replace("59.dcm", "60.dcm"),
        contour(CONTOURS, "SC-HF-I-01", 60),
        "scd_patientdata.csv",
    ],
)
@pytest.mark.parametrize("alone", [False, True])
def test_index_tree_link_out_of_the_tree_is_an_error(tmp_path, link, alone):
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    touch(outside, "SCD0000201/CINESAX_300/IM-0003-0001.dcm", "CINESAX_300/IM-0003-0001.dcm", "IM-0003-0060.dcm")
    touch(tree, "notes.txt", *([] if alone else [IMAGE, contour(CONTOURS, "SC-HF-I-01")]))
    (tree / link).parent.mkdir(parents=True, exist_ok=True)
    is_folder = "." not in link
    (tree / link).symlink_to(outside if is_folder else outside / "IM-0003-0060.dcm")
    if alone and not is_folder and "CINESAX" not in link:
        expected = "has no known layout"  # a contour or table alone is not opened
    else:
        expected = f"is a link out of {tree}"
    with pytest.raises(DataError, match=expected):
        index_tree(tree)
