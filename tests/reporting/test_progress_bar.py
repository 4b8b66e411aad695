import io

import pytest
from rich.console import Console

from keras_lvseg.reporting import progress_bar


def drawn(terminal: bool, width: int = 80) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=width, color_system=None)
    with progress_bar(console) as progress:
        task = progress.add_task("segmenting", total=3)
        progress.advance(task)
        progress.refresh()
    return console.file.getvalue()


def test_progress_bar_is_shown_on_a_terminal_only():
    assert "segmenting" in drawn(terminal=True)
    assert drawn(terminal=False) == ""


@pytest.mark.parametrize("width", [20, 80])
def test_progress_bar_fits_the_terminal_and_shows_the_time_left(width):
    lines = drawn(terminal=True, width=width).replace("\x1b[?25l", "").replace("\r\x1b[2K", "\n").splitlines()
    (line, *_) = [line for line in lines if "33%" in line]
    assert len(line.rstrip()) <= width
    assert "--:--" in line  # in place of the time left, which is unknown after one step
