import io

from rich.console import Console

from keras_lvseg.reporting import progress_bar


def drawn(terminal: bool) -> str:
    file = io.StringIO()
    with progress_bar(Console(file=file, force_terminal=terminal)) as progress:
        progress.advance(progress.add_task("working", total=1))
    return file.getvalue()


def test_progress_bar_is_shown_on_a_terminal_only():
    assert "working" in drawn(terminal=True)
    assert drawn(terminal=False) == ""
