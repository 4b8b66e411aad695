import pytest

from keras_lvseg.data import OFFICIAL_SPLITS
from keras_lvseg.data.official_splits import official_split


def test_official_splits_have_15_patients_each_and_share_none():
    assert [len(names) for names in OFFICIAL_SPLITS.values()] == [15, 15, 15]
    assert len({name for names in OFFICIAL_SPLITS.values() for name in names}) == 45


@pytest.mark.parametrize(
    ("name", "split"),
    [("SC-N-2", "train"), ("SC-N-02", "train"), ("SC-HYP-6", "validation"), ("SC-HF-NI-15", "test"), ("SC-N-1", None)],
)
def test_official_split_with_or_without_zero_padding_is_found(name, split):
    assert official_split(name) == split
