import os
import shutil
import subprocess
import sys
from importlib.util import find_spec

import pytest
import typer

from keras_lvseg_cli.backend import choose_backend, load_backend
from tests.harness import BACKEND


@pytest.mark.parametrize("engine", ["auto", "openvino"])
def test_choose_backend_changes_nothing_after_keras_was_loaded(monkeypatch, engine):
    assert "keras" in sys.modules
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    choose_backend(engine)
    assert "KERAS_BACKEND" not in os.environ


@pytest.mark.skipif(BACKEND == "jax", reason="JAX would wait for the other processes")
def test_load_backend_of_several_processes_is_refused_unless_on_jax(monkeypatch):
    monkeypatch.setenv("KERAS_DISTRIBUTION_JOB_ADDRESSES", "127.0.0.1:1")
    load_backend()
    with pytest.raises(typer.BadParameter, match="set KERAS_BACKEND=jax"):
        load_backend(join=True)


PROGRAM = """
import sys
from keras_lvseg_cli.app import run
try:
    run(sys.argv[1:])
finally:
    print("loaded:", *(name for name in ("keras", "tensorflow") if name in sys.modules))
"""


@pytest.mark.slow
@pytest.mark.skipif(not all(map(find_spec, ("onnx", "openvino"))), reason="needs the extra 'openvino'")
def test_segment_with_openvino_does_not_load_tensorflow(phantom_tree, tmp_path):
    image = shutil.copy(sorted(phantom_tree.glob("dicoms/*/*.dcm"))[5], tmp_path / "heart.dcm")
    arguments = ["segment", image, tmp_path / "out", "--engine", "openvino"]
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    printed = subprocess.check_output([sys.executable, "-c", PROGRAM, *arguments], text=True, env=environment)
    assert (tmp_path / "out" / "index.html").is_file()
    assert printed.splitlines()[-1] == "loaded: keras"
