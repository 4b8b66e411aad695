"""The command `keras-lvseg`, a thin layer over the public functions of `keras_lvseg`."""
