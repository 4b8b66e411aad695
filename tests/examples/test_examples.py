"""The gallery's pages, each run as a copy in a folder of its own, as a reader runs it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PAGES = ("plot_1_fully_connected", "plot_2_convolutions", "plot_3_dice_and_schedule", "plot_4_unet")


def run(page: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Copy a page into a folder, and run it there with this checkout's package."""
    copy = folder.with_name(f"{folder.name}_copied_page") / f"{page}.py"
    copy.parent.mkdir()
    shutil.copy(EXAMPLES / copy.name, copy)
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return subprocess.run(
        [sys.executable, str(copy), *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        timeout=180,
    )


def patients(output: str, split: str) -> set[str]:
    """The patients of a printed split."""
    line = re.search(rf"^{split}: (.+)$", output, re.MULTILINE)
    assert line, output
    return set(line[1].split(", "))


@dataclass(frozen=True)
class Finished:
    """A page that has run."""

    output: str
    files: tuple[Path, ...]

    @property
    def dice(self) -> float:
        line = re.search(r"^Dice on patients not trained on: (\d\.\d+)$", self.output, re.MULTILINE)
        assert line, self.output
        return float(line[1])


@pytest.fixture(scope="module")
def finish(tmp_path_factory) -> Callable[[str], Finished]:
    """Runs a page on synthetic hearts, once for all tests."""

    @cache
    def finish(page: str) -> Finished:
        folder = tmp_path_factory.mktemp(page)
        done = run(page, folder)
        assert done.returncode == 0, done.stderr
        return Finished(done.stdout, tuple(folder.iterdir()))

    return finish


@pytest.mark.parametrize("page", PAGES)
def test_page_copied_alone_keeps_patients_apart_and_writes_its_figure(page, finish):
    page = finish(page)
    train, test = patients(page.output, "train"), patients(page.output, "test")
    assert train
    assert test
    assert not train & test

    (figure,) = page.files
    assert f"figure in {figure.name}" in page.output
    assert figure.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    pixels = matplotlib.image.imread(figure)
    assert min(pixels.shape[:2]) > 300
    assert len(np.unique(pixels[..., :3].reshape(-1, 3), axis=0)) > 100  # something is drawn


def test_pages_in_order_improve_dice(finish):
    fully_connected, convolutions, _, unet = (finish(page).dice for page in PAGES)
    assert 0.1 < fully_connected < convolutions < unet < 1
    assert unet > 0.8


def test_first_page_shows_high_accuracy_with_low_dice(finish):
    page = finish(PAGES[0])
    accuracy, nothing = (
        float(text) for text in re.search(r"accuracy (\S+);.+everywhere' (\S+),", page.output).groups()
    )
    assert min(accuracy, nothing) > 0.97
    assert page.dice < 0.8


def test_search_page_prints_every_run_and_scores_the_best(finish):
    page = finish(PAGES[2])
    dices = [float(row) for row in re.findall(r"^ +\S+ +\S+ +\d+ +(\d\.\d+)$", page.output, re.MULTILINE)]
    assert len(dices) == 8
    assert max(dices) > 0.3
    assert page.dice > 0.3


def test_gpu_page_without_a_gpu_says_so_and_prints_the_share_of_waiting(finish):
    page = finish("plot_5_on_a_gpu")
    assert "toy size" in page.output or "a GPU" in page.output
    rate, waiting = re.search(r"^augmented: ([\d,]+) images/s, (\d+)% of the time waiting$", page.output, re.M).groups()
    assert float(rate.replace(",", "")) > 0
    assert 0 <= int(waiting) < 100
    assert int(re.search(r"^batch size (\d+): ", page.output, re.M)[1]) in (4, 8, 16, 32, 64, 128, 256)
    (figure,) = page.files
    assert figure.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_page_with_data_and_figure_options_uses_them(phantom_tree, tmp_path):
    figure = tmp_path / "figures" / "mine.png"
    figure.parent.mkdir()
    done = run(PAGES[0], tmp_path, "--data", str(phantom_tree), "--epochs", "1", "--figure", str(figure))
    assert done.returncode == 0, done.stderr
    train, test = patients(done.stdout, "train"), patients(done.stdout, "test")
    assert len(test) == 1
    assert train | test == {"PHANTOM0001", "PHANTOM0002", "PHANTOM0003"}
    assert figure.is_file()


def test_page_with_a_folder_without_data_names_the_folder(tmp_path):
    done = run(PAGES[0], tmp_path, "--data", str(tmp_path))
    assert done.returncode == 1
    assert f"DataError: {tmp_path}" in done.stderr.splitlines()[-1]
