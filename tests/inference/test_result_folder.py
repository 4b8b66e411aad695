import csv
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from jsonschema import validate
from PIL import Image

from keras_lvseg import Segmenter
from keras_lvseg.errors import DataError
from keras_lvseg.inference import OUTPUTS, open_results
from keras_lvseg.reporting import VOLUME_COLUMNS
from tests.inference.planted import write_planted_run
from tests.inference.schemas import SEGMENTATION_SCHEMA, STUDY_SCHEMA
from tests.small_tree import images_of, write_small_tree

SUMMARY = {"volumes.csv", "segmentation.json", "index.html"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_planted_run(tmp_path_factory.mktemp("planted") / "run", 100.0)


@pytest.fixture
def tree(tmp_path):
    radius = lambda slice_, phase: 6.0 - phase  # noqa: E731
    patients = {"P1": "O1", "P2": "O2", "P3": "O3"}
    return write_small_tree(tmp_path / "tree", patients, slices=3, phases=2, radius=radius, StudyDate="20200102")


def segment(run, tree, out, **options):
    with open_results(out, **options) as results:
        return results.write(Segmenter(run).segment(tree))


def contents(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_write_leaves_tables_and_a_folder_per_study(run, tree, tmp_path):
    (tree / "re[red]port.pdf").touch()
    summary = segment(run, tree, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == SUMMARY | {"P1", "P2", "P3"}
    result = json.loads((tmp_path / "out" / "segmentation.json").read_text())
    validate(result, SEGMENTATION_SCHEMA)
    assert result["skipped"] == [*summary.skipped]
    assert [file["file"] for file in result["skipped"]] == ["re[red]port.pdf"]
    assert result["network"] == {"run": str(run)}
    with (tmp_path / "out" / "volumes.csv").open(newline="") as file:
        rows = [*csv.DictReader(file)]
    assert [*rows[0]] == [*VOLUME_COLUMNS]
    for row, study in zip(rows, result["studies"], strict=True):
        own = json.loads((tmp_path / "out" / row["study"] / "study.json").read_text())
        validate(own, STUDY_SCHEMA)
        for column in VOLUME_COLUMNS[:-1]:
            assert row[column] == ("" if own[column] is None else str(own[column]))
            assert study[column] == own[column]
        assert row["flags"] == " ".join(flag["code"] for flag in own["flags"])
        assert 20 < own["ejection_fraction_percent"] < 60
    assert summary.failed == ()


def test_write_unreadable_study_stops_no_other_and_is_tried_again(run, tree, tmp_path):
    segmentation = Segmenter(run).segment(tree)
    whole = {path: path.read_bytes() for path in images_of(tree, "P2")}
    for path in whole:
        path.write_bytes(b"")
    with open_results(tmp_path / "out") as results:
        summary = results.write(segmentation)
    assert [study["study"] for study in summary.failed] == ["P2"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == SUMMARY | {"P1", "P3"}
    rows = (tmp_path / "out" / "volumes.csv").read_text().splitlines()
    assert rows[2].startswith("P2,P2,")
    assert rows[2].endswith(",failed")
    validate(json.loads((tmp_path / "out" / "segmentation.json").read_text()), SEGMENTATION_SCHEMA)
    for path, content in whole.items():
        path.write_bytes(content)
    assert segment(run, tree, tmp_path / "out", resume=True).failed == ()
    segment(run, tree, tmp_path / "once")
    assert contents(tmp_path / "out") == contents(tmp_path / "once")


def test_write_resumed_segments_only_what_is_missing(run, tree, tmp_path):
    out = tmp_path / "out"
    segment(run, tree, out, outputs=OUTPUTS)
    before = contents(out)
    for path in [*(out / "P2").rglob("*"), *(out / name for name in SUMMARY)]:
        if path.is_file():
            path.unlink()
    for folder in sorted((out / "P2").rglob("*"), reverse=True):
        folder.rmdir()
    (out / "P2").rmdir()
    untouched = (out / "P1" / "study.json").stat().st_mtime_ns
    told = []
    with open_results(out, outputs=OUTPUTS, resume=True) as results:
        results.write(Segmenter(run).segment(tree), lambda *progress: told.append(progress))
    assert told == [(6, 6)]
    assert contents(out) == before
    assert (out / "P1" / "study.json").stat().st_mtime_ns == untouched


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("images", "has results of other images"),
        ("network", "has results of another network or version"),
        ("outputs", r"was written with other options; expected --write nifti, got --write masks,report; name another"),
        ("anonymous", "expected --write masks,report, got --write masks,report --anonymous"),
        ("foreign", "is not a result of segment"),
    ],
)
def test_write_resumed_with_something_else_is_one_line_and_writes_nothing(run, tree, tmp_path, change, message):
    out = tmp_path / "out"
    anonymous = change == "anonymous"
    segment(run, tree, out, anonymous=anonymous)
    if anonymous:
        for number in (1, 2, 3):
            (out / f"study-{number:04d}").rename(out / f"P{number}")
    if change == "foreign":
        (out / "P2" / "study.json").write_text("{}")
    if change == "images":
        next(iter(images_of(tree, "P2"))).unlink()
    if change == "network":
        run = write_planted_run(tmp_path / "other", 100.0)
    before = contents(out)
    options = {"outputs": ["nifti"]} if change == "outputs" else {}
    with pytest.raises(DataError, match=message) as caught:
        segment(run, tree, out, resume=True, **options)
    assert "\n" not in str(caught.value)
    assert contents(out) == before


@pytest.mark.parametrize(
    "damage",
    [
        lambda record: record.update(edv_ml=731.2),
        lambda record: record.update(patient=None),
        lambda record: record.update(flags=7),
        lambda record: record["images"][0].clear(),
        lambda record: record.pop("skipped"),
        lambda record: record.pop("checksum"),
    ],
)
def test_write_resumed_with_a_damaged_study_is_one_line(run, tree, tmp_path, damage):
    segment(run, tree, tmp_path / "out")
    path = tmp_path / "out" / "P2" / "study.json"
    record = json.loads(path.read_text())
    damage(record)
    path.write_text(json.dumps(record))
    with pytest.raises(DataError, match="is damaged or was edited; name another folder, or delete P2") as caught:
        segment(run, tree, tmp_path / "out", resume=True)
    assert caught.value.path == str(path)


def test_open_results_refuses_a_folder_with_content_unless_it_resumes(run, tree, tmp_path):
    segment(run, tree, tmp_path / "out")
    with pytest.raises(DataError, match="is not empty"):
        segment(run, tree, tmp_path / "out")
    segment(run, tree, tmp_path / "new", resume=True)
    assert contents(tmp_path / "new") == contents(tmp_path / "out")


def test_open_results_refuses_a_second_run(run, tree, tmp_path):
    with open_results(tmp_path / "out"):
        for resume in (False, True):
            with pytest.raises(DataError, match="is in use by another process"):
                segment(run, tree, tmp_path / "out", resume=resume)
    assert not (tmp_path / "out").exists()


def test_write_anonymous_numbers_the_studies(run, tree, tmp_path):
    (tree / "Jane.pdf").touch()
    summary = segment(run, tree, tmp_path / "out", anonymous=True)
    numbers = {f"study-{number:04d}" for number in (1, 2, 3)}
    assert {path.name for path in (tmp_path / "out").iterdir()} == SUMMARY | numbers
    assert [study["patient"] for study in summary.studies] == [None] * 3
    for name in SUMMARY:
        content = (tmp_path / "out" / name).read_text()
        assert not any(secret in content for secret in ("P1", "P2", "O1", "Jane"))
    segment(run, tree, tmp_path / "out", anonymous=True, resume=True)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_write_killed_run_loses_one_study_and_resumes_to_the_same_bytes(run, tree, tmp_path):
    """Many random moments are in benchmarks/robustness/long_runs.py."""
    segment(run, tree, tmp_path / "once")
    program = f"""
        import os, signal
        from keras_lvseg import Segmenter
        from keras_lvseg.inference import open_results, study_files
        write_report = study_files.write_study_report
        def write_or_kill(path, record, montages):
            if record["study"] == "P2":
                os.kill(os.getpid(), signal.SIGKILL)
            write_report(path, record, montages)
        study_files.write_study_report = write_or_kill
        with open_results({str(tmp_path / "out")!r}) as results:
            results.write(Segmenter({str(run)!r}).segment({str(tree)!r}))
    """
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    command = [sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert {name for name in left if not name.startswith(".")} == {"P1"}
    assert len(left) == 3  # the lock and the unfinished folder too
    segment(run, tree, tmp_path / "out", resume=True)
    assert contents(tmp_path / "out") == contents(tmp_path / "once")


def test_write_stray_images_that_cannot_be_read_are_skipped_files(run, tree, tmp_path):
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(tree / "screen.png")
    summary = segment(run, tree, tmp_path / "out")
    assert [study["study"] for study in summary.studies] == ["P1", "P2", "P3"]
    assert summary.failed == ()
    ((file, reason),) = (skipped.values() for skipped in summary.skipped)
    assert (file, "is a colour image" in reason) == ("screen.png", True)
    with pytest.raises(DataError, match=r"holds no image that can be segmented; screen\.png is a colour image"):
        segment(run, tree / "screen.png", tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_write_on_a_full_disk_is_one_line_and_keeps_finished_studies(run, tree, tmp_path, disk):
    segment(run, tree, tmp_path / "roomy", outputs=OUTPUTS)
    roomy, segmentation = contents(tmp_path / "roomy"), Segmenter(run).segment(tree)
    first = {name: content for name, content in roomy.items() if name.startswith("P1/")}
    disk.fill(first.values(), room=1.5)  # the first study and half of the second
    out = disk.path / "out"
    with (
        pytest.raises(DataError, match=r"out: cannot be written \(No space left on device\)") as caught,
        open_results(out, outputs=OUTPUTS) as results,
    ):
        results.write(segmentation)
    assert "\n" not in str(caught.value)
    assert {path.name for path in out.iterdir()} == {"P1"}
    assert contents(out) == first
    disk.enlarge()
    segment(run, tree, out, outputs=OUTPUTS, resume=True)
    assert contents(out) == roomy
