import re
from pathlib import Path

import pytest

from tests.harness import train_eagerly

README = Path(__file__).parents[1] / "README.md"


def programs():
    return re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)


def test_readme_segmenter_program_writes_a_mask_per_image(phantom_tree, tmp_path, monkeypatch):
    (program,) = [program for program in programs() if "Segmenter" in program]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study").mkdir()
    for path in sorted((phantom_tree / "dicoms" / "PHANTOM0001").iterdir())[:3]:
        (tmp_path / "study" / path.name).symlink_to(path)
    exec(compile(program, "README.md", "exec"), {})
    names = {path.stem for path in (tmp_path / "study").iterdir()}
    assert names
    assert {path.name for path in (tmp_path / "out").glob("*/masks/*")} == {f"{name}_mask.png" for name in names}


@pytest.mark.slow
def test_readme_training_program_runs(phantom_tree, monkeypatch):
    train_eagerly(monkeypatch)
    (program,) = [program for program in programs() if "fit(" in program]
    # The same program on small images of synthetic hearts, for an epoch.
    program = program.replace('"sunnybrook"', repr(str(phantom_tree))).replace("epochs=60", "epochs=1, verbose=0")
    program = re.sub(r"image_size=\(\d+, \d+\)", "image_size=(32, 32)", program)
    for i in (1, 2, 3):
        program = program.replace(f"SCD0000{i}01", f"PHANTOM000{i}")
    scope = {}
    exec(compile(program, "README.md", "exec"), scope)
    assert scope["model"].output_shape == (None, None, None, 2)


def test_readme_links_existing_files():
    targets = re.findall(r"""\]\(([^)#]+)\)|src="([^"]+)""", README.read_text())
    local = [target for target in map("".join, targets) if not target.startswith("http")]
    assert local
    assert [target for target in local if not (README.parent / target).exists()] == []
