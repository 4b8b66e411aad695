"""Pure tensor functions on `keras.ops` for the metric and the losses."""

__all__: list[str] = []
