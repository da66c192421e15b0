"""Schedules to the cent: against numpy-financial, against fractions, against the published example."""

import math
import random
from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy_financial as npf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grants.credit.models import Amortization, Frequency, RateKind
from grants.credit.schedules import Instalment, Terms, due_days, months_later, schedule, schedule_of_parts

FIRST = date(2026, 1, 31)
LOANS = 10_000
PERIODS = {Frequency.WEEKLY: 52, Frequency.FORTNIGHTLY: 26, Frequency.MONTHLY: 12}


def terms(method: Amortization = Amortization.FRENCH, count: int = 12, rate: str = "25.12", **changes: object) -> Terms:
    given = {"rate_kind": RateKind.NOMINAL, "frequency": Frequency.MONTHLY, "first_due_on": FIRST}
    return Terms(rate_percent=Decimal(rate), method=method, instalments=count, **{**given, **changes})


def cells(found: list[Instalment]) -> list[tuple[int, int]]:
    """Principal and interest in cents."""
    return [(int(one.principal * 100), int(one.interest * 100)) for one in found]


def half_up(amount: float) -> int | None:
    """Cents of a float; None where it lies so near the middle of two cents that a float cannot tell them apart."""
    cents = amount * 100
    if abs(cents - math.floor(cents) - 0.5) < 1e-6:
        return None
    return math.floor(cents + 0.5)


def exact_half_up(amount: Fraction) -> int:
    return math.floor(amount * 100 + Fraction(1, 2))


def by_numpy_financial(principal: int, rate: float, exact: Fraction, count: int) -> list[tuple[int, int]]:
    """The French schedule in cents: `npf.pmt` for the instalment, `npf.ipmt` for the interest on what is owed, each
    rounded half up to the cent, and the last instalment absorbs the rest. Ties are settled with fractions.
    """
    payment = half_up(-float(npf.pmt(rate, count, principal / 100)))
    if payment is None:  # only where the rate is zero or the instalment one
        payment = exact_half_up(Fraction(principal, 100) / count if not exact else Fraction(principal, 100))
    found, owed = [], principal
    for _number in range(count - 1):
        interest = half_up(-float(npf.ipmt(rate, 1, count, owed / 100)))
        if interest is None:
            interest = exact_half_up(Fraction(owed, 100) * exact)
        part = min(max(payment - interest, 0), owed)
        found.append((part, interest))
        owed -= part
    last = half_up(-float(npf.ipmt(rate, 1, count, owed / 100)))
    return [*found, (owed, exact_half_up(Fraction(owed, 100) * exact) if last is None else last)]


def test_french_schedules_equal_numpy_financials_cell_by_cell() -> None:
    chance, compared = random.Random(20260117), 0
    for _loan in range(LOANS):
        cents = chance.choice((chance.randint(100, 99_999), chance.randint(10_000, 3_000_000)))
        count = chance.choice((chance.randint(1, 24), chance.randint(1, 60)))
        hundredths, frequency = chance.randint(0, 6000), chance.choice(list(Frequency))
        exact = Fraction(hundredths, 10_000 * PERIODS[frequency])

        found = schedule(Decimal(cents) / 100, terms(count=count, rate=f"{hundredths / 100:.2f}", frequency=frequency))

        assert cells(found) == by_numpy_financial(cents, float(exact), exact, count), (cents, count, hundredths)
        assert sum(one.principal for one in found) == Decimal(cents) / 100
        compared += 1
    assert compared == LOANS


def test_the_interest_of_a_whole_french_schedule_is_near_numpy_financials_unrounded_one() -> None:
    """The rounding rule moves no more than half a cent a period, and what that costs afterwards."""
    for amount, count, rate in ((1000, 12, "25.12"), (480, 9, "12"), (12000, 48, "19.75")):
        found = schedule(Decimal(amount), terms(count=count, rate=rate))
        unrounded = -sum(float(npf.ipmt(float(rate) / 1200, period, count, amount)) for period in range(1, count + 1))
        assert abs(float(sum(one.interest for one in found)) - unrounded) < 0.01 * count


