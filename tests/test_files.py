import csv
import errno
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg.errors import DataError
from keras_lvseg.files import (
    atomic_directory,
    atomic_file,
    delete_abandoned,
    locked_directory,
    read_rows,
    require_empty,
    write_rows,
)


def test_atomic_file_failed_block_keeps_old_file(tmp_path):
    path = tmp_path / "scores.json"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_file(path) as scratch:
        scratch.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["scores.json"]


def test_atomic_file_makes_folder_and_keeps_suffix(tmp_path):
    path = tmp_path / "new" / "model.keras"
    with atomic_file(path) as scratch:
        assert scratch.suffix == ".keras"
        scratch.write_text("whole")
    assert path.read_text() == "whole"


def test_atomic_directory_failed_block_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), atomic_directory(tmp_path / "run") as scratch:
        (scratch / "a").write_text("a")
        raise RuntimeError
    assert not any(tmp_path.iterdir())


def test_atomic_directory_replaces_only_empty_folder(tmp_path):
    target = tmp_path / "run"
    target.mkdir()
    with atomic_directory(target) as scratch:
        (scratch / "a").write_text("a")
    assert [path.name for path in target.iterdir()] == ["a"]
    with pytest.raises(DataError, match="not empty"), atomic_directory(target):
        pass
    assert (target / "a").read_text() == "a"


@pytest.mark.parametrize("name", [".", "link", "link/new"])
def test_atomic_directory_existing_folder_is_filled_in_place(tmp_path, monkeypatch, name):
    """It may be the working directory, the target of a link, or a mount point."""
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to(real, target_is_directory=True)
    monkeypatch.chdir(real)
    target = real / name if name == "." else tmp_path / name
    was = real.stat().st_ino
    with atomic_directory(name if name == "." else target) as scratch:
        (scratch / "masks").mkdir()
        (scratch / "masks" / "a").write_text("a")
        (scratch / "list.json").write_text("{}")
        assert not any(path.name in ("masks", "list.json") for path in real.iterdir())
    assert sorted(path.name for path in target.iterdir()) == ["list.json", "masks"]
    assert (target / "masks" / "a").read_text() == "a"
    assert (real.stat().st_ino, (tmp_path / "link").is_symlink()) == (was, True)
    assert len(list(real.iterdir())) == (1 if name == "link/new" else 2)


def test_atomic_directory_existing_folder_gets_files_last(tmp_path, monkeypatch):
    moved, rename = [], Path.rename
    monkeypatch.setattr(Path, "rename", lambda path, target: moved.append(path.name) or rename(path, target))
    with atomic_directory(tmp_path) as scratch:
        (scratch / "a.json").touch()
        (scratch / "b").mkdir()
        (scratch / "c").mkdir()
    assert sorted(moved[:2]) == ["b", "c"]
    assert moved[2:] == ["a.json"]


