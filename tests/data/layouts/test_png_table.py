import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from keras_lvseg.data import SAXDataset
from keras_lvseg.data.layouts import index_tree
from keras_lvseg.errors import DataError
from keras_lvseg.io.png import read_png_label
from keras_lvseg.studies.frame_images import read_image
from tests.png_tree import FOLDERS, write_png, write_png_tree, write_table

ids = (
    st.text("abzAB019-_ ,.;é", min_size=1, max_size=8).map(str.strip).filter(lambda name: name.strip(".") == name != "")
)
lengths = st.floats(0.1, 10)


@st.composite
def cohorts(draw):
    """Rows of a table, and each patient's frames: images and, for some, labels, by number."""
    names = draw(st.lists(ids, min_size=2, max_size=6, unique=True))
    rows = []
    for patient_id, original_id in zip(names[::2], names[1::2], strict=False):
        row = {"patient_id": patient_id, "pixel_spacing_mm": draw(lengths), "notes": "others are passed over"}
        row["original_id"] = draw(st.sampled_from([original_id, ""]))
        row["slice_spacing_mm"] = draw(st.one_of(lengths, st.just("")))
        row["phases"] = draw(st.one_of(st.integers(1, 40), st.just("")))
        rows.append(row)
    pixels = st.sampled_from([np.uint8, np.uint16]).flatmap(lambda kind: npst.arrays(kind, (4, 5)))
    frames = st.dictionaries(st.integers(1, 900), st.tuples(pixels, labels, labels), min_size=1, max_size=4)
    return rows, [draw(frames) for _ in rows]


labels = st.one_of(st.none(), npst.arrays(bool, (4, 5)).filter(np.any))


@given(cohorts(), st.sampled_from(["", "-IM-0001"]), st.sampled_from([".png", ".dcm.png"]))
def test_index_tree_any_cohort_is_read_as_written(cohort, between, suffix):
    rows, frames = cohort
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        write_table(root, rows)
        for row, own in zip(rows, frames, strict=True):
            for number, (pixels, *drawn) in own.items():
                name = f"{row['original_id'] or row['patient_id']}{between}-{number:04}{suffix}"
                write_png(root / "images" / name, pixels)
                for mask, labels_folder in zip(drawn, FOLDERS.values(), strict=True):
                    if mask is not None:
                        write_png(root / labels_folder / name, mask.astype(np.uint8))
        patients = index_tree(root)
        assert [patient.patient_id for patient in patients] == [row["patient_id"] for row in rows]
        for row, own, patient in zip(rows, frames, patients, strict=True):
            phases = row["phases"] or 20
            assert patient.original_id == (row["original_id"] or row["patient_id"])
            assert patient.phases == phases
            assert [frame.instance_number for frame in patient.frames] == sorted(own)
            for frame in patient.frames:
                assert frame.slice * phases + frame.phase + 1 == frame.instance_number
                assert 0 <= frame.phase < phases
                assert frame.pixel_spacing == (row["pixel_spacing_mm"],) * 2
                assert frame.slice_spacing == (row["slice_spacing_mm"] or None)
                pixels, *drawn = own[frame.instance_number]
                np.testing.assert_array_equal(read_image(frame), pixels)
                assert frame.shape == pixels.shape
                for mask, path in zip(drawn, (frame.endocardium, frame.epicardium), strict=True):
                    assert (mask is None) == (path is None)
                    assert mask is None or (read_png_label(path) == mask).all()


@pytest.fixture(scope="module")
def png_tree(tmp_path_factory):
    """A tree whose table each test writes anew."""
    return write_png_tree(tmp_path_factory.mktemp("pictures") / "tree", numbers=(1,))


@pytest.fixture
def tree(tmp_path):
    return write_png_tree(tmp_path.resolve() / "tree")


def test_index_tree_names_with_a_common_start_go_to_the_longer_one(tmp_path):
    write_table(tmp_path, [{"patient_id": name, "pixel_spacing_mm": 1} for name in ("P", "P-1", "P-10")])
    for name in ("P-2-0001", "P-1-0001", "P-10-0001"):
        write_png(tmp_path / "images" / f"{name}.png", np.eye(3, dtype=np.uint8))
    owners = {p.patient_id: [frame.path.stem for frame in p.frames] for p in index_tree(tmp_path)}
    assert owners == {"P": ["P-2-0001"], "P-1": ["P-1-0001"], "P-10": ["P-10-0001"]}


