from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

from keras_lvseg.evaluation import compare_volumes
from keras_lvseg.reporting import write_bland_altman
from tests.evaluation.volume_tables import draw_tables


def draw(path, comparison):
    write_bland_altman(path, comparison)
    return imread(path)[..., :3]


def pixels_of(image, is_colour):
    """Pixels of a colour in each of the three plots."""
    return [int(np.count_nonzero(is_colour(*np.moveaxis(part, -1, 0)))) for part in np.array_split(image, 3, axis=1)]


def red(r, g, b):
    return (r > 0.7) & (g < 0.4) & (b < 0.4)


def blue(r, g, b):
    return (b > 0.6) & (r < 0.5)


def test_bland_altman_has_points_and_three_lines_in_each_plot(tmp_path):
    image = draw(tmp_path / "plot.png", compare_volumes(*draw_tables(40)))
    assert min(pixels_of(image, blue)) > 200
    assert min(pixels_of(image, red)) > 600
    assert [path.name for path in tmp_path.iterdir()] == ["plot.png"]


@pytest.mark.parametrize("count", [1, 2])
def test_bland_altman_of_few_studies_is_drawn(tmp_path, count):
    assert min(pixels_of(draw(tmp_path / "plot.png", compare_volumes(*draw_tables(count))), red)) > 100


def test_bland_altman_of_an_unknown_quantity_leaves_its_plot_empty(tmp_path):
    comparison = replace(compare_volumes(*draw_tables(40)), esv_ml=None)
    points = pixels_of(draw(tmp_path / "plot.png", comparison), blue)
    assert points[1] == 0
    assert points[0] > 200
