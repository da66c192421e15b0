"""How much two different ratings agree: the weights of Gwet's AC2."""

from collections.abc import Hashable, Sequence
from decimal import Decimal
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scoring.checks import NUMBERS

Weighting = Literal["unweighted", "ordinal", "linear", "quadratic"]
Floats = NDArray[np.float64]

FARTHEST = 10**9


def weight_matrix(categories: Sequence[Hashable], weights: Weighting | Any) -> Floats:
    """A named or given matrix of partial agreement, checked: symmetric, from 0 to 1, 1 on the diagonal, not all 1."""
    q = len(categories)
    if isinstance(weights, str):
        return _named_weights(categories, weights)
    matrix = np.asarray(weights, dtype=np.float64)
    if matrix.shape != (q, q) or not np.all((matrix >= 0) & (matrix <= 1)):
        raise ValueError(f"weights must be a {q} by {q} matrix of numbers from 0 to 1")
    if not np.array_equal(matrix, matrix.T) or np.any(matrix.diagonal() != 1) or matrix.min() == 1:
        raise ValueError("weights must be symmetric, 1 on the diagonal and below 1 somewhere else")
    return matrix


def _named_weights(categories: Sequence[Hashable], name: str) -> Floats:
    if name == "unweighted":
        return np.eye(len(categories))
    x = _distances(categories)
    if name == "ordinal":
        apart = np.abs(np.subtract.outer(np.argsort(np.argsort(x)), np.argsort(np.argsort(x)))).astype(np.float64)
        apart = apart * (apart + 1) / 2
    elif name in ("linear", "quadratic"):
        apart = np.abs(np.subtract.outer(x, x))
        apart = (apart / apart.max()) ** (1 if name == "linear" else 2)
    else:
        raise ValueError(f"no such weights: {name}; choose unweighted, ordinal, linear, quadratic or a matrix")
    return np.asarray(1 - apart / apart.max())


def _distances(categories: Sequence[Hashable]) -> Floats:
    """Where the categories stand: at their numbers, or in their order."""
    if not all(isinstance(category, NUMBERS) for category in categories):
        return np.arange(len(categories), dtype=np.float64)
    numbers: Sequence[Any] = categories
    if any((isinstance(one, Decimal) and one.is_nan()) or not abs(one) <= FARTHEST for one in numbers):
        raise ValueError("a category as a distance must be a number up to a thousand million: give labels instead")
    x = np.array(numbers, dtype=np.float64)
    if len(np.unique(x)) < len(x):
        raise ValueError("two categories are the same number")
    return x
