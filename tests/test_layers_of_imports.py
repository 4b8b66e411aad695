"""The import rule: files flow from `io` to `training`, and no folder imports from one that comes after it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "keras_lvseg"

ROOT_MODULES = ("version", "errors", "files")
KERAS_WING = ("ops", "layers", "losses", "metrics", "models")
DATA_WING = ("geometry", "io", "studies", "data", "phantom", "audit", "evaluation")
LATER = ("reporting", "inference", "training", "testing")
ORDER = (*ROOT_MODULES, *KERAS_WING, *DATA_WING, *LATER)

# The only modules of the data wing that import Keras: augmentation on `keras.ops` and what applies it.
USES_KERAS = ("data/augmentation_ops.py", "data/pydataset.py", "data/tf_dataset.py")
# The only modules that import TensorFlow. Three do so on that backend alone: the first compiles its functions, and two
# know its replicas.
USES_TENSORFLOW = (
    "data/augmentation_ops.py",
    "layers/unet_block.py",
    "training/devices.py",
    "data/tf_dataset.py",
    "io/tfrecord.py",
)


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Every import of a file with its line, those inside functions included, those for type checkers left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def folder_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0].removesuffix(".py")


def broken_imports(path: Path) -> Iterator[str]:
    own, inside = folder_of(path), path.relative_to(PACKAGE).as_posix()
    for line, module in imports_of(path):
        top, *rest = module.split(".")
        place = f"{path}:{line} imports {module}"
        if top == "keras_lvseg_cli":
            yield f"{place}: the package does not know its command line"
        if top == "keras" and own in DATA_WING and inside not in USES_KERAS:
            yield f"{place}: the data wing does not know Keras"
        if top == "tensorflow" and inside not in USES_TENSORFLOW:
            yield f"{place}: TensorFlow is imported in {' and '.join(USES_TENSORFLOW)} only"
        if top != "keras_lvseg" or not rest or rest[0] not in ORDER:
            continue
        other = rest[0]
        if other != own and ORDER.index(other) > ORDER.index(own):
            yield f"{place}: {other} comes after {own}"
        if own in DATA_WING and other in KERAS_WING and inside not in USES_KERAS:
            yield f"{place}: the data wing does not import the Keras wing"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_module_imports_only_from_folders_before_its_own(path):
    if path == PACKAGE / "__init__.py":
        return  # gathers the public names of all folders
    assert folder_of(path) in ORDER
    assert not list(broken_imports(path))


@pytest.mark.parametrize(
    ("file", "code", "told"),
    [
        ("data/x.py", "def f():\n    from keras_lvseg.inference import y", ":2 imports keras_lvseg.inference"),
        ("io/x.py", "import keras_lvseg.studies.frame", ":1 imports keras_lvseg.studies.frame"),
        ("studies/x.py", "from keras_lvseg.metrics import y", "does not import the Keras wing"),
        ("geometry/x.py", "import keras", "does not know Keras"),
        ("training/x.py", "import tensorflow as tf", "only"),
        ("training/x.py", "import keras_lvseg_cli", "command line"),
    ],
)
def test_broken_rule_is_named_with_its_line(tmp_path, monkeypatch, file, code, told):
    path = tmp_path / file
    path.parent.mkdir()
    path.write_text(code)
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    assert any(told in line for line in broken_imports(path))


def test_file_names_are_unique_and_folders_small():
    files = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    names = [path.name for path in files]
    assert sorted(names) == sorted(set(names))
    for folder in {path.parent for path in files}:
        assert len(list(folder.glob("*.py"))) <= 14, folder
