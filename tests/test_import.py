"""Cost and names of `import keras_lvseg`."""

import json

import keras
import pytest

import keras_lvseg
from tests.harness import BACKEND, ROOT, run_in_new_process

HEAVY = ("tensorflow", "pydicom", "scipy", "skimage", "matplotlib", "tensorboardX", "rich", "typer")


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """Return the report of `import_alone.py` in a new process."""
    report = tmp_path_factory.mktemp("import") / "report.json"
    run_in_new_process(ROOT / "tests" / "import_alone.py", str(report))
    return json.loads(report.read_text())


@pytest.mark.slow
def test_import_adds_no_heavy_module_and_none_that_reads_data(imported):
    assert [name for name in imported["added"] if name.partition(".")[0] in HEAVY] == []
    folders = {name.split(".")[1] for name in imported["added"] if name.startswith("keras_lvseg.")}
    assert folders == {"errors", "files", "layers", "losses", "metrics", "models", "ops", "version"}


@pytest.mark.slow
@pytest.mark.skipif(BACKEND == "tensorflow", reason="TensorFlow is the backend")
def test_import_of_data_modules_on_another_backend_does_not_load_tensorflow(imported):
    assert "keras_lvseg.io.course_record" in imported["loaded"]
    assert "tensorflow" not in imported["loaded"]


@pytest.mark.parametrize("name", keras_lvseg.__all__)
def test_public_name_is_documented_and_listed(name):
    assert getattr(keras_lvseg, name).__doc__
    assert name in dir(keras_lvseg)


def test_unknown_name_raises():
    with pytest.raises(AttributeError, match="module 'keras_lvseg' has no attribute 'DiceCoeficient'"):
        keras_lvseg.DiceCoeficient  # noqa: B018


def test_public_classes_are_registered_with_keras():
    for name in (
        "DiceCoefficient",
        "MeanDice",
        "SparseDiceCE",
        "SparseSoftDice",
        "SparseSoftmaxCE",
        "TransposeUpsample",
        "UNetBlock",
    ):
        public = getattr(keras_lvseg, name)
        assert keras.saving.get_registered_object(f"keras_lvseg>{name}") is public


def test_version_starts_with_a_digit():
    assert keras_lvseg.__version__[0].isdigit()
