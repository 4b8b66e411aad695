import numpy as np

from keras_lvseg.inference.consistency.study_masks import decide_alone
from keras_lvseg.inference.postprocess import decide_classes, keep_best_component


def test_decide_alone_is_the_decision_of_each_image_with_its_mean_probability():
    cavity = np.random.default_rng(0).random((3, 8, 9))
    cavity[1] = 0.1

    def probabilities(index):
        return np.stack([1 - cavity[index], cavity[index]])

    for decide in (decide_classes, keep_best_component):
        result = decide_alone(3, probabilities, decide)
        np.testing.assert_array_equal(result.masks, [decide(probabilities(index)) for index in range(3)])
        assert result.certainties[1] is None
        assert result.certainties[2] == np.mean(cavity[2][result.masks[2] == 1])
        assert result.changes == [None] * 3
