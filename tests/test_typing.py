"""`mypy --strict` on a program that imports only keras_lvseg."""

import os
import re
import subprocess
import sys

import pytest

import keras_lvseg
from tests.harness import ROOT

PROGRAM = """\
import keras_lvseg

dataset = keras_lvseg.SunnybrookSAXDataset("sunnybrook", image_size=(128, 128))
model = keras_lvseg.unet(filters=8, depth=3, normalization="group")
metric = keras_lvseg.DiceCoefficient(class_id=1, average="dataset")
model.compile("adam", loss=keras_lvseg.SparseDiceCE(dice_weight=0.5), metrics=[metric])
model.fit(dataset.as_dataset("train", batch_size=4, shuffle=True), epochs=2)
block: keras_lvseg.UNetBlock = keras_lvseg.UNetBlock(8, normalization=None, name="block")
print(keras_lvseg.__version__, block.filters, keras_lvseg.Segmenter().segment("study"))
"""
WRONG_LINES = [
    "keras_lvseg.unet(filters='8')",
    "keras_lvseg.fcn(2, 2)",
    "keras_lvseg.SparseDiceCE(dice_weight='0.5')",
    "keras_lvseg.SparseSoftDice(average='dataset')",
    "keras_lvseg.SparseSoftmaxCE(reduction='median')",
    "keras_lvseg.DiceCoefficient(average='macro')",
    "keras_lvseg.UNetBlock(8, normalization='spectral')",
    "keras_lvseg.TransposeUpsample(8, data_format='channels')",
    "keras_lvseg.SAXDataset.read_everything",
    "keras_lvseg.Segmenter().segments",
    "keras_lvseg.patient_split()",
    "keras_lvseg.DataError()",
    "keras_lvseg.DiceCoeficient",
]


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def errors(tmp_path_factory):
    """Return the errors of mypy in a right and a wrong program, as pairs of file and line."""
    pytest.importorskip("mypy", reason="mypy is not installed")
    folder = tmp_path_factory.mktemp("typing")
    (folder / "right.py").write_text(PROGRAM + "".join(f"print(keras_lvseg.{name})\n" for name in keras_lvseg.__all__))
    (folder / "wrong.py").write_text("\n".join(["import keras_lvseg", *WRONG_LINES, ""]))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--config-file=", "right.py", "wrong.py"],
        cwd=folder,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    found = re.findall(r"^(\w+\.py):(\d+): error: .*$", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    return {(file, int(line)) for file, line in found}


def test_public_names_pass_mypy_strict(errors):
    assert not [line for file, line in errors if file == "right.py"]


@pytest.mark.parametrize("line", WRONG_LINES)
def test_wrong_use_of_a_public_name_fails_mypy_strict(errors, line):
    assert ("wrong.py", WRONG_LINES.index(line) + 2) in errors
