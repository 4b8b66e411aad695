"""What the scripts share: a table written whole, with the command, the versions and the machine that made it."""

import os
import platform
import time
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from keras_lvseg.files import atomic_file


def write_table(path: Path, lines: Iterable[str], command: str, packages: Iterable[str]) -> None:
    """Write a page.

    Args:
        path: The Markdown file.
        lines: Its text.
        command: What makes it again.
        packages: Those whose versions matter.
    """
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    made = (
        f"Made on {time.strftime('%Y-%m-%d')} by `{command}` on {len(os.sched_getaffinity(0))} CPU cores, "
        f"Python {platform.python_version()}, {versions}."
    )
    with atomic_file(path) as scratch:
        scratch.write_text("\n".join([*lines, "", made, ""]), encoding="utf-8")
