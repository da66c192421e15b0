"""What a protected reader could reckon from the figures that stay: the hidden portfolio from the write-off ratio."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from grants.credit.measures import Measures, measures, protected
from grants.credit.models import MovementKind
from grants.credit.portfolio import ONE_DAY, Credit, losses, portfolio, punctuality
from tests.grants.credit.test_portfolio import Move, german, paid_out

OPENING, CLOSING = date(2025, 9, 30), date(2026, 9, 30)
YOUNG = date(2026, 8, 1)


def owing(key: int, *known_on: date, begun: date = date(2025, 8, 1)) -> Credit:
    """A credit of USD 2,400 of a person of its own, whose balance was told as 2,400 shortly before these days."""
    told = [Move(MovementKind.BALANCE, day - timedelta(days=10), balance_usd=Decimal(2400)) for day in known_on]
    return Credit(key, key, 1, german(36, begun + timedelta(days=31), "0"), [paid_out(begun, 2400), *told])


def seen(some: list[Credit]) -> Measures:
    since = OPENING + ONE_DAY
    closing = portfolio(some, CLOSING)
    lost = losses(some, opening=portfolio(some, OPENING), closing=closing)
    paid = punctuality(some, since=since, until=CLOSING)
    return protected(measures(closing, lost, paid), paid)


def numbered(*groups: tuple[int, Credit]) -> list[Credit]:
    many = [one for count, one in groups for _place in range(count)]
    return [replace(one, id=place, person_id=place) for place, one in enumerate(many)]


KNOWN, GONE, BEFORE = owing(0, OPENING, CLOSING), owing(0, OPENING), owing(0, CLOSING, begun=date(2025, 7, 1))


def test_it_is_shown_where_nothing_is_unknown() -> None:
    found = seen(numbered((40, KNOWN)))

    assert (found.gross.amount, found["write_off"].hidden) == (96_000, False)
    assert found.losses is not None


@pytest.mark.parametrize("few", [1, 4])
@pytest.mark.parametrize("unknown", [GONE, BEFORE], ids=["at the closing", "at the opening"])
def test_it_is_hidden_where_few_are_unknown(unknown: Credit, few: int) -> None:
    found = seen(numbered((40, KNOWN), (few, unknown)))

    assert found["write_off"].hidden
    assert found.losses is None


@pytest.mark.parametrize("unknown", [GONE, BEFORE], ids=["at the closing", "at the opening"])
def test_it_is_shown_where_many_are_unknown(unknown: Credit) -> None:
    assert not seen(numbered((40, KNOWN), (5, unknown)))["write_off"].hidden


def test_it_is_hidden_where_few_were_owed_at_the_opening() -> None:
    found = seen(numbered((3, KNOWN), (20, owing(0, CLOSING, begun=YOUNG))))

    assert found.gross.amount == 55_200
    assert found["write_off"].hidden
