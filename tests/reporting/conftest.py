import io

import pytest
from rich.console import Console

from keras_lvseg.training import evaluate_run


@pytest.fixture(scope="session")
def evaluation(small_run, phantom_tree):
    return evaluate_run(small_run, phantom_tree)


@pytest.fixture
def printed():
    """Return what a console of 160 columns shows of a renderable."""

    def show(renderable):
        console = Console(file=io.StringIO(), width=160)
        console.print(renderable)
        return console.file.getvalue()

    return show
