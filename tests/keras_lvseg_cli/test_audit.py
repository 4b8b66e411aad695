import json
import shutil

import pytest

WIDTH = 80


@pytest.fixture
def run_audit(run_command, monkeypatch):
    """Run the command on a terminal of 80 columns; gives exit code, stdout and stderr."""
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    return lambda *arguments: run_command("audit", *arguments)


@pytest.fixture
def faulty(phantom_tree, tmp_path):
    """A tree whose first patient has the epicardial contours of the second, and a name that looks like markup."""
    tree = shutil.copytree(phantom_tree, tmp_path / "tree")
    (tree / "contourfiles/PH-01").rename(tree / "contourfiles/[bold]")
    (tree / "link.csv").write_text((tree / "link.csv").read_text().replace("PH-01", "[bold]"))
    others = sorted((tree / "contourfiles/PH-02/o-contours").iterdir())
    for own, other in zip(sorted((tree / "contourfiles/[bold]/o-contours").iterdir()), others, strict=False):
        shutil.copy(other, own)
    return tree


def test_audit_of_a_tree_without_errors_exits_with_0(run_audit, phantom_tree):
    code, out, err = run_audit(phantom_tree)
    assert (code, err) == (0, "")
    assert "missing-frames" in out
    assert out.splitlines()[-1].startswith("patients: 3, images: ")
    assert out.splitlines()[-1].endswith("; errors: 0, warnings: 3")


def test_audit_of_a_tree_with_an_error_exits_with_1_and_prints_a_table(run_audit, faulty):
    code, out, err = run_audit(faulty)
    assert (code, err) == (1, "")
    assert "repeated-contour: All but one of these contours" in out
    assert "PHANTOM0001, PHANTOM0002: share" in out
    assert "contourfiles/[bold]/o-contours/IM-0001-" in out
    assert max(map(len, out.splitlines())) <= WIDTH
    assert out.index("error") < out.index("warning")


def test_audit_with_json_prints_json_only(run_audit, faulty):
    code, out, err = run_audit(faulty, "--json")
    assert (code, err) == (1, "")
    report = json.loads(out)
    assert report["root"] == str(faulty)
    assert report["errors"] == sum(finding["severity"] == "error" for finding in report["findings"]) > 0
    repeated = next(finding for finding in report["findings"] if finding["code"] == "repeated-contour")
    assert all((faulty / file).is_file() for file in repeated["files"])


def test_audit_of_a_folder_without_data_prints_one_line(run_audit, tmp_path):
    code, out, err = run_audit(tmp_path, "--json")
    assert (code, out) == (1, "")
    assert err.startswith(f"keras-lvseg: error: {tmp_path}: has no known layout")
    assert err.count("\n") == 1
