import shutil

import pytest

from keras_lvseg.data.layouts import index_tree
from keras_lvseg.errors import DataError


def contour_of(tree):
    return next(tree.glob("contourfiles/*/i-contours/*.txt"))


def test_index_tree_lists_patients_images_and_contours(phantom_tree):
    patients = index_tree(phantom_tree)
    assert [patient.patient_id for patient in patients] == ["PHANTOM0001", "PHANTOM0002", "PHANTOM0003"]
    for patient in patients:
        assert len(patient.images) == len(list(phantom_tree.glob(f"dicoms/{patient.patient_id}/*.dcm")))
        borders = {contour.border for contour in patient.contours}
        assert borders == {"endocardium", "epicardium"}


def test_index_tree_without_contour_folder_has_no_contours(tree):
    shutil.rmtree(tree / "contourfiles")
    assert all(patient.contours == () for patient in index_tree(tree))


def test_index_tree_hidden_files_are_left_out(tree):
    (contour_of(tree).parent / "._IM-0001-0059-icontour-manual.txt").write_bytes(b"\0\5\x16\7")
    (next(tree.glob("dicoms/*")) / "._1.dcm").write_bytes(b"\0\5\x16\7")
    patients = index_tree(tree)
    files = [file.name for patient in patients for file in (*patient.images, *(c.path for c in patient.contours))]
    assert files
    assert not any(name.startswith(".") for name in files)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "has no column 'patient_id'"),
        ("patient_id,original_id\n", "has no patients"),
        ("patient_id,original\nPHANTOM0001,PH-01\n", "has no column 'original_id'; .* patient_id and original_id"),
        ("patient_id,original_id\nPHANTOM0001,PH-01,1\n", "has a wrong number of cells in line 2; expected 2, got 3"),
        (
            "patient_id,original_id\n../outside,PH-01\n",
            r"has an invalid patient_id; expected a folder name, got '\.\./outside'",
        ),
        ("patient_id,original_id\nPHANTOM0001,/etc\n", "has an invalid original_id; .* got '/etc'"),
        ("patient_id,original_id\nPHANTOM0001,..\n", r"has an invalid original_id; .* got '\.\.'"),
        ("patient_id,original_id\nPHANTOM0001\n", "has an invalid original_id; .* got ''"),
        ("patient_id,original_id\nPHANTOM0001,PH-01\nPHANTOM0001,PH-02\n", "more than once"),
        ("patient_id,original_id\nPHANTOM0009,PH-09\n", r"PHANTOM0009: has no \.dcm file"),
    ],
)
def test_index_tree_invalid_table_is_an_error(tree, table, message):
    (tree / "link.csv").write_text(table)
    with pytest.raises(DataError, match=message):
        index_tree(tree)


def test_index_tree_binary_table_is_an_error(tree):
    (tree / "link.csv").write_bytes(b"\xff\xfe\x00patient_id")
    with pytest.raises(DataError, match=r"link\.csv: cannot be read"):
        index_tree(tree)


def test_index_tree_link_out_of_the_tree_is_an_error(tree, tmp_path):
    outside = tmp_path / "IM-0001-0059-icontour-manual.txt"
    outside.write_text("1 1\n5 1\n5 5\n")
    (contour_of(tree).parent / "IM-0001-9999-icontour-manual.txt").symlink_to(outside)
    with pytest.raises(DataError, match="is a link out of"):
        index_tree(tree)


def test_index_tree_other_text_file_is_an_error(tree):
    (contour_of(tree).parent / "notes.txt").write_text("hello")
    with pytest.raises(DataError, match=r"notes\.txt: is not named as a contour"):
        index_tree(tree)


def test_index_tree_unknown_layout_is_an_error(tmp_path):
    with pytest.raises(DataError, match="has no known layout"):
        index_tree(tmp_path)
    (tmp_path / "1.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(DataError, match=r"has no known layout; expected link\.csv beside"):
        index_tree(tmp_path)
    with pytest.raises(DataError, match="is not a folder"):
        index_tree(tmp_path / "1.jpg")
    with pytest.raises(DataError, match="does not exist"):
        index_tree(tmp_path / "absent")
