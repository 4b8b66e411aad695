import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.speed.steps import sentence_of_peers_ahead, table

ROOT = Path(__file__).parents[3]
OURS, BARE, PLAIN = "keras-lvseg, JAX", "same layers, plain Keras, JAX", "same layers, plain PyTorch"


def times(ours: float, bare: float, plain: float) -> dict[str, list[list[float]]]:
    """Wall and CPU seconds of two rounds; the second round is twice as slow for all."""
    own = {OURS: ours, BARE: bare, PLAIN: plain}
    return {name: [[3 * seconds, seconds], [6 * seconds, 2 * seconds]] for name, seconds in own.items()}


def test_peers_ahead_are_named_with_their_part_of_our_time():
    sentence = sentence_of_peers_ahead(times(0.2, 0.3, 0.1), "prediction")
    assert f"{PLAIN} (0.50)" in sentence
    assert BARE not in sentence


def test_no_peer_ahead_is_said():
    assert "none" in sentence_of_peers_ahead(times(0.2, 0.3, 0.4), "prediction")


def test_table_has_ratios_within_a_round_and_the_share_of_a_core():
    of_work = times(0.2, 0.1, 0.4)
    page = "\n".join(table({OURS: [5, 2 * 10**9]}, {"prediction": of_work}, 1 / 3, "steps.png"))
    assert f"| {OURS} | 300.0 | 0.50 | 0.50 | 2.00 | 2.00 |" in page
    assert "had 33% of one core" in page
    assert "](steps.png)" in page
    assert f"| {OURS} | 5 | 2.00 x 10^9 |" in page


@pytest.mark.slow
def test_steps_at_toy_size_measures_every_network_once_a_round(tmp_path):
    for package in ("jax", "torch", "monai", "medicai", "keras_unet_collection"):
        pytest.importorskip(package)
    for package in ("openvino", "onnxruntime"):
        pytest.importorskip(package, reason="needs the extras 'openvino' and 'onnx'")
    page = tmp_path / "step_speed.md"
    command = [sys.executable, "-m", "benchmarks.speed.steps", str(page), "--toy", "--rounds", "2"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr

    from benchmarks.speed.networks import NETWORKS

    found = json.loads(page.with_suffix(".json").read_text())
    engines = {"keras-lvseg, OpenVINO", "keras-lvseg, ONNX Runtime"}
    for work, of_work in found["wall and CPU seconds per image"].items():
        assert set(of_work) == set(NETWORKS) - (engines if work == "training step" else set())
        assert all(len(own) == 2 and min(map(min, own)) > 0 for own in of_work.values())
    parameters = {name: size[0] for name, size in found["sizes"].items()}
    assert len({parameters[name] for name in NETWORKS if name.startswith(("keras-lvseg", "same layers"))}) == 1
    assert page.with_suffix(".png").stat().st_size > 1000
