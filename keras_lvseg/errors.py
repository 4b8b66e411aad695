"""The error that says the data is at fault, not the program."""

from __future__ import annotations

import os


class DataError(ValueError):
    """A file or folder that cannot be used, told in one line.

    Args:
        path: The file or folder at fault.
        problem: What is wrong with it.
        remedy: What would be right; left out where the problem says it all.

    Example:
        >>> print(DataError("link.csv", "has no column 'original_id'", "the first line names the columns"))
        link.csv: has no column 'original_id'; the first line names the columns
    """

    def __init__(self, path: str | os.PathLike[str], problem: str, remedy: str | None = None):
        super().__init__(os.fspath(path), problem, remedy)
        self.path = os.fspath(path)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        parts = [self.problem] + ([self.remedy] if self.remedy else [])
        return f"{self.path}: {'; '.join(parts)}"
