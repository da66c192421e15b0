"""Yearly rates. A nominal rate compounds as often as instalments fall due; an effective one says what a year costs.

Ceilings of Ecuador's law are effective (tasa efectiva anual, TEA).
"""

from decimal import Decimal, localcontext

from grants.credit.models.products import Frequency, RateKind

PERIODS = {Frequency.WEEKLY: 52, Frequency.FORTNIGHTLY: 26, Frequency.MONTHLY: 12}
# Six more than Decimal's own 28: a result that is rounded to 28 afterwards, and then to the cent, keeps its exact ties.
DIGITS = 34


def period_rate(rate_percent: Decimal, kind: RateKind, frequency: Frequency) -> Decimal:
    """The rate of one period, as a fraction of one.

    >>> round(period_rate(Decimal("25.12"), RateKind.NOMINAL, Frequency.MONTHLY), 8)
    Decimal('0.02093333')
    """
    with localcontext(prec=DIGITS):
        if kind is RateKind.NOMINAL:
            return rate_percent / 100 / PERIODS[frequency]
        return (1 + rate_percent / 100) ** (Decimal(1) / PERIODS[frequency]) - 1


def effective_percent(rate_percent: Decimal, kind: RateKind, frequency: Frequency) -> Decimal:
    """What a year costs, in percent with four decimals.

    >>> effective_percent(Decimal("26.5"), RateKind.NOMINAL, Frequency.MONTHLY)
    Decimal('29.9678')
    """
    if kind is RateKind.EFFECTIVE:
        return rate_percent
    with localcontext(prec=DIGITS):
        year = (1 + period_rate(rate_percent, kind, frequency)) ** PERIODS[frequency]
        return ((year - 1) * 100).quantize(Decimal("0.0001"))
