import numpy as np
import pytest

from keras_lvseg.data import SAXDataset
from keras_lvseg.data.preprocessing import Preprocessing
from keras_lvseg.errors import DataError
from keras_lvseg.inference import evaluate
from keras_lvseg.io.course_record import CourseRecord
from keras_lvseg.io.tfrecord import write_examples
from tests.inference.planted import threshold_network
from tests.png_tree import write_png_tree

PREPROCESSING = Preprocessing((20, 16), intensity=None)


@pytest.fixture(scope="module")
def thresholding():
    """Return a network that is right in the images of the tree."""
    return threshold_network(100.0)


@pytest.mark.parametrize("repair", [False, True])
def test_evaluate_label_images_are_scored_as_given_or_corrected(thresholding, tmp_path, repair):
    frames = SAXDataset(write_png_tree(tmp_path / "tree"), labels_include_outline=repair).frames
    evaluation = evaluate(thresholding, frames, preprocessing=PREPROCESSING, contour_origin=-0.25)
    apd = evaluation.challenge.overall["all_apd_mm"].mean
    if repair:  # half a pixel of 1.5 mm all around, moved by nothing
        assert 0.5 < apd < 1
        assert 0.7 < evaluation.scores.mean_dice < 0.9
    else:
        assert apd < 0.3  # across the pixels' corners instead of along their edges
        assert evaluation.scores.mean_dice == 1


def test_evaluate_mask_without_spacing_is_one_line(thresholding, tmp_path):
    record = CourseRecord(np.arange(16).reshape(4, 4), np.eye(4, dtype=np.uint8))
    write_examples(tmp_path / "train_images.tfrecords", [record.to_features("course")])
    with pytest.raises(DataError, match="has a mask but no pixel spacing"):
        evaluate(thresholding, SAXDataset(tmp_path).frames, preprocessing=PREPROCESSING)
