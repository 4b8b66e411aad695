"""Progress bars."""

from __future__ import annotations

from rich.console import Console
from rich.progress import Progress


def progress_bar(console: Console) -> Progress:
    """Return a progress bar that disappears at the end, and that only a terminal shows.

    Args:
        console: The console to draw on.

    Example:
        >>> with progress_bar(Console()) as progress:
        ...     task = progress.add_task("segmenting", total=2)
        ...     progress.advance(task)
    """
    return Progress(console=console, transient=True, disable=not console.is_terminal)