def test_index_tree_without_label_folders_has_no_labels(tree):
    shutil.rmtree(tree / "o_labels")
    assert not any(frame.epicardium for patient in index_tree(tree) for frame in patient.frames)
    shutil.rmtree(tree / "i_labels")
    assert not any(frame.endocardium for patient in index_tree(tree) for frame in patient.frames)
    (patient, _) = SAXDataset(tree).patients
    assert (patient.phases, patient.ed_phase, patient.edv_ml) == (20, None, None)


def test_index_tree_hidden_files_are_left_out(tree):
    for folder in ("images", "i_labels"):
        (tree / folder / "._P1-0001.png").write_bytes(b"\0\5\x16\7")
    assert len(SAXDataset(tree).frames) == 8


def rewrite(name, **changes):
    """A table of one patient with other cells; None leaves a column out."""
    row = {"patient_id": name, "pixel_spacing_mm": 1.5, "slice_spacing_mm": 8} | changes
    return {column: cell for column, cell in row.items() if cell is not None}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([rewrite("P1")], r"P2-0001\.png: has no patient in patients\.csv"),
        ([rewrite("P1"), rewrite("P2"), rewrite("P3")], r"patients\.csv: has patient 'P3', who has no image"),
        ([rewrite("P1"), rewrite("P1")], "has patient_id 'P1' more than once"),
        ([rewrite("P1", original_id="P2"), rewrite("P2")], "has original_id 'P2' more than once"),
        ([rewrite("../P1"), rewrite("P2")], r"has an invalid patient_id; expected a folder name, got '\.\./P1'"),
        ([rewrite("P1", pixel_spacing_mm=None)], r"has no column 'pixel_spacing_mm'; .* patient_id and"),
        ([rewrite("P1", original_id="P2"), rewrite("P2", original_id="P1")], "'P2' of patient 'P1', which is another"),
        ([rewrite("P1", original_id="P2"), rewrite("P2", original_id="P3")], "'P2' of patient 'P1', which is another"),
        ([rewrite("P1"), rewrite("P2", pixel_spacing_mm="")], "has no pixel_spacing_mm of patient 'P2'"),
        (
            [rewrite("P1", pixel_spacing_mm="1,5"), rewrite("P2")],
            r"has an invalid pixel_spacing_mm of patient 'P1'; expected 0\.1 to 10 mm, got '1,5'",
        ),
        ([rewrite("P1", pixel_spacing_mm="nan"), rewrite("P2")], "invalid pixel_spacing_mm .* got 'nan'"),
        ([rewrite("P1", pixel_spacing_mm=1e300), rewrite("P2")], r"invalid pixel_spacing_mm .* got '1e\+300'"),
        ([rewrite("P1", pixel_spacing_mm=0.09), rewrite("P2")], r"invalid pixel_spacing_mm .* got '0\.09'"),
        ([rewrite("P1", pixel_spacing_mm="1_0"), rewrite("P2")], "invalid pixel_spacing_mm .* got '1_0'"),
        (
            [rewrite("P1", slice_spacing_mm=-8), rewrite("P2")],
            "has an invalid slice_spacing_mm of patient 'P1'; .* got '-8'",
        ),
        ([rewrite("P1", slice_spacing_mm="inf"), rewrite("P2")], "of patient 'P1'; expected 0.1 to 100 mm, got 'inf'"),
        (
            [rewrite("P1", phases=0), rewrite("P2", phases=20)],
            "has an invalid phases of patient 'P1'; expected 1 to 1000, got '0'",
        ),
        ([rewrite("P1", phases="20.5"), rewrite("P2", phases=20)], r"invalid phases .* got '20\.5'"),
        ([rewrite("P1", phases="1001"), rewrite("P2", phases=20)], "invalid phases .* got '1001'"),
    ],
)
def test_index_tree_invalid_table_is_an_error(tree, rows, message):
    write_table(tree, rows)
    with pytest.raises(DataError, match=message):
        index_tree(tree)


