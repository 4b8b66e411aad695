"""The page of every key and column agrees with the schemas and the code."""

import json
import re
from pathlib import Path

import pytest

from keras_lvseg.reporting import VOLUME_COLUMNS, write_volume_table
from tests.inference.schemas import SEGMENTATION_SCHEMA, STUDY_SCHEMA

PAGE = (Path(__file__).parents[2] / "docs" / "guides" / "segment_files.md").read_text(encoding="utf-8")

STUDIES = {"P1": [], "P2": [{"code": "uncertain"}]}


def described(schema, path=""):
    """Yield each key of a schema, at any depth, with its description."""
    for key, value in schema.get("properties", {}).items():
        yield f"{path}{key}", key, value.get("description")
        yield from described(value, f"{path}{key}.")
    if "items" in schema:
        yield from described(schema["items"], path)


@pytest.mark.parametrize("schema", [STUDY_SCHEMA, SEGMENTATION_SCHEMA], ids=["study", "segmentation"])
def test_page_has_every_key_with_the_description_of_the_schema(schema):
    keys = list(described(schema))
    assert len(keys) > 30
    lines = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| `")]
    rows = {(line[0], line[-1]) for line in lines}
    assert [path for path, key, text in keys if text is None or (f"`{key}`", text) not in rows] == []


def test_page_has_every_column_in_order():
    section = PAGE[PAGE.index("## volumes.csv") : PAGE.index("## Flags")]
    places = [section.index(f"`{column}`") for column in VOLUME_COLUMNS]
    assert places == sorted(places)
    assert list(STUDY_SCHEMA["properties"])[: len(VOLUME_COLUMNS)] == list(VOLUME_COLUMNS)


def test_page_has_every_flag():
    code = Path(__file__).parents[2] / "keras_lvseg"
    written = "".join(
        (code / path).read_text()
        for path in (
            "studies/study_volumes.py",
            "inference/result_folder.py",
            "inference/study_segmentation.py",
            "inference/consistency/mask_flags.py",
        )
    )
    section = PAGE[PAGE.index("## Flags") : PAGE.index("## study.json")]
    flags = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
    assert len(flags) == 20
    assert [flag for flag in flags if f'"{flag}"' not in written] == []


def test_program_for_pandas_reads_what_segment_writes(tmp_path, monkeypatch):
    pytest.importorskip("pandas")
    program = next(own for own in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL) if "pandas" in own)
    known = {"edv_ml": 120.0, "esv_ml": 50.0, "ejection_fraction_percent": 58.3}
    studies = [
        dict.fromkeys(VOLUME_COLUMNS) | known | {"study": name, "flags": flags} for name, flags in STUDIES.items()
    ]
    write_volume_table(tmp_path / "out" / "volumes.csv", studies)
    for name in STUDIES:
        volumes = [{"phase": phase, "volume_ml": 120.0 - 70 * phase} for phase in range(2)]
        (tmp_path / "out" / name).mkdir()
        (tmp_path / "out" / name / "study.json").write_text(json.dumps({"study": name, "volumes": volumes}))
    monkeypatch.chdir(tmp_path)
    scope: dict = {}
    exec(compile(program, "segment_files.md", "exec"), scope)
    assert list(scope["without_flags"].index) == ["P1"]
    assert scope["curves"]["P2"].tolist() == [120.0, 50.0]
