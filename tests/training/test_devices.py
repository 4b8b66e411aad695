"""The devices of a training. Trainings on two devices and by two processes are processes of their own."""

import csv
import os
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from keras_lvseg.models.build import load_network
from keras_lvseg.models.gpu import has_gpu
from keras_lvseg.training import RunFolder
from keras_lvseg.training.devices import Devices, preferred_dtype
from tests.harness import BACKEND, ROOT, run_in_new_process
from tests.training.train_on_devices import OPTIONS, train_here

SCRIPT = ROOT / "tests" / "training" / "train_on_devices.py"
only_jax = pytest.mark.skipif(BACKEND != "jax", reason="several processes train on JAX alone")


def history(run):
    with run.history.open(newline="") as file:
        return np.array([[float(value) for value in row.values()] for row in csv.DictReader(file)])


def start_two(tree, run):
    """Start two processes that train together."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": BACKEND}
    return [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), str(tree), str(run), address, "2", str(process)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for process in range(2)
    ]


def finish(processes):
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors


@pytest.fixture(scope="module")
def alone(phantom_tree, tmp_path_factory):
    """A run on one device."""
    return train_here(phantom_tree, tmp_path_factory.mktemp("runs") / "alone")


def test_preferred_dtype_is_bfloat16_on_a_gpu_only():
    assert preferred_dtype() == ("mixed_bfloat16" if has_gpu() else "float32")


@pytest.mark.parametrize(
    ("found", "batch_size", "used"), [(1, 4, 1), (2, 4, 2), (3, 4, 2), (8, 4, 4), (2, 1, 1), (5, 20, 5)]
)
def test_devices_share_a_batch_in_equal_parts(monkeypatch, found, batch_size, used):
    names = tuple(f"gpu:{index}" for index in range(found))
    monkeypatch.setattr("keras_lvseg.training.devices._list_devices", lambda: (names, 1, 0))
    devices = Devices.find(batch_size)
    if BACKEND == "torch":
        used = 1
    assert devices.names == names[:used]
    assert devices.unused == found - used


def test_devices_of_several_processes_must_divide_the_batch(monkeypatch):
    monkeypatch.setattr("keras_lvseg.training.devices._list_devices", lambda: (("gpu:0", "gpu:1", "gpu:2"), 3, 1))
    assert Devices.find(6).process == 1
    with pytest.raises(ValueError, match=r"`batch_size`.*a multiple of 3, the number of devices"):
        Devices.find(4)


@pytest.mark.slow
@pytest.mark.skipif(BACKEND == "torch", reason="keras has no distribution for PyTorch")
def test_train_on_two_devices_has_the_losses_of_one(phantom_tree, tmp_path, alone):
    run = RunFolder(tmp_path / "run")
    two = (
        {"LOGICAL_DEVICES": "2"}
        if BACKEND == "tensorflow"
        else {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    )
    run_in_new_process(SCRIPT, str(phantom_tree), str(run.path), **two)
    np.testing.assert_allclose(history(run), history(alone), atol=1e-4)


@pytest.mark.slow
@only_jax
def test_train_by_two_processes_killed_and_resumed_has_the_losses_of_one(phantom_tree, tmp_path, alone):
    run, killed = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "killed")
    finish(start_two(phantom_tree, run.path))
    np.testing.assert_allclose(history(run), history(alone), atol=1e-4)

    processes = start_two(phantom_tree, killed.path)
    while not killed.checkpoint.exists():
        assert all(process.poll() is None for process in processes)
        time.sleep(0.005)
    processes[1].kill()
    for process in processes:
        process.communicate()
    assert processes[0].returncode != 0  # it cannot go on alone, and says so instead of waiting
    assert len(history(killed)) < OPTIONS["epochs"]
    finish(start_two(phantom_tree, killed.path))
    np.testing.assert_array_equal(history(killed), history(run))
    for weight, due in zip(*(load_network(own.network)[0].get_weights() for own in (killed, run)), strict=True):
        np.testing.assert_array_equal(weight, due)
