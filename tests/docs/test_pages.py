"""The Python of the documentation's own pages, run page by page as a reader pastes it."""

import re
from pathlib import Path

import keras
import pytest

from tests.harness import train_eagerly

DOCS = Path(__file__).parents[2] / "docs"
ELSEWHERE = ("own_project.md", "segment_files.md")  # with tests of their own
PROGRAMS = {
    path.relative_to(DOCS).as_posix(): blocks
    for path in sorted([DOCS / "quickstart.md", *DOCS.glob("guides/*.md")])
    if path.name not in ELSEWHERE
    and (blocks := re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.DOTALL))
}
# What takes a minute on a page takes seconds here.
SHORTER = {
    "patients=6": "patients=3",
    "patient_split(patients, validation=0)": "{'train': ['PH-01'], 'test': ['PH-02']}",
}


@pytest.fixture(autouse=True)
def policy():
    before = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(before)


@pytest.mark.slow
@pytest.mark.parametrize("page", PROGRAMS)
def test_programs_of_a_page_run(page, tmp_path, monkeypatch):
    if page == "guides/export.md":
        for module in ("onnx", "onnxruntime", "openvino"):
            pytest.importorskip(module, reason="needs the extras 'openvino' and 'onnx'")
    train_eagerly(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    scope: dict = {}
    for program in PROGRAMS[page]:
        for long, short in SHORTER.items():
            program = program.replace(long, short)
        exec(compile(re.sub(r"epochs=\d+", "epochs=1", program), page, "exec"), scope)
    if page == "quickstart.md":
        assert (tmp_path / "hearts.png").stat().st_size > 10_000
