"""Examples, benchmarks and the documentation import public names of keras_lvseg only."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PUBLIC = {
    "keras_lvseg",
    *(
        f"keras_lvseg.{part}"
        for part in (
            "audit",
            "data",
            "evaluation",
            "geometry",
            "inference",
            "io",
            "models",
            "phantom",
            "reporting",
            "studies",
            "testing",
            "training",
        )
    ),
}


MEASURED = {  # steps that a benchmark measures one by one
    "keras_lvseg.files.delete_abandoned",
    "keras_lvseg.files.locked_directory",
    "keras_lvseg.inference.consistency.mask_flags.mask_flags",
    "keras_lvseg.inference.consistency.one_heart.StackCavities",
    "keras_lvseg.inference.consistency.study_foregrounds.decide_study",
    "keras_lvseg.inference.consistency.study_foregrounds.prepare",
    "keras_lvseg.inference.consistency.study_foregrounds.study_foregrounds",
    "keras_lvseg.inference.consistency.study_masks.decide_alone",
    "keras_lvseg.inference.engines.engine.open_engine",
    "keras_lvseg.inference.predict.native_probabilities",
    "keras_lvseg.models.pretrained.network_weights",
    "keras_lvseg.phantom.phantom_patient.PhantomPatient",
}


def programs() -> Iterator[tuple[str, str]]:
    """Yield the place and the text of each Python program of a reader's: scripts, and blocks in pages."""
    for folder in ("examples", "benchmarks", "docs/figures"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]):
        text = path.read_text(encoding="utf-8")
        for block in re.finditer(r"```py(?:thon)?\n(.*?)```", text, flags=re.DOTALL):
            lines_above = text[: block.start(1)].count("\n")
            yield path.relative_to(ROOT).as_posix(), "\n" * lines_above + block[1]


def private_names(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and name of what a program imports from keras_lvseg that is not public."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.split(".")[0] == "keras_lvseg"]
            yield from ((node.lineno, name) for name in names if name not in PUBLIC)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "keras_lvseg":
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if full not in PUBLIC and not (
                    node.module in PUBLIC and alias.name in importlib.import_module(node.module).__all__
                ):
                    yield node.lineno, full


def test_programs_of_readers_import_public_names_only():
    private = [
        f"{place}:{line}: {name}"
        for place, text in programs()
        for line, name in private_names(text)
        if not (place.startswith("benchmarks/") and name in MEASURED)
    ]
    assert not private, "\n".join(private)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import keras_lvseg\nfrom keras_lvseg.data import SAXDataset", []),
        ("from keras_lvseg import data, unet", []),
        ("\nfrom keras_lvseg.data.dataset import SAXDataset", [(2, "keras_lvseg.data.dataset.SAXDataset")]),
        ("def f():\n    from keras_lvseg.data import dataset", [(2, "keras_lvseg.data.dataset")]),
        ("import keras_lvseg.ops.counts", [(1, "keras_lvseg.ops.counts")]),
        ("from keras_lvseg.errors import DataError", [(1, "keras_lvseg.errors.DataError")]),
    ],
)
def test_private_names_are_found_with_their_lines(text, expected):
    assert list(private_names(text)) == expected
