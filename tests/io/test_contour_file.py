import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from keras_lvseg.errors import DataError
from keras_lvseg.geometry import CONTOUR_ORIGIN
from keras_lvseg.io import read_contour, write_contour

coordinates = st.integers(-40_000, 40_000).map(lambda hundredths: hundredths / 100)
contours = npst.arrays(float, st.tuples(st.integers(3, 30), st.just(2)), elements=coordinates)


@given(points=contours, origin=st.sampled_from([CONTOUR_ORIGIN, 0.0, -1.0, -0.25]))
def test_read_contour_after_write_contour_returns_same_points(points, origin, tmp_path_factory):
    assume(not np.array_equal(points[0], points[-1]))  # a closed contour is read as an open one
    path = tmp_path_factory.getbasetemp() / "contour.txt"
    write_contour(path, points, origin=origin)
    np.testing.assert_allclose(read_contour(path, origin=origin), points, atol=0.005 + 1e-9)


def test_read_contour_origin_is_added(tmp_path):
    path = tmp_path / "contour.txt"
    path.write_text("10.00 20.00\n11.50 20.00\n11.00 22.00\n")
    assert read_contour(path).tolist() == [[9.25, 19.25], [10.75, 19.25], [10.25, 21.25]]
    assert read_contour(path, origin=0)[0].tolist() == [10, 20]


def test_read_contour_closed_or_with_blank_lines_returns_same_points(tmp_path):
    path = tmp_path / "contour.txt"
    path.write_text("1 1\n5 1\n5 5\n")
    opened = read_contour(path)
    path.write_text("1 1\n5 1\n\n5 5\n1 1\n\n")
    assert read_contour(path).tolist() == opened.tolist()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1 1\n2 x\n3 3\n", r"in line 2; expected x and y in pixels, got '2 x'"),
        (b"1 1\n2 2 2\n3 3\n", r"in line 2; expected x and y in pixels, got '2 2 2'"),
        (b"1 1\n2\n3 3\n", r"in line 2; expected x and y in pixels, got '2'"),
        (b"1 1\nnan 2\n3 3\n", r"in line 2; expected x and y in pixels, got 'nan 2'"),
        (b"1 1\n2 inf\n3 3\n", r"in line 2; expected x and y in pixels, got '2 inf'"),
        (b"1 1\n2 1_0\n3 3\n", r"in line 2; expected x and y in pixels, got '2 1_0'"),
        (b"1 1\n2 1e300\n3 3\n", r"in line 2; expected x and y in pixels, got '2 1e300'"),
        (b"1 1\n-70000 2\n3 3\n", r"in line 2; expected x and y in pixels, got '-70000 2'"),
        (b"1 1\n2 2\n", "has too few points; expected 3 or more, got 2"),
        (b"1 1\n2 2\n1 1\n", "has too few points; expected 3 or more, got 2"),
        (b"", "has too few points; expected 3 or more, got 0"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "is not a text file"),
        (b"1 1\n" * 300_000, "is too large"),
        (b"1 -65000\n1 65000\n" * 2, "has too long a contour; expected up to 500,000 pixels, got 520,000"),
    ],
)
def test_read_contour_malformed_file_raises_in_one_line(tmp_path, content, message):
    path = tmp_path / "IM-0001-0059-icontour-manual.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_contour(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_read_contour_missing_file_raises(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_contour(tmp_path / "absent.txt")


@pytest.mark.parametrize(
    "points",
    [
        np.ones((2, 2)),
        np.ones((3, 3)),
        np.ones(6),
        [[1, 1], [2, np.nan], [3, 3]],
        [[1, 1], [2, 1e6], [3, 3]],
        [[1, -65e3], [1, 65e3]] * 2,
    ],
)
def test_write_contour_invalid_points_raises_and_writes_nothing(tmp_path, points):
    with pytest.raises(ValueError, match="Invalid value for argument `points"):
        write_contour(tmp_path / "contour.txt", points)
    assert not list(tmp_path.iterdir())
