"""Settings and data that all tests share."""

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

# One thread per process, because pytest-xdist runs a process per core. This must precede the import of Keras.
for name in ("OMP_NUM_THREADS", "TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if os.environ.get("KERAS_BACKEND") == "jax":
    # Most code is compiled to run once. A test of optimized code turns the optimizations on again.
    os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

# No deadline and no check of the speed, because the first call on a backend compiles and the machine may be busy. The
# default draws the same examples on every machine, so that a release passes for everybody. The others draw at random.
_common = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("default", **_common, max_examples=10, derandomize=True)
settings.register_profile("ci", **_common, max_examples=100, derandomize=False, print_blob=True)
settings.register_profile("campaign", **_common, max_examples=20_000, derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def _real_data(name: str) -> Path:
    folder = os.environ.get("KERAS_LVSEG_DATA")
    if not folder:
        pytest.skip("KERAS_LVSEG_DATA is not set: the folder of the real patients")
    path = Path(folder) / name
    if not path.is_dir():
        pytest.skip(f"KERAS_LVSEG_DATA has no folder {name}")
    return path


@pytest.fixture(scope="session")
def sunnybrook() -> Path:
    """Three real patients as DICOM, end-diastole and end-systole, with contours."""
    return _real_data("sunnybrook-sample")


@pytest.fixture(scope="session")
def sunnybrook_studies() -> Path:
    """Two real patients as DICOM, all slices and phases, with contours."""
    return _real_data("sunnybrook-studies")


@pytest.fixture(scope="session")
def sunnybrook_png() -> Path:
    """The 15 training patients of the 2009 challenge as PNG images and labels."""
    return _real_data("sunnybrook-training-png")


@pytest.fixture(scope="session")
def phantom_tree(tmp_path_factory) -> Path:
    """Three synthetic patients, the contoured frames only; read-only."""
    return _write_phantoms(tmp_path_factory, "sample")


@pytest.fixture
def tree(phantom_tree, tmp_path) -> Path:
    """A copy of `phantom_tree` that a test may change."""
    return shutil.copytree(phantom_tree, tmp_path / "tree")


@pytest.fixture(scope="session")
def atlas_tree(tmp_path_factory) -> Path:
    """The patients of `phantom_tree` in the folders of the Cardiac Atlas Project; read-only."""
    return _write_phantoms(tmp_path_factory, "cardiac-atlas")


@pytest.fixture(scope="session")
def challenge_tree(tmp_path_factory) -> Path:
    """The patients of `phantom_tree` in the folders of the challenge, with decoys; read-only."""
    return _write_phantoms(tmp_path_factory, "challenge")


def _write_phantoms(tmp_path_factory, tree: str) -> Path:
    from keras_lvseg.phantom import write_phantom

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base  # written once for all workers
    folder = shared / f"phantoms-{tree}"
    with FileLock(shared / f"phantoms-{tree}.lock"):
        if not folder.exists():
            write_phantom(folder, patients=3, seed=7, frames="contoured", tree=tree)
    return folder
