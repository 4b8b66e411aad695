"""Progress bars."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

_NARROW = 60  # columns of a terminal


def progress_bar(console: Console) -> Progress:
    """Return a progress bar with the time left, which disappears at the end and which only a terminal shows.

    A narrow terminal shows percentage and time only.

    Args:
        console: The console to draw on.

    Example:
        >>> with progress_bar(Console()) as progress:
        ...     task = progress.add_task("segmenting", total=2)
        ...     progress.advance(task)
    """
    columns: list[ProgressColumn] = [TaskProgressColumn(), TimeRemainingColumn(compact=True)]
    if console.width >= _NARROW:
        columns = [TextColumn("{task.description}"), BarColumn(), *columns]
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