def test_german_schedules_equal_an_independent_computation() -> None:
    chance = random.Random(20260118)
    for _loan in range(LOANS):
        cents, count, hundredths = chance.randint(1, 3_000_000), chance.randint(1, 60), chance.randint(0, 6000)
        frequency = chance.choice(list(Frequency))
        rate, part = Fraction(hundredths, 10_000 * PERIODS[frequency]), exact_half_up(Fraction(cents, 100 * count))
        expected, owed = [], cents
        for _number in range(count - 1):
            expected.append((min(part, owed), exact_half_up(Fraction(owed, 100) * rate)))
            owed -= min(part, owed)
        expected.append((owed, exact_half_up(Fraction(owed, 100) * rate)))

        found = schedule(
            Decimal(cents) / 100, terms(Amortization.GERMAN, count, f"{hundredths / 100:.2f}", frequency=frequency)
        )

        assert cells(found) == expected
        assert sum(one.principal for one in found) == Decimal(cents) / 100


def test_the_worked_example_french() -> None:
    """USD 1,000, 12 months, nominal 25.12 %: 95.10 eleven times and 95.14, interest 141.24 (credit_rules.md 1.5)."""
    found = schedule(Decimal(1000), terms())
    assert [one.total for one in found] == [Decimal("95.10")] * 11 + [Decimal("95.14")]
    assert sum(one.interest for one in found) == Decimal("141.24")


def test_the_worked_example_german() -> None:
    found = schedule(Decimal(1000), terms(Amortization.GERMAN))
    assert (found[0].total, found[-1].total) == (Decimal("104.26"), Decimal("85.12"))
    assert sum(one.interest for one in found) == Decimal("136.07")


def test_a_single_payment_at_a_nominal_rate_owes_simple_interest() -> None:
    """USD 600 for six months at 12 % a year: 1 % a month six times is 36 dollars."""
    (only,) = schedule(Decimal(600), terms(Amortization.SINGLE, 6, "12"))
    assert (only.due_on, only.principal, only.interest) == (date(2026, 6, 30), Decimal(600), Decimal("36.00"))


def test_a_single_payment_at_an_effective_rate_owes_compound_interest() -> None:
    """USD 100 for a year at 28.23 % effective is 128.23."""
    (only,) = schedule(Decimal(100), terms(Amortization.SINGLE, 12, "28.23", rate_kind=RateKind.EFFECTIVE))
    assert only.total == Decimal("128.23")


def test_an_exact_half_cent_is_rounded_up_although_the_rate_is_periodic() -> None:
    """0.24 dollars at 25 % a year: 0.24 x 25 / 1200 is half a cent exactly, and 25 / 1200 has no end."""
    for method in Amortization:
        (only,) = schedule(Decimal("0.24"), terms(method, 1, "25"))
        assert only.interest == Decimal("0.01"), method


@pytest.mark.parametrize("method", Amortization)
def test_nothing_is_owed_beside_the_principal_at_a_rate_of_zero(method: Amortization) -> None:
    found = schedule(Decimal(100), terms(method, 3, "0"))
    assert sum(one.interest for one in found) == 0
    expected = ["100.00"] if method is Amortization.SINGLE else ["33.33", "33.33", "33.34"]
    assert [f"{one.principal:.2f}" for one in found] == expected


@pytest.mark.parametrize("method", Amortization)
def test_one_instalment_owes_everything_and_one_period(method: Amortization) -> None:
    (only,) = schedule(Decimal(1200), terms(method, 1, "12"))
    assert (only.principal, only.interest, only.due_on) == (Decimal(1200), Decimal("12.00"), FIRST)


@pytest.mark.parametrize("method", [Amortization.FRENCH, Amortization.GERMAN])
def test_one_cent_over_twelve_months_falls_due_at_the_end(method: Amortization) -> None:
    found = schedule(Decimal("0.01"), terms(method))
    assert cells(found) == [(0, 0)] * 11 + [(1, 0)]


def test_seven_cents_over_twelve_months_are_paid_after_seven() -> None:
    """0.07 / 12 rounds to a cent: after seven of them nothing is left."""
    assert cells(schedule(Decimal("0.07"), terms(Amortization.GERMAN, rate="0"))) == [(1, 0)] * 7 + [(0, 0)] * 5


