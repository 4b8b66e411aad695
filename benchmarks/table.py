"""A page with a table, and the command, the versions and the machine that made it."""

import os
import platform
import time
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path


def write_table(path: Path, lines: Iterable[str], command: str, packages: Iterable[str]) -> None:
    """Write a page.

    Args:
        path: The Markdown file.
        lines: Its text.
        command: The command that makes it.
        packages: Packages whose versions are written down.
    """
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    made = (
        f"Made on {time.strftime('%Y-%m-%d')} by `{command}` on {len(os.sched_getaffinity(0))} CPU cores, "
        f"Python {platform.python_version()}, {versions}."
    )
    path.write_text("\n".join([*lines, "", made, ""]), encoding="utf-8")
