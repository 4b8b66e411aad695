"""Output of `keras-lvseg audit` for a tree with mistakes.

    python docs/figures/audit.py docs/figures/audit.svg

Synthetic hearts, in which a contour is copied to another frame, and another one is moved.
"""

import argparse
import io
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

from keras_lvseg.audit import audit_tree
from keras_lvseg.io import read_contour, write_contour
from keras_lvseg.phantom import write_phantom
from keras_lvseg.reporting import audit_summary, audit_table


def plant_mistakes(tree: Path) -> None:
    """Make two mistakes that copies of real data have."""
    inner = sorted(tree.glob("contourfiles/*/i-contours/*.txt"))
    shutil.copyfile(inner[3], inner[4])
    write_contour(inner[8], read_contour(inner[8]) + np.array([40, 0]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figure", type=Path, help="the SVG to write")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "hearts"
        write_phantom(tree, patients=2, seed=0, frames="contoured")
        plant_mistakes(tree)
        console = Console(record=True, width=100, file=io.StringIO())
        report = replace(audit_tree(tree), root=Path(tree.name))
        console.print(audit_table(report))
        console.print(audit_summary(report))
    console.save_svg(str(arguments.figure), title="keras-lvseg audit hearts")


if __name__ == "__main__":
    main()