def test_atomic_directory_failed_block_empties_existing_folder(tmp_path):
    with pytest.raises(RuntimeError), atomic_directory(tmp_path) as scratch:
        (scratch / "a").write_text("a")
        raise RuntimeError
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["file/out", "file/a/out", "new", "there", "n" * 300])
def test_require_empty_unwritable_place_raises(tmp_path, monkeypatch, name):
    (tmp_path / "file").touch()
    (tmp_path / "there").mkdir()
    if name in ("new", "there"):  # whoever runs the tests may be allowed to write everywhere
        monkeypatch.setattr(os, "mkdir", Mock(side_effect=OSError(errno.EROFS, os.strerror(errno.EROFS))))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError, match=r"cannot be written \(.+\); name another folder") as caught:
        require_empty(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


_WITHOUT_KERAS = """\
import sys, types
package = types.ModuleType("keras_lvseg")  # its __init__ would import Keras, which takes seconds
package.__path__ = ["keras_lvseg"]
sys.modules["keras_lvseg"] = package
"""


def run_in_process(program: str) -> subprocess.Popen:
    """Start a Python program in a process, and wait until it has printed a line."""
    command = [sys.executable, "-c", _WITHOUT_KERAS + textwrap.dedent(program)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
    assert process.stdout.readline().strip() == "ready"
    return process


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_atomic_file_killed_process_keeps_old_file(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("old")
    program = f"""
        import time
        from keras_lvseg.files import atomic_file
        with atomic_file({str(path)!r}) as scratch:
            scratch.write_text("half")
            print("ready", flush=True)
            time.sleep(60)
    """
    with run_in_process(program) as process:
        process.kill()
        process.wait()
    assert path.read_text() == "old"


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_locked_directory_refuses_a_second_process_until_the_first_is_killed(tmp_path):
    program = f"""
        import time
        from keras_lvseg.files import locked_directory
        with locked_directory({str(tmp_path / "out")!r}):
            print("ready", flush=True)
            time.sleep(60)
    """
    with run_in_process(program) as process:
        with pytest.raises(DataError, match="is in use by another process"), locked_directory(tmp_path / "out"):
            pass
        process.kill()
        process.wait()
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".lock"]
    with locked_directory(tmp_path / "out") as folder:
        require_empty(folder)
    assert not any((tmp_path / "out").iterdir())


def test_locked_directory_deletes_only_the_empty_folders_that_it_created(tmp_path):
    with locked_directory(tmp_path / "a" / "b"):
        pass
    assert not any(tmp_path.iterdir())
    with locked_directory(tmp_path / "a" / "b") as folder:
        (folder / "result").touch()
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["result"]
    with locked_directory(tmp_path):
        pass
    assert tmp_path.exists()


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_delete_abandoned_deletes_what_killed_processes_left_and_nothing_else(tmp_path):
    program = f"""
        import time
        from pathlib import Path
        from keras_lvseg.files import atomic_directory, atomic_file
        with atomic_directory({str(tmp_path / "study")!r}) as folder, atomic_file({str(tmp_path / "a.csv")!r}) as file:
            (folder / "mask.png").touch()
            file.touch()
            print("ready", flush=True)
            time.sleep(60)
    """
    kept = {".lock", ".hidden", "study.1-1", ".scores.other-host-1.csv"}
    for name in kept:
        (tmp_path / name).touch()
    with run_in_process(program) as process:
        running = {path.name for path in tmp_path.iterdir()} - kept
        assert len(running) == 2
        delete_abandoned(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == kept | running
        process.kill()
        process.wait()
    delete_abandoned(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_atomic_file_takes_a_name_as_long_as_the_file_system_does(tmp_path):
    path = tmp_path / f"{'n' * 251}.csv"
    with atomic_file(path) as scratch:
        scratch.touch()
    assert path.exists()


formulas = st.builds(str.__add__, st.sampled_from(["=", "+", "-", "@", "\t", "\r", "'=", "''-"]), st.text())


@given(st.lists(formulas | st.text() | st.floats(allow_nan=False) | st.integers(), min_size=2, max_size=2))
def test_read_rows_gives_back_text_and_numbers_and_no_text_is_a_formula(tmp_path_factory, values):
    path = tmp_path_factory.getbasetemp() / "rows.csv"
    write_rows(path, [dict(zip("ab", values, strict=True))])
    assert read_rows(path) == [dict(zip("ab", map(str, values), strict=True))]
    with path.open(newline="", encoding="utf-8") as file:
        _, cells = csv.reader(file)
    for value, cell in zip(values, cells, strict=True):
        assert not isinstance(value, str) or not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
        assert isinstance(value, str) or cell == str(value)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+2", "'=1+2"),
        ("'=1", "''=1"),
        ("'P1", "'P1"),
        (Path("-1/1.png"), "'-1/1.png"),
        (-1.5, "-1.5"),
        ((-1.5, 2.0), "-1.5 2.0"),
        (("-a",), "'-a"),
        ("caf\udce9", r"caf\udce9"),
    ],
)
def test_write_rows_cell_is_text_or_numbers(tmp_path, value, cell):
    write_rows(tmp_path / "rows.csv", [{"a": value}])
    with (tmp_path / "rows.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["a"], [cell]]


@pytest.mark.parametrize("writer", [atomic_file, atomic_directory])
def test_atomic_writer_on_a_full_disk_names_what_it_writes(tmp_path, writer):
    with (
        pytest.raises(OSError, match="No space left") as caught,
        writer(tmp_path / "out"),
        open("/dev/full", "w") as file,
    ):
        file.write("a" * 100_000)
    assert caught.value.filename == str(tmp_path / "out")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("writer", [atomic_file, atomic_directory])
def test_atomic_writer_whose_folder_vanishes_names_what_it_writes(tmp_path, writer):
    with pytest.raises(FileNotFoundError) as caught, writer(tmp_path / "new" / "out") as scratch:
        shutil.rmtree(tmp_path / "new")
        (scratch / "a" if writer is atomic_directory else scratch).write_text("a")
    assert caught.value.filename == str(tmp_path / "new" / "out")


def test_atomic_writer_names_what_it_writes_where_a_library_wraps_the_error(tmp_path):
    with pytest.raises(OSError, match="No space left") as caught, atomic_directory(tmp_path / "out"):
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise OSError("With tag (7FE0,0010) got exception") from error
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path / "out"))
