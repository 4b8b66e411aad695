import pytest

from benchmarks.agreement.dice_and_cross_entropy import CASES, COMPARISONS, TARGET

pytestmark = pytest.mark.slow

NEEDS = {"MONAI": "monai", "torchmetrics": "torchmetrics", "torch.": "torch", "tf.": "tensorflow"}


# torchmetrics warns of a change of its default whatever is passed.
@pytest.mark.filterwarnings("ignore:DiceScore metric currently defaults")
@pytest.mark.parametrize("name", COMPARISONS)
def test_dice_and_cross_entropy_against_a_reference_differ_less_than_the_target(name):
    for word, package in NEEDS.items():
        if word in name:
            pytest.importorskip(package)
    assert COMPARISONS[name](CASES // 50) <= TARGET
