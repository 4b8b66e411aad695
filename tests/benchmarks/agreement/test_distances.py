import pytest

from benchmarks.agreement.distances import CASES, COMPARISONS, TARGET

pytestmark = pytest.mark.slow


# MONAI warns of an argument that it passes itself.
@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")
@pytest.mark.parametrize("name", COMPARISONS)
def test_distances_against_a_reference_differ_less_than_the_target(name):
    if "MONAI" in name:
        pytest.importorskip("monai")
    assert COMPARISONS[name](CASES // 20) <= TARGET
