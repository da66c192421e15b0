"""How sure a share among few answers is."""

from math import sqrt

Z95 = 1.959963984540054  # the normal distribution's 97.5 % point


def wilson(yes: int, answered: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927, without continuity correction); (0, 1) when nobody answered.

    >>> [round(end, 4) for end in wilson(5, 20)]
    [0.1119, 0.4687]
    >>> [round(end, 4) for end in wilson(0, 10)]
    [0.0, 0.2775]
    >>> wilson(0, 0)
    (0.0, 1.0)
    """
    if answered == 0:
        return (0.0, 1.0)
    share, square = yes / answered, Z95 * Z95
    middle = share + square / (2 * answered)
    half = Z95 * sqrt(share * (1 - share) / answered + square / (4 * answered * answered))
    whole = 1 + square / answered
    return (max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole))
