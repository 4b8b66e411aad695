"""The programs of the page on metric and losses in one's own project, each in a process of its own."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guides" / "own_project.md").read_text(encoding="utf-8")
PROGRAMS = dict(re.findall(r"## ([\w ]+)\n(?:(?!\n## ).)*?```python\n(.*?)```", PAGE, flags=re.DOTALL))
NEEDS = {"PyTorch": "torch", "JAX": "jax"}


@pytest.mark.slow
@pytest.mark.parametrize("title", PROGRAMS)
def test_program_runs_alone(title, tmp_path):
    if title in NEEDS and not importlib.util.find_spec(NEEDS[title]):
        pytest.skip(f"needs {NEEDS[title]}")
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    environment["PYTHONPATH"] = str(ROOT)
    run = [sys.executable, "-W", "error", "-c", PROGRAMS[title]]
    done = subprocess.run(run, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert max(float(number) for number in re.findall(r"0\.\d+", done.stdout)) > 0.8  # Dice


def test_page_has_a_program_for_each_backend():
    assert set(PROGRAMS) == {"Keras", "TensorFlow", "PyTorch", "JAX"}
