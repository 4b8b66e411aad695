"""What the numbers of a change are: a row that `Augmentation.draw` makes, and that any pipeline can apply."""

MATRIX = slice(0, 6)
"""2 x 3 by rows: takes (x, y, 1) of a pixel of the changed image to the (x, y) that it is read from."""

CONTRAST, BRIGHTNESS, GAMMA, NOISE, NOISE_KEY = range(6, 11)
"""A factor, a summand, a power, a standard deviation, and an integer below 2**24 for `fields.normal_noise`."""

SHADING_POINTS, ELASTIC_POINTS = 4, 7
"""Control points along an axis of the image, see `fields.spline_weights`."""

SHADING = slice(11, 11 + SHADING_POINTS**2)
"""Control values of the logarithm of the shading."""

ELASTIC = slice(SHADING.stop, SHADING.stop + 2 * ELASTIC_POINTS**2)
"""Control values of what is added to x, then of what is added to y, before the matrix."""

COLUMNS = ELASTIC.stop
