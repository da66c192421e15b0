"""Nominal and effective rates: the published pairs, and one way back to the other."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grants.credit.models import Frequency, RateKind
from grants.credit.rates import PERIODS, effective_percent, period_rate

TENTHS_OF_A_BASIS_POINT = st.decimals(0, 100, places=3)


@pytest.mark.parametrize(
    ("effective", "nominal"), [("28.23", "25.12"), ("24.89", "22.43"), ("22.05", "20.09")]
)  # ceilings of the law and their nominal equivalents, computed outside (credit_rules.md 1.5)
def test_the_ceilings_have_their_published_nominal_equivalents(effective: str, nominal: str) -> None:
    found = effective_percent(Decimal(nominal), RateKind.NOMINAL, Frequency.MONTHLY)
    assert abs(found - Decimal(effective)) < Decimal("0.02")
    back = period_rate(Decimal(effective), RateKind.EFFECTIVE, Frequency.MONTHLY) * 12 * 100
    assert round(back, 2) == Decimal(nominal)


def test_a_nominal_rate_of_26_and_a_half_is_above_the_ceiling() -> None:
    assert effective_percent(Decimal("26.5"), RateKind.NOMINAL, Frequency.MONTHLY) == Decimal("29.9678")


@pytest.mark.parametrize(
    ("frequency", "expected"), [(Frequency.WEEKLY, 52), (Frequency.FORTNIGHTLY, 26), (Frequency.MONTHLY, 12)]
)
def test_a_nominal_rate_is_shared_out_over_the_year(frequency: Frequency, expected: int) -> None:
    assert period_rate(Decimal(expected), RateKind.NOMINAL, frequency) == Decimal("0.01")


@pytest.mark.parametrize("frequency", Frequency)
@pytest.mark.parametrize("kind", RateKind)
def test_nothing_costs_nothing(kind: RateKind, frequency: Frequency) -> None:
    assert period_rate(Decimal(0), kind, frequency) == 0
    assert effective_percent(Decimal(0), kind, frequency) == 0


@given(rate=TENTHS_OF_A_BASIS_POINT, frequency=st.sampled_from(Frequency))
def test_an_effective_rate_compounds_to_itself(rate: Decimal, frequency: Frequency) -> None:
    year = (1 + period_rate(rate, RateKind.EFFECTIVE, frequency)) ** PERIODS[frequency]
    assert abs((year - 1) * 100 - rate) < Decimal("1e-20")


@given(rate=TENTHS_OF_A_BASIS_POINT, frequency=st.sampled_from(Frequency))
def test_an_effective_rate_is_never_below_the_nominal_one(rate: Decimal, frequency: Frequency) -> None:
    assert effective_percent(rate, RateKind.NOMINAL, frequency) >= rate
