import io

import pytest
from rich.console import Console

from keras_lvseg.training import evaluate_run
from tests.inference.planted import write_planted_run
from tests.small_tree import write_small_tree


@pytest.fixture(scope="session")
def evaluation(tmp_path_factory):
    """Scores of a patient of six frames, whose masks are the bright pixels."""
    folder = tmp_path_factory.mktemp("evaluation")
    tree = write_small_tree(folder / "tree", {"P1": "O1"}, radius=lambda slice_, phase: 3.0 + phase)
    return evaluate_run(write_planted_run(folder / "run", 55.0), tree)


@pytest.fixture
def printed():
    """Return what a console of 160 columns shows of a renderable."""

    def show(renderable):
        console = Console(file=io.StringIO(), width=160)
        console.print(renderable)
        return console.file.getvalue()

    return show
