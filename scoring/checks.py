"""Numbers as they come in: what is not the kind of number asked for is a ValueError that names it."""

import operator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

NUMBERS = (int, float, np.integer, np.floating, Decimal, Fraction)


def whole(value: Any, what: str) -> int:
    """A whole number of any kind (numpy's too) as an int. ValueError for others, such as 2.0, "2" and True.

    >>> whole(2, "places")
    2
    """
    if not isinstance(value, bool):
        try:
            return operator.index(value)
        except TypeError:
            pass
    raise ValueError(f"{what}: {value!r} is not a whole number")
