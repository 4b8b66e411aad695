"""Trees of files with nothing in them: what a layout finds it finds by names alone."""

from pathlib import Path


def touch(root: Path, *files: str) -> None:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()


def contour(folder: str, name: str, number: int = 59, letter: str = "i") -> str:
    return f"{folder}/{name}/contours-manual/IRCCI-expert/IM-0001-{number:04d}-{letter}contour-manual.txt"
