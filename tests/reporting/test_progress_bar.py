import io

from rich.console import Console

from keras_lvseg.reporting.progress_bar import progress_bar


def drawn(terminal: bool) -> str:
    file = io.StringIO()
    with progress_bar(Console(file=file, force_terminal=terminal)) as progress:
        progress.advance(progress.add_task("working", total=1))
    return file.getvalue()


def test_a_bar_is_for_those_who_look():
    assert "working" in drawn(terminal=True)
    assert drawn(terminal=False) == ""
