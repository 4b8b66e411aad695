import csv
import json
import os
import shutil
from pathlib import Path

import pytest

from keras_lvseg.files import locked_directory
from tests.inference.planted import write_planted_run
from tests.png_tree import write_png_tree
from tests.small_tree import images_of, write_small_tree

SUMMARY = {"volumes.csv", "segmentation.json", "index.html"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_planted_run(tmp_path_factory.mktemp("planted") / "run", 150.0)


@pytest.fixture
def segment(run_command, run):
    return lambda *arguments: run_command("segment", *arguments, "--run", run)


def names_in(folder):
    return {path.name for path in folder.iterdir()}


def test_segment_of_a_tree_writes_studies_and_prints_volumes(segment, tmp_path):
    radius = lambda slice_, phase: 5.0 - phase  # noqa: E731
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1", "P2": "O2"}, slices=3, phases=2, radius=radius)
    (tree / "re[red]port.pdf").touch()
    out = tmp_path / "out"
    code, shown, err = segment(tree, out)
    assert (code, err) == (0, "")
    assert names_in(out) == SUMMARY | {"P1", "P2"}
    assert names_in(out / "P1") == {"masks", "report.html", "study.json"}
    with (out / "volumes.csv").open(newline="") as file:
        for study in csv.DictReader(file):
            figures = [study["edv_ml"], study["esv_ml"], study["ejection_fraction_percent"]]
            assert [study["study"], *(f"{float(figure):.0f}" for figure in figures)] in [
                [cell.strip() for cell in line.strip("│").split("│")][:4] for line in shown.splitlines()
            ]
            assert 20 < float(study["ejection_fraction_percent"]) < 60
    assert "no mask: re[red]port.pdf: is neither DICOM nor NIfTI nor PNG" in shown
    assert f"results in {out}, all studies in {out / 'index.html'}" in shown


def test_segment_write_chooses_the_files(segment, tmp_path):
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1"}, slices=2, phases=2)
    assert segment(tree, tmp_path / "out", "--write", "nifti, dicom-seg")[0] == 0
    assert names_in(tmp_path / "out" / "P1") == {"masks.nii.gz", "segmentation", "study.json"}
    assert segment(tree, tmp_path / "less", "--write", "")[0] == 0
    assert names_in(tmp_path / "less" / "P1") == {"study.json"}
    code, _, err = segment(tree, tmp_path / "new", "--write", "masks,pictures")
    assert (code, err.count("\n"), (tmp_path / "new").exists()) == (2, 1, False)
    assert "'pictures' is not one of masks, report, contours, overlays, nifti, dicom-seg" in err


def test_segment_failed_study_is_exit_code_1_and_resumes(segment, tmp_path):
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1", "P2": "O2"}, slices=2, phases=2)
    whole = {path: path.read_bytes() for path in images_of(tree, "P1")}
    for path, content in whole.items():
        # The pixels cannot be decoded, which the header does not show.
        path.write_bytes(content.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0"))
    code, shown, err = segment(tree, tmp_path / "out")
    assert (code, err) == (1, "")
    assert "failed: P1: no image can be read; 4.dcm is damaged" in shown
    assert names_in(tmp_path / "out") == SUMMARY | {"P2"}
    for path, content in whole.items():
        path.write_bytes(content)
    code, shown, err = segment(tree, tmp_path / "out")
    assert (code, "is not empty" in err) == (1, True)
    code, shown, err = segment(tree, tmp_path / "out", "--resume")
    assert (code, err, "failed: " in shown) == (0, "", False)
    assert names_in(tmp_path / "out") == SUMMARY | {"P1", "P2"}


def test_segment_anonymous_prints_no_name(segment, tmp_path):
    tree = write_small_tree(tmp_path / "tree", {"DOE": "O1"}, slices=2, phases=2)
    (tree / "Jane.pdf").touch()
    code, shown, err = segment(tree, tmp_path / "out", "--anonymous")
    assert (code, err) == (0, "")
    assert "study-0001" in shown
    assert "no mask: a file: cannot be segmented" in shown
    assert not any(name in shown for name in ("DOE", "Jane"))


def test_segment_refuses_a_folder_in_use(segment, tmp_path):
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1"}, slices=2, phases=2)
    with locked_directory(tmp_path / "out"):
        for options in ([], ["--resume"]):
            code, _, err = segment(tree, tmp_path / "out", *options)
            assert (code, err.count("\n")) == (1, 1)
            assert f"{tmp_path / 'out'}: is in use by another process" in err


def test_segment_with_pixel_spacing_uses_it_for_png_images(segment, tmp_path):
    root = write_png_tree(tmp_path / "images")
    (root / "patients.csv").unlink()
    code, shown, err = segment(root / "images", tmp_path / "out", "--pixel-spacing", "2")
    assert (code, err) == (0, "")
    assert "the pixel spacing" not in shown
    (path,) = (tmp_path / "out").glob("*/study.json")
    for image in json.loads(path.read_text())["images"]:
        assert image["area_mm2"] == 4 * image["area_pixels"]
    code, _, err = segment(root, tmp_path / "other", "--pixel-spacing", "-1")
    assert (code, err.count("\n")) == (2, 1)
    assert "--pixel-spacing" in err


def test_segment_with_many_skipped_files_counts_the_rest(segment, tmp_path):
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1"}, slices=1, phases=1)
    for i in range(30):
        (tree / f"{i}.pdf").touch()
    code, shown, _ = segment(tree, tmp_path / "out")
    assert code == 0
    assert shown.count("no mask: ") == 11
    assert "no mask: 20 more files" in shown
    assert len(json.loads((tmp_path / "out" / "segmentation.json").read_text())["skipped"]) == 30


@pytest.mark.parametrize("nothing", ["an empty folder", "a PDF", "a missing folder"])
def test_segment_without_images_prints_one_line_and_writes_nothing(segment, tmp_path, nothing):
    source = tmp_path / "source"
    if nothing != "a missing folder":
        source.mkdir()
    if nothing == "a PDF":
        source = source / "report.pdf"
        source.write_bytes(b"%PDF-1.7")
    code, shown, err = segment(source, tmp_path / "out")
    assert (code, shown.strip(), err.count("\n")) == (1, "", 1)
    assert err.startswith(f"keras-lvseg: error: {source}: ")
    assert not (tmp_path / "out").exists()


def test_segment_writes_to_the_working_directory(segment, tmp_path, monkeypatch):
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1"}, slices=1, phases=1)
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    code, _, err = segment(tree, ".")
    assert (code, err) == (0, "")
    assert names_in(Path()) == SUMMARY | {"P1"}


def test_segment_checks_that_the_output_is_writable_before_it_reads(segment, tmp_path):
    (tmp_path / "file").touch()
    code, _, err = segment(tmp_path / "absent", tmp_path / "file" / "out")
    assert (code, err.count("\n")) == (1, 1)
    assert f"{tmp_path / 'file' / 'out'}: cannot be written (Not a directory)" in err


def test_segment_checks_that_the_output_is_empty_before_it_reads(segment, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    code, _, err = segment(tmp_path / "absent", tmp_path / "out")
    assert (code, err.count("\n")) == (1, 1)
    assert f"{tmp_path / 'out'}: is not empty" in err
    assert names_in(tmp_path / "out") == {"mine.txt"}


@pytest.mark.parametrize(
    ("name", "folder"), [(b"scan[bold]", "scan[bold]"), (b":heart:", "_heart_"), (b"=1\xe9", "=1_")]
)
def test_segment_takes_any_file_name(segment, tmp_path, name, folder):
    source = tmp_path / os.fsdecode(name)
    try:
        tree = write_small_tree(source, {"P1": "O1"}, slices=1, phases=1, PatientID="")
    except OSError:
        pytest.skip("the file system takes names of text only")
    shutil.move(next(tree.glob("dicoms/P1/*.dcm")), source)
    for known in ("dicoms", "contourfiles"):
        shutil.rmtree(tree / known)
    (tree / "link.csv").rename(source / os.fsdecode(name + b".pdf"))
    code, shown, err = segment(source, tmp_path / "out")
    assert (code, err) == (0, "")
    assert [line.split()[1] for line in shown.splitlines() if line.startswith("│")] == [folder]
    written = os.fsdecode(name).encode("utf-8", "backslashreplace").decode()
    assert f"no mask: {written}.pdf: is neither DICOM nor NIfTI nor PNG" in shown
    assert names_in(tmp_path / "out") == SUMMARY | {folder}
    row = (tmp_path / "out" / "volumes.csv").read_text().splitlines()[1]
    assert row.startswith(("'" if folder.startswith("=") else "") + folder + ",,1,1,")


@pytest.mark.parametrize("columns", ["20", "80"])
def test_segment_fits_terminals(segment, tmp_path, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    radius = lambda slice_, phase: 5.0 - phase  # noqa: E731
    tree = write_small_tree(tmp_path / "tree", {"PATIENT-0001": "O1"}, slices=3, phases=2, radius=radius)
    code, shown, _ = segment(tree, tmp_path / "out")
    assert code == 0
    table = shown[: shown.index("PATIENT-0001: few-slices: ")]
    assert all(len(line) <= int(columns) for line in table.splitlines())
    (study,) = json.loads((tmp_path / "out" / "segmentation.json").read_text())["studies"]
    assert f"{study['edv_ml']:.0f}" in table
    assert "PATIENT-0001" in table