@pytest.mark.parametrize("row", ["P1,1,5", "P1,1,5,,", 'P1,"1,5",x'])
def test_index_tree_row_with_too_many_cells_is_an_error(tree, row):
    (tree / "patients.csv").write_text(f"patient_id,pixel_spacing_mm\nP2,1.5\n\n{row}\n")
    with pytest.raises(DataError, match="has a wrong number of cells in line 4; expected 2, got"):
        index_tree(tree)


@given(st.sampled_from(["", " ", "\t "]), st.sampled_from(["20", "20.0", "20.", ""]), st.sampled_from(["", ",", ",,"]))
def test_index_tree_blanks_empty_cells_and_float_integers_are_accepted(png_tree, blank, phases, end):
    head = f",{blank}".join(["patient_id", "pixel_spacing_mm", "phases"]) + blank
    rows = [f",{blank}".join([name, "1.5", phases]) + blank + end for name in ("P1", "P2")]
    (png_tree / "patients.csv").write_text("\n".join([head, *rows, ""]))
    patients = index_tree(png_tree)
    assert [(patient.patient_id, patient.phases) for patient in patients] == [("P1", 20), ("P2", 20)]
    assert {frame.pixel_spacing for patient in patients for frame in patient.frames} == {(1.5, 1.5)}


SQUARE = np.eye(20, 16, dtype=np.uint8)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("images/P1.png", SQUARE, r"P1\.png: has no number in its name; expected <patient_id>-<NNNN>\.png"),
        ("images/P3-0001.png", SQUARE, r"P3-0001\.png: has no patient"),
        ("images/P1-1.png", SQUARE, r"P1-1\.png: has the number of P1-0001\.png"),
        ("images/P1-x-0001.png", SQUARE, r"P1-x-0001\.png: has the number of P1-0001\.png"),
        ("images/P1-0000.png", SQUARE, r"P1-0000\.png: has number 0, which is slice -1 with 20 phases"),
        ("images/P1-20001.png", SQUARE, r"has number 20001, which is slice 1000 with 20 phases"),
        ("images/P1-0001.png", b"GIF89a", r"images/P1-0001\.png: is not a PNG file"),
        ("i_labels/P1-0002.png", SQUARE, r"i_labels/P1-0002\.png: is a label without an image"),
        (
            "o_labels/P1-0001.png",
            SQUARE.T,
            r"o_labels/P1-0001\.png: has another size than its image; expected 20 x 16 pixels, got 16 x 20 pixels",
        ),
        ("o_labels/P1-0001.png", b"", r"o_labels/P1-0001\.png: is not a PNG file"),
    ],
)
def test_index_tree_unexpected_image_or_label_is_an_error(tree, name, content, message):
    if isinstance(content, bytes):
        (tree / name).write_bytes(content)
    else:
        write_png(tree / name, content)
    with pytest.raises(DataError, match=message):
        index_tree(tree)


def test_index_tree_without_images_is_an_error(tree):
    for path in tree.glob("images/*"):
        path.unlink()
    with pytest.raises(DataError, match=r"images: has no \.png file"):
        index_tree(tree)


def test_index_tree_link_out_of_the_tree_is_an_error(tree, tmp_path):
    outside = write_png(tmp_path / "outside.png", SQUARE)
    (tree / "images" / "P1-0002.png").symlink_to(outside)
    with pytest.raises(DataError, match="is a link out of"):
        index_tree(tree)


def test_index_tree_label_folder_of_another_name_is_one_line(tmp_path):
    root = write_png_tree(tmp_path / "tree")
    (root / "i_labels").rename(root / "labels")
    with pytest.raises(DataError, match=r"tree/labels: is not a name of a label folder; expected i_labels/"):
        index_tree(root)


def test_index_tree_images_without_table_names_the_table(tmp_path):
    root = write_png_tree(tmp_path / "tree")
    (root / "patients.csv").unlink()
    with pytest.raises(DataError, match=r"tree: has PNG files in images/ and no patients\.csv; expected patients"):
        index_tree(root)
