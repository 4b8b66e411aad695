"""A progress bar for long work."""

from __future__ import annotations

from rich.console import Console
from rich.progress import Progress


def progress_bar(console: Console) -> Progress:
    """A bar that is gone when the work is done, and that is not drawn where nobody looks, as into a file."""
    return Progress(console=console, transient=True, disable=not console.is_terminal)
