import json
import os
import shutil
from pathlib import Path

import pytest

from tests.inference.planted import write_planted_run
from tests.png_tree import write_png_tree
from tests.small_tree import write_small_tree


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_planted_run(tmp_path_factory.mktemp("planted") / "run", 150.0)


@pytest.fixture
def segment(run_command):
    return lambda *arguments: run_command("segment", *arguments)


def test_segment_of_a_tree_writes_masks_contours_and_volumes(segment, run, tmp_path):
    radius = lambda slice_, phase: 5.0 - phase  # noqa: E731
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1", "P2": "O2"}, slices=3, phases=2, radius=radius)
    (tree / "re[red]port.pdf").touch()
    code, out, err = segment(tree, tmp_path / "out", "--run", run)
    assert (code, err) == (0, "")
    result = json.loads((tmp_path / "out" / "segmentation.json").read_text())
    assert result["network"] == {"run": str(run)}
    assert [path.parent.name for path in sorted((tmp_path / "out" / "masks").glob("*/1_mask.png"))] == ["P1", "P2"]
    contours = sorted(path.name for path in (tmp_path / "out" / "contours" / "P1").iterdir())
    assert contours == [f"IM-0001-000{number}-icontour-auto.txt" for number in range(1, 7)]
    for study in result["studies"]:
        figures = [study["ed"]["volume_ml"], study["es"]["volume_ml"], study["ejection_fraction_percent"]]
        assert [study["name"], "6", "6", *(f"{figure:.0f}" for figure in figures)] in [
            [cell.strip() for cell in line.strip("│").split("│")][:6] for line in out.splitlines()
        ]
        assert 20 < study["ejection_fraction_percent"] < 60
    assert "no mask: re[red]port.pdf: is neither DICOM nor PNG" in out
    assert f"masks, contours and overlays in {tmp_path / 'out'}" in out


def test_segment_with_pixel_spacing_uses_it_for_png_images(segment, run, tmp_path):
    root = write_png_tree(tmp_path / "images")
    (root / "patients.csv").unlink()
    code, out, err = segment(root / "images", tmp_path / "out", "--run", run, "--pixel-spacing", "2")
    assert (code, err) == (0, "")
    assert "the pixel spacing" not in out
    for image in json.loads((tmp_path / "out" / "segmentation.json").read_text())["images"]:
        assert image["area_mm2"] == 4 * image["area_pixels"]
    code, _, err = segment(root, tmp_path / "other", "--run", run, "--pixel-spacing", "-1")
    assert (code, err.count("\n")) == (2, 1)
    assert "--pixel-spacing" in err


def test_segment_with_many_skipped_files_counts_the_rest(segment, run, tmp_path):
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1"}, slices=1, phases=1)
    for i in range(30):
        (tree / f"{i}.pdf").touch()
    code, out, _ = segment(tree, tmp_path / "out", "--run", run)
    assert code == 0
    assert out.count("no mask: ") == 11
    assert "no mask: 20 more files" in out
    assert len(json.loads((tmp_path / "out" / "segmentation.json").read_text())["skipped"]) == 30


@pytest.mark.parametrize("nothing", ["an empty folder", "a PDF", "a missing folder"])
def test_segment_without_images_prints_one_line_and_writes_nothing(segment, run, tmp_path, nothing):
    source = tmp_path / "source"
    if nothing != "a missing folder":
        source.mkdir()
    if nothing == "a PDF":
        source = source / "report.pdf"
        source.write_bytes(b"%PDF-1.7")
    code, out, err = segment(source, tmp_path / "out", "--run", run)
    assert (code, out.strip(), err.count("\n")) == (1, "", 1)
    assert err.startswith(f"keras-lvseg: error: {source}: ")
    assert not (tmp_path / "out").exists()


def test_segment_writes_to_the_working_directory(segment, run, tmp_path, monkeypatch):
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1"}, slices=1, phases=1)
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    code, _, err = segment(tree, ".", "--run", run)
    assert (code, err) == (0, "")
    assert {path.name for path in Path().iterdir()} == {"contours", "masks", "overlays", "segmentation.json"}


def test_segment_checks_that_the_output_is_writable_before_it_reads(segment, tmp_path):
    (tmp_path / "file").touch()
    code, _, err = segment(tmp_path / "absent", tmp_path / "file" / "out")
    assert (code, err.count("\n")) == (1, 1)
    assert f"{tmp_path / 'file' / 'out'}: cannot be written (Not a directory)" in err


@pytest.mark.parametrize("name", [b"scan[bold]", b":heart:", b"caf\xe9"])
def test_segment_shows_file_names_literally(segment, run, tmp_path, name):
    folder = tmp_path / os.fsdecode(name)
    try:
        tree = write_small_tree(folder, {"P1": "O1"}, slices=1, phases=1)
    except OSError:
        pytest.skip("the file system takes names of text only")
    shutil.move(next(tree.glob("dicoms/P1/*.dcm")), folder)
    for known in ("dicoms", "contourfiles"):
        shutil.rmtree(tree / known)
    (tree / "link.csv").rename(folder / os.fsdecode(name + b".pdf"))
    code, out, err = segment(folder, tmp_path / "out", "--run", run)
    assert (code, err) == (0, "")
    shown = os.fsdecode(name).encode("utf-8", "backslashreplace").decode()
    assert [line.split()[1] for line in out.splitlines() if line.startswith("│")] == [shown]
    assert f"no mask: {shown}.pdf: is neither DICOM nor PNG" in out
    (study,) = json.loads((tmp_path / "out" / "segmentation.json").read_text())["studies"]
    assert os.fsencode(study["name"]) == name


def test_segment_checks_that_the_output_is_empty_before_it_reads(segment, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    code, _, err = segment(tmp_path / "absent", tmp_path / "out")
    assert (code, err.count("\n")) == (1, 1)
    assert f"{tmp_path / 'out'}: is not empty" in err
