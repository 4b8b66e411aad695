import numpy as np
from PIL import Image

from keras_lvseg.data import SAXDataset
from keras_lvseg.studies import read_image
from tests.png_tree import write_png_tree


def test_read_image_of_png_returns_its_values(tmp_path):
    for frame in SAXDataset(write_png_tree(tmp_path)).frames:
        np.testing.assert_array_equal(read_image(frame), np.array(Image.open(frame.path)))
