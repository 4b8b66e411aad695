import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from keras_lvseg.geometry import crossed_area, polygon_mask, scanlines
from keras_lvseg.geometry.scanlines import SCANLINES, scan_lines

ROWS = 6
contours = npst.arrays(
    float, st.tuples(st.integers(3, 12), st.just(2)), elements=st.integers(-32, 160).map(lambda i: i / 16)
)


@given(contours)
def test_scan_lines_finds_every_crossing_with_an_edge(points):
    expected = []
    for line in range(ROWS * SCANLINES):
        y = (line + 0.5) / SCANLINES
        for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
            if (y0 <= y) != (y1 <= y):
                expected.append((line, x0 + (y - y0) * (x1 - x0) / (y1 - y0), 1 if y1 > y0 else -1))
    found = [np.concatenate(parts) for parts in zip(*scan_lines(points, ROWS), strict=True)] or np.zeros((3, 0))
    assert (np.diff(found[0]) >= 0).all()
    assert (np.diff(found[1])[np.diff(found[0]) == 0] >= 0).all()
    assert sorted(zip(*np.round(found, 6).tolist(), strict=True)) == sorted(
        (line, round(x, 6), way) for line, x, way in expected
    )


@given(points=contours, band=st.integers(1, 50))
@example(points=np.array([[0, 0], [1.125, 10], [0, 3.8125], [9.75, 4.125]]), band=1)  # half a pixel, to the last bit
def test_scan_lines_in_bands_gives_the_same_crossings(points, band):
    whole = [np.concatenate(parts) for parts in zip(*scan_lines(points, ROWS), strict=True)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scanlines, "_MAX_CROSSINGS", band)
        bands = list(scan_lines(points, ROWS))
        mask, crossed = polygon_mask(points, (ROWS, 12)), crossed_area(points)
    assert all(len(line) <= band + len(points) for line, _, _ in bands)
    for one, other in zip(whole, [np.concatenate(parts) for parts in zip(*bands, strict=True)], strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(mask, polygon_mask(points, (ROWS, 12)))
    assert crossed == pytest.approx(crossed_area(points), abs=1e-9)


@pytest.mark.slow
def test_scan_lines_of_a_dense_zigzag_needs_little_memory():
    zigzag = np.column_stack([np.linspace(0, 255, 1000), np.tile([0.0, 255], 500)])
    tracemalloc.start()
    try:
        polygon_mask(zigzag, (256, 256))
        crossed_area(zigzag)
        assert tracemalloc.get_traced_memory()[1] < 60e6
    finally:
        tracemalloc.stop()
