"""Networks: functions that return a `keras.Model` with logits as output."""

from keras_lvseg.models.fcn import fcn
from keras_lvseg.models.fully_connected import fully_connected
from keras_lvseg.models.unet import unet

__all__ = ["fcn", "fully_connected", "unet"]
