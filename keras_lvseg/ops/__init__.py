"""Pure tensor functions on `keras.ops`: what the metric and the losses count and check with."""
