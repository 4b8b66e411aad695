import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.speed.gpu import multiply_adds
from benchmarks.speed.networks import FILTERS

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_gpu_benchmark_at_toy_size_writes_a_row_per_network_and_its_json(tmp_path):
    pytest.importorskip("jax")
    pytest.importorskip("monai")
    page = tmp_path / "gpu_speed.md"
    command = [sys.executable, "-m", "benchmarks.speed.gpu", str(page), "--toy"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr

    peak, *rows = json.loads(page.with_suffix(".json").read_text())
    assert peak["multiply_adds"] > 0
    assert [row["name"] for row in rows] == [
        "unet, Keras on jax",
        "unet, Keras on torch",
        "MONAI BasicUNet, PyTorch",
    ]
    assert all(row["fixed"] > 0 and row["nvidia"] > 0 for row in rows)
    assert all(row["augmented"] > 0 for row in rows[:2])
    table = page.read_text()
    assert len(re.findall(r"^\| (unet|MONAI)", table, re.MULTILINE)) == 3
    assert "toy size" in table.splitlines()[2]


@pytest.mark.slow
def test_multiply_adds_of_the_unet_equal_what_pytorch_counts():
    torch = pytest.importorskip("torch")
    from benchmarks.speed.networks import plain_torch
    from benchmarks.speed.steps import multiply_adds as counted

    with torch.no_grad():
        assert counted(plain_torch().predict_on_batch, 32) == multiply_adds(32, FILTERS)
