"""Connections to real schedulers and to ports without one."""

import socket

import pytest

from keras_lvseg.errors import DataError
from keras_lvseg.inference import open_cluster
from keras_lvseg.inference.archives import cluster

distributed = pytest.importorskip("distributed")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "argument `workers`. Expected a number, or `scheduler`"),
        ({"workers": 1, "scheduler": "tcp://h:1"}, "argument `workers`. Expected a number, or `scheduler`"),
        ({"workers": 0}, "argument `workers`. Expected 1 or more"),
    ],
)
def test_open_cluster_wrong_arguments_raise(arguments, message):
    with pytest.raises(ValueError, match=message), open_cluster(**arguments):
        pass


@pytest.fixture
def scheduler():
    """Address of a scheduler without workers."""
    options = {"n_workers": 0, "processes": False, "dashboard_address": None, "protocol": "tcp"}
    with distributed.LocalCluster(**options) as running:
        yield running.scheduler_address


@pytest.mark.slow
def test_open_cluster_scheduler_that_cannot_be_reached_is_one_line(monkeypatch):
    monkeypatch.setattr(cluster, "_TIMEOUT", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    for name in (address, "nonsense://x"):
        match = "is not a Dask scheduler that can be reached"
        with pytest.raises(DataError, match=match) as caught, open_cluster(scheduler=name):
            pass
        assert str(caught.value).startswith(f"{name}: ")
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.slow
def test_open_cluster_with_a_worker_that_ends_while_it_starts_is_one_line(monkeypatch):
    monkeypatch.setattr(cluster, "_SILENCE", "import os; os._exit(1)")
    with (
        pytest.raises(DataError, match=r"^worker processes: cannot be started \(Nanny failed"),
        open_cluster(workers=1),
    ):
        pass


@pytest.mark.slow
def test_open_cluster_scheduler_without_worker_warns(scheduler):
    with pytest.warns(UserWarning, match="has no worker yet"), open_cluster(scheduler=scheduler) as client:
        assert client.scheduler.address == scheduler


@pytest.mark.slow
def test_open_cluster_scheduler_of_another_version_is_one_line(scheduler, monkeypatch):
    get_versions = distributed.Client.get_versions

    def older(self, **options):
        versions = get_versions(self, **options)
        versions["scheduler"]["packages"]["distributed"] = "2020.1.0"
        return versions

    monkeypatch.setattr(distributed.Client, "get_versions", older)
    match = r"has another version of distributed; expected .* as here, got 2020\.1\.0"
    with pytest.raises(DataError, match=match), open_cluster(scheduler=scheduler):
        pass
