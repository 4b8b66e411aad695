import json

import pytest

from tests.inference.planted import write_planted_run
from tests.small_tree import write_small_tree


def test_export_prints_and_keeps_the_comparison(run_command, tmp_path):
    for module in ("onnx", "onnxruntime"):
        pytest.importorskip(module, reason="needs the extra 'onnx'")
    run = write_planted_run(tmp_path / "run", 100.0, image_size=(32, 48))
    images = write_small_tree(tmp_path / "tree", {"P1": "O1"}, slices=2, phases=1)
    code, out, err = run_command("export", run, tmp_path / "out", "--format", "onnx", "--images", images)
    assert (code, err) == (0, "")
    parity = json.loads((tmp_path / "out" / "parity.json").read_text())
    assert f"{parity['computed_by']} and {parity['compared_with']}, on 2 images" in out
    assert "100.0000% of the pixels have the same class" in out


def test_export_of_no_run_is_one_line(run_command, tmp_path):
    code, _, err = run_command("export", tmp_path / "absent", tmp_path / "out", "--format", "onnx")
    assert code in (1, 2)  # 2 without the extra
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()
