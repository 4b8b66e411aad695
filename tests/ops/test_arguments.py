from functools import partial

import numpy as np
import pytest

from keras_lvseg.ops.arguments import (
    check_choice,
    check_fraction,
    check_input_shape,
    check_integer,
    check_weight,
)

check_multiples = partial(check_input_shape, multiple=16)
check_fixed = partial(check_input_shape, fixed=True)


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (lambda v: check_choice("x", v, ("a", None)), ["a", None], ["b", 1]),
        (lambda v: check_integer("x", v), [-3, 0, np.int64(2)], [1.0, "1", None, True]),
        (lambda v: check_integer("x", v, minimum=1), [1, 2], [0, -1, 1.5]),
        (lambda v: check_fraction("x", v), [0, 0.5, 1.0, np.float32(0.5)], [-0.1, 1.1, float("nan"), "0", None, True]),
        (check_input_shape, [(None, 4, 1), [4, 3, 2]], [(4, 4), (0, 4, 1), (4, 4, 0), (4, 4, None), (4.0, 4, 1)]),
        (check_multiples, [(32, 16, 1), (None, None, 1)], [(16, 24, 1)]),
        (check_fixed, [(4, 3, 2)], [(None, 4, 1)]),
        (lambda v: check_weight("x", v), [0, 2.5], [-1, float("nan"), float("inf"), "1", None, True]),
    ],
)
def test_check_argument_outside_its_rule_raises(check, good, bad):
    for value in good:
        check(value)
    for value in bad:
        with pytest.raises(
            ValueError, match=r"Invalid value for argument `(x|input_shape)`. Expected .* Received: (x|input_shape)="
        ):
            check(value)
