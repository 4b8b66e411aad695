import pytest

from benchmarks.speed.segment_speed import pooled
from benchmarks.speed.sizes import table


def test_pooled_mean_counts_images():
    assert pooled([(1, 0.5), (3, 0.9)]) == (4, pytest.approx(0.8))


def test_table_has_a_row_per_size_and_number_of_views():
    row = {
        "filters": 16,
        "depth": 4,
        "parameters": 1_942_306,
        "steps": 2000,
        "views": 2,
        "images": 532,
        "dice": 0.87654,
    }
    seconds = {f"{engine} {clock}": 0.0101 for engine in ("openvino", "onnx", "keras") for clock in ("wall", "cpu")}
    page = "\n".join(table([row | seconds], "tensorflow", 7, "sizes.png"))
    assert "| 16 | 4 | 1,942,306 | 2 | 0.877 | 10.1 (10.1) | 10.1 (10.1) | 10.1 (10.1) |" in page
    assert "with 2,000 steps instead of 8,000" in page
    assert "](sizes.png)" in page
