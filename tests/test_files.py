import os
import signal
import subprocess
import sys
import textwrap

import pytest

from keras_lvseg.errors import DataError
from keras_lvseg.files import whole_file, whole_folder


def test_a_failed_write_keeps_the_old_file_and_leaves_no_scrap(tmp_path):
    path = tmp_path / "scores.json"
    path.write_text("old")
    with pytest.raises(RuntimeError), whole_file(path) as scratch:
        scratch.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["scores.json"]


def test_a_whole_file_makes_its_folder_and_keeps_its_suffix(tmp_path):
    path = tmp_path / "new" / "model.keras"
    with whole_file(path) as scratch:
        assert scratch.suffix == ".keras"
        scratch.write_text("whole")
    assert path.read_text() == "whole"


def test_a_failed_folder_is_as_if_never_begun(tmp_path):
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "run") as scratch:
        (scratch / "a").write_text("a")
        raise RuntimeError
    assert not any(tmp_path.iterdir())


def test_a_folder_takes_the_place_of_an_empty_one_only(tmp_path):
    target = tmp_path / "run"
    target.mkdir()
    with whole_folder(target) as scratch:
        (scratch / "a").write_text("a")
    assert [path.name for path in target.iterdir()] == ["a"]
    with pytest.raises(DataError, match="not empty"), whole_folder(target):
        pass
    assert (target / "a").read_text() == "a"


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_killed_process_leaves_the_old_file(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("old")
    program = f"""
        import sys, time
        from keras_lvseg.files import whole_file
        with whole_file({str(path)!r}) as scratch:
            scratch.write_text("half")
            print("writing", flush=True)
            time.sleep(60)
    """
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    command = [sys.executable, "-c", textwrap.dedent(program)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout.readline().strip() == "writing"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert path.read_text() == "old"
