"""Real processes: their imports, their output, and real signals."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from keras_lvseg import __version__
from tests.harness import ROOT
from tests.inference.planted import write_planted_run
from tests.png_tree import write_png_tree
from tests.small_tree import write_small_tree

BACKENDS = {"keras", "keras_lvseg", "tensorflow", "jax", "torch"}
HEAVY = BACKENDS | {"numpy", "scipy", "skimage", "matplotlib", "pydicom", "PIL"}
# Runs command lines one after another. Prints the exit code, the standard output and the loaded modules of each.
RUN_ALL = """
import contextlib, io, json, sys
from keras_lvseg_cli.__main__ import main
for arguments in json.load(sys.stdin):
    sys.argv[1:], out = arguments, io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            main()
        except SystemExit as end:
            code = end.code
    print(json.dumps([code, out.getvalue(), sorted(sys.modules)]))
"""


def environment():
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"} | {"PYTHONPATH": paths}


def start(*arguments, **options):
    command = [sys.executable, "-m", "keras_lvseg_cli", *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment(), **options)


COMMANDS = {
    "--help": 0,
    "--version": 0,
    "train --help": 0,
    "segment --help": 0,
    "demo --help": 0,
    "compare-volumes --help": 0,
    "": 2,
    "segmnt": 2,
    "train tree": 2,
    "train tree run --epochs 0": 2,
    "train tree run --learning-rate 0": 2,
    "train tree run --model vnet": 2,
    "segment input out --pixel-spacing -1": 2,
    "compare-volumes volumes.csv": 2,
    "compare-volumes volumes.csv --submission out.csv": 2,
}


@pytest.fixture(scope="module")
def ended():
    """Return the exit code, the output and the loaded modules of each command. One process runs all."""
    commands = json.dumps([command.split() for command in COMMANDS])
    run = [sys.executable, "-c", RUN_ALL]
    done = subprocess.run(run, input=commands, capture_output=True, text=True, env=environment(), check=True)
    return dict(zip(COMMANDS, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("command", COMMANDS)
def test_help_version_and_usage_errors_load_no_backend(ended, command):
    code, out, modules = ended[command]
    assert code == COMMANDS[command]
    assert not HEAVY & set(modules)
    if "--help" in command:
        assert "Usage: keras-lvseg" in out
    if "--version" in command:
        assert out == f"keras-lvseg {__version__}\n"


@pytest.mark.slow
def test_error_of_a_command_is_the_only_line(tmp_path):
    process = start("train", tmp_path, tmp_path / "run")
    out, err = process.communicate()
    assert (process.returncode, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"keras-lvseg: error: {tmp_path}: has no known layout")


@pytest.mark.parametrize("command", ["--version", "--help"])
def test_output_on_a_full_disk_is_one_line_and_1(command):
    with open("/dev/full", "w") as full:
        run = [sys.executable, "-m", "keras_lvseg_cli", command]
        done = subprocess.run(run, stdout=full, stderr=subprocess.PIPE, text=True, env=environment(), check=False)
    assert done.returncode == 1
    assert done.stderr == "keras-lvseg: error: the output cannot be written (No space left on device)\n"


@pytest.mark.parametrize("command", ["--version", "--help"])
def test_output_to_a_closed_pipe_ends_quietly(command):
    reader, writer = os.pipe()
    os.close(reader)
    run = [sys.executable, "-m", "keras_lvseg_cli", command]
    done = subprocess.run(run, stdout=writer, stderr=subprocess.PIPE, text=True, env=environment(), check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, "")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("seconds", [0.3, 1.0])
def test_signal_during_start_up_is_one_line(tmp_path, number, seconds):
    process = start("train", tmp_path / "data", tmp_path / "run")
    time.sleep(seconds)
    process.send_signal(number)
    assert_stopped(process, number)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_signal_during_training_leaves_whole_files(tmp_path):
    tree, run = write_png_tree(tmp_path / "tree"), tmp_path / "run"
    options = ["--test=P2", "--filters=2", "--image-size=32", "--augmentation=none", "--epochs=100000"]
    process = start("train", tree, run, *options)
    wait_for(lambda: (run / "history.csv").exists(), process)
    process.send_signal(signal.SIGTERM)
    assert_stopped(process, signal.SIGTERM)
    assert [path.name for path in run.iterdir() if path.name.startswith(".")] == []
    assert not (run / "network.json").exists()


@pytest.mark.slow
def test_signal_during_writing_leaves_nothing(tmp_path):
    """The output folder appears at the start, for its lock, and goes again if no study is finished."""
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1"}, slices=5, phases=20)
    run = write_planted_run(tmp_path / "run", 150.0)
    process = start("segment", tree, tmp_path / "new" / "out", "--run", run)
    wait_for((tmp_path / "new").exists, process)
    process.send_signal(signal.SIGINT)
    assert_stopped(process, signal.SIGINT)
    assert list(tmp_path.glob("new/**/*")) == []


@pytest.mark.slow
def test_ignored_signal_stays_ignored(tmp_path):
    process = start("audit", tmp_path, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 1


def assert_stopped(process, number):
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (128 + number, f"keras-lvseg: stopped by {number.name}\n")


def wait_for(condition, process):
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