@pytest.mark.parametrize("method", Amortization)
def test_huge_amounts_stay_exact(method: Amortization) -> None:
    amount = Decimal("999999999999.99")
    found = schedule(amount, terms(method, 600, "28.23", rate_kind=RateKind.EFFECTIVE))
    assert sum(one.principal for one in found) == amount
    assert all(one.principal >= 0 and one.interest >= 0 for one in found)


@given(
    cents=st.integers(1, 10**11), count=st.integers(1, 120), rate=st.decimals(0, 100, places=4),
    kind=st.sampled_from(RateKind), method=st.sampled_from(Amortization), frequency=st.sampled_from(Frequency),
)  # fmt: skip
def test_every_schedule_sums_exactly_and_in_whole_cents(
    cents: int, count: int, rate: Decimal, kind: RateKind, method: Amortization, frequency: Frequency
) -> None:
    amount = Decimal(cents) / 100
    found = schedule(amount, Terms(rate, kind, method, frequency, count, FIRST))
    assert sum(one.principal for one in found) == amount
    assert all(one.principal >= 0 and one.interest >= 0 for one in found)
    assert all(money == money.quantize(Decimal("0.01")) for one in found for money in (one.principal, one.interest))
    assert [one.due_on for one in found] == sorted({one.due_on for one in found})
    assert len(found) == (1 if method is Amortization.SINGLE else count)


def days_of(first: date, count: int, **changes: object) -> list[str]:
    return [day.isoformat() for day in due_days(terms(count=count, first_due_on=first, **changes))]


def test_the_31st_falls_on_the_last_day_of_short_months() -> None:
    assert days_of(FIRST, 4) == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]


def test_a_leap_year_has_its_29th() -> None:
    assert days_of(date(2027, 12, 31), 4) == ["2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31"]
    assert days_of(date(2028, 2, 29), 13)[-1] == "2029-02-28"


def test_a_first_day_in_february_can_stand_for_the_31st() -> None:
    """Disbursed on 31 January: 28 February, then 31 March and 30 April."""
    assert days_of(date(2026, 2, 28), 3, due_day=31) == ["2026-02-28", "2026-03-31", "2026-04-30"]
    assert days_of(date(2026, 2, 28), 3) == ["2026-02-28", "2026-03-28", "2026-04-28"]


def test_weeks_are_seven_days_and_fortnights_fourteen() -> None:
    assert days_of(FIRST, 3, frequency=Frequency.WEEKLY) == ["2026-01-31", "2026-02-07", "2026-02-14"]
    assert days_of(FIRST, 3, frequency=Frequency.FORTNIGHTLY) == ["2026-01-31", "2026-02-14", "2026-02-28"]


def test_a_month_later_over_the_year() -> None:
    assert months_later(date(2026, 12, 31), 2) == date(2027, 2, 28)
    assert months_later(date(2026, 1, 1), -1) == date(2025, 12, 1)


def test_parts_are_spread_over_what_falls_due_after_each() -> None:
    """300 in three months from the start, and 100 a day after the first due day: over the two that are left."""
    parts = [(date(2026, 1, 1), Decimal(300)), (date(2026, 2, 1), Decimal(100))]
    found = schedule_of_parts(parts, terms(count=3, rate="0"))
    assert [one.principal for one in found] == [100, 150, 150]


def test_a_part_after_the_last_due_day_falls_due_with_it() -> None:
    parts = [(date(2026, 1, 1), Decimal(300)), (date(2027, 1, 1), Decimal(100))]
    found = schedule_of_parts(parts, terms(count=3, rate="0"))
    assert [one.principal for one in found] == [100, 100, 200]


@given(
    cents=st.lists(st.integers(1, 10**8), min_size=1, max_size=5), days=st.lists(st.integers(0, 800), min_size=5),
    method=st.sampled_from(Amortization),
)  # fmt: skip
def test_parts_sum_exactly(cents: list[int], days: list[int], method: Amortization) -> None:
    parts = [(date.fromordinal(FIRST.toordinal() - 40 + days[place]), Decimal(one) / 100)
             for place, one in enumerate(cents)]  # fmt: skip
    found = schedule_of_parts(parts, terms(method))
    assert sum(one.principal for one in found) == sum(amount for _day, amount in parts)
