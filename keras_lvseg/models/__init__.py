"""Networks, as functions that return a `keras.Model` with logits as output, and the bundled weights."""

from keras_lvseg.models.fcn import fcn
from keras_lvseg.models.fully_connected import fully_connected
from keras_lvseg.models.pretrained import PretrainedInfo, pretrained_info, pretrained_names
from keras_lvseg.models.unet import unet

__all__ = ["PretrainedInfo", "fcn", "fully_connected", "pretrained_info", "pretrained_names", "unet"]
