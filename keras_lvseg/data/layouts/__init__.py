"""Layouts of trees, one module each, with the functions `matches(root)` and `index(root)`.

A new layout is a new module with these two functions, listed in `_LAYOUTS`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from keras_lvseg.data.layouts import cardiac_atlas, challenge, course_records, labelled_nifti, link_table, png_table
from keras_lvseg.data.layouts.discovery import list_subfolders, require_inside
from keras_lvseg.errors import DataError, invalid_argument
from keras_lvseg.studies.patient_files import ContourFile, PatientFiles

__all__ = ["ContourFile", "PatientFiles", "index_tree", "is_tree"]

_LAYOUTS = (link_table, cardiac_atlas, challenge, course_records, png_table, labelled_nifti)


def is_tree(root: Path) -> bool:
    """Return whether a folder has a known layout. The tree may still have faults."""
    return any(layout.matches(root) for layout in _LAYOUTS)


def index_tree(
    root: str | os.PathLike[str] | Sequence[str | os.PathLike[str]], label_values: Mapping[str, int] | None = None
) -> tuple[PatientFiles, ...]:
    """List the patients of a tree. The layout is found from the names of files and folders.

    Args:
        root: The folder of the tree, or a list of the course's TFRecord files.
        label_values: Values of "cavity" and "myocardium" in label NIfTI files. None means 1 and 2.

    Raises:
        DataError: The folder is missing, has no known layout, holds no data, or no label NIfTI for `label_values`.
    """
    if not isinstance(root, str | os.PathLike):
        if not root:
            raise invalid_argument("data_dir", root, "a folder or at least one TFRecord file")
        return course_records.index_files(sorted({Path(file).resolve() for file in root}))
    # Resolved here, because `require_inside` compares resolved paths.
    root = Path(root).resolve()
    if not root.is_dir():
        raise DataError(
            root, "is not a folder" if root.exists() else "does not exist", expected="the folder of the data"
        )
    found = [layout for layout in _LAYOUTS if layout.matches(root)]
    if found == [labelled_nifti]:
        return labelled_nifti.index(root, label_values)
    if found and label_values is not None:
        raise DataError(root, "has no label NIfTI", expected="NIfTI files with labels for label_values")
    if len(found) == 1:
        return found[0].index(root)
    if found:
        both = " and ".join(layout.EXPECTED for layout in found)
        raise DataError(root, f"has more than one layout: {both}", expected="a folder with one layout")
    require_inside(root, list_subfolders(root))  # links are not followed, so data behind one is not found
    if png_table.lacks_table(root):
        raise DataError(root, "has PNG files in images/ and no patients.csv", expected=png_table.EXPECTED)
    raise DataError(root, "has no known layout", expected="; or ".join(layout.EXPECTED for layout in _LAYOUTS))
