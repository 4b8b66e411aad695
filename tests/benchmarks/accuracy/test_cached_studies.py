import shutil

import numpy as np
import pytest

from benchmarks.accuracy.cached_studies import cached_study
from keras_lvseg import Segmenter
from keras_lvseg.inference import TrainedNetwork
from keras_lvseg.inference.inputs import find_inputs
from keras_lvseg.phantom import write_phantom


@pytest.mark.slow
def test_cached_study_decides_the_masks_of_segmenter_and_reads_them_again_without_images(tmp_path):
    write_phantom(tmp_path / "heart", patients=1, frames="contoured")
    (study,) = find_inputs(tmp_path / "heart").studies
    expected = {way: Segmenter(independent=not way).segment(tmp_path / "heart")[0] for way in (True, False)}
    cache = tmp_path / "cache"
    first = cached_study(study, TrainedNetwork.bundled(), cache)
    shutil.rmtree(tmp_path / "heart")
    again = cached_study(study, TrainedNetwork.bundled(), cache)
    for case in (first, again):
        for way, found in expected.items():
            decided = case.decide(way)
            np.testing.assert_array_equal(decided.masks, found.masks)
            volumes, codes = case.volumes(decided)
            assert (volumes.edv_ml, volumes.esv_ml) == (found.volumes.edv_ml, found.volumes.esv_ml)
            assert {flag.code for flag in found.volumes.flags} >= set(codes)
    assert len([*cache.iterdir()]) == 1
