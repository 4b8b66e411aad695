"""The trees that data is found in, one module each: `matches(root)` and `index(root)`.

Another tree is another module with these two functions, named in `_LAYOUTS`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from keras_lvseg.data.layouts import cardiac_atlas, challenge, course_records, link_table, png_table
from keras_lvseg.data.layouts.discovery import check_inside, subfolders
from keras_lvseg.errors import DataError
from keras_lvseg.studies.patient_files import ContourFile, PatientFiles

__all__ = ["ContourFile", "PatientFiles", "index_tree", "is_tree"]

_LAYOUTS = (link_table, cardiac_atlas, challenge, course_records, png_table)


def is_tree(root: Path) -> bool:
    """Whether a folder holds a tree that is known here, whatever may be wrong with it."""
    return any(layout.matches(root) for layout in _LAYOUTS)


def index_tree(root: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> tuple[PatientFiles, ...]:
    """List the patients of a tree. The layout is found from the names of files and folders.

    Args:
        root: The folder of the tree, or a list of the course's TFRecord files.

    Raises:
        DataError: The folder is missing, has no known layout, or holds no data.
    """
    if not isinstance(root, str | os.PathLike):
        return course_records.index_files(sorted({Path(file).resolve() for file in root}))
    # Resolved once, so that every later check for files that lead out of the tree compares like with like.
    root = Path(root).resolve()
    if not root.is_dir():
        raise DataError(root, "is not a folder" if root.exists() else "is not there", "name the data's folder")
    found = [layout for layout in _LAYOUTS if layout.matches(root)]
    if len(found) == 1:
        return found[0].index(root)
    if found:
        both = " and ".join(layout.EXPECTED for layout in found)
        raise DataError(root, f"holds data in more than one arrangement: {both}", "name the folder of one")
    check_inside(root, subfolders(root))  # a link that was not followed may be why nothing was found
    expected = "; or ".join(layout.EXPECTED for layout in _LAYOUTS)
    raise DataError(root, "holds no data that is known here", f"expected: {expected}")
