import pytest


@pytest.fixture
def client():
    """A cluster of two workers in this process."""
    distributed = pytest.importorskip("distributed")
    from keras_lvseg.inference.archives import study_job

    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client
    study_job._load_network.cache_clear()
