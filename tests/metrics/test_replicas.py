"""Ten images, scored on one device and on two."""

import json

import pytest

from tests.harness import BACKEND, ROOT, run_in_new_process
from tests.metrics.evaluate_on_replicas import evaluated

pytestmark = pytest.mark.slow


@pytest.mark.skipif(BACKEND == "torch", reason="keras has no distribution for PyTorch")
def test_dice_on_two_devices_equals_one_device(tmp_path):
    report = tmp_path / "report.json"
    run_in_new_process(
        ROOT / "tests" / "metrics" / "evaluate_on_replicas.py",
        str(report),
        XLA_FLAGS="--xla_force_host_platform_device_count=2",
    )
    alone = evaluated([1, 3, 4, 10])
    _, dice, pooled, loss = alone[-1]
    assert 0.3 < dice < 0.95
    assert abs(dice - pooled) > 1e-3
    for row in alone + json.loads(report.read_text()):
        assert row[1:] == pytest.approx([dice, pooled, loss], abs=1e-6), row
