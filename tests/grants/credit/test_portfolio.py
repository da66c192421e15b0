"""Portfolio at risk, coverage, losses and punctuality: the example of the docs, edges, and what always holds."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from grants.credit.models import Amortization, Frequency, MovementKind, RateKind
from grants.credit.portfolio import Credit, Portfolio, Ratio, losses, portfolio, punctuality
from grants.credit.punctuality import fallen_due
from grants.credit.schedules import Terms
from grants.credit.standing import standing

DOCS = Path(__file__).parents[3] / "docs" / "credit-figures.md"
K = MovementKind
DAY, OPENING, SINCE = date(2026, 6, 30), date(2026, 3, 31), date(2026, 4, 1)
PEOPLE = {"Ana": 1, "Bea": 2, "Dora": 3, "Eva": 4, "Fe": 5}


@dataclass(frozen=True)
class Move:
    kind: MovementKind
    happened_on: date
    amount_usd: Decimal | None = None
    principal_usd: Decimal | None = None
    interest_usd: Decimal | None = None
    balance_usd: Decimal | None = None
    days_late: int | None = None
    counts: bool = True
    instalments: int | None = None
    first_due_on: date | None = None
    rate_percent: Decimal | None = None
    rate_kind: RateKind | None = None
    method: Amortization | None = None
    frequency: Frequency | None = None


def german(instalments: int, first_due_on: date, rate: str = "12") -> Terms:
    return Terms(
        Decimal(rate), RateKind.NOMINAL, Amortization.GERMAN, Frequency.MONTHLY, instalments, first_due_on
    )  # fmt: skip


def new_terms(day: date, balance: str, instalments: int, first_due_on: date) -> Move:
    return Move(K.RESTRUCTURE, day, balance_usd=Decimal(balance), instalments=instalments, first_due_on=first_due_on,
                rate_percent=Decimal(12), rate_kind=RateKind.NOMINAL, method=Amortization.GERMAN,
                frequency=Frequency.MONTHLY)  # fmt: skip


def repaid(day: date, principal: object, interest: object = 0) -> Move:
    part, rest = Decimal(str(principal)), Decimal(str(interest))
    return Move(K.REPAYMENT, day, part + rest, part, rest)


def paid_out(day: date, amount: object) -> Move:
    return Move(K.DISBURSEMENT, day, Decimal(str(amount)))


def example() -> dict[str, Credit]:
    """The credits of the docs by their letter, read from the tables there."""
    rows = [
        [cell.strip() for cell in line.strip("|\n").split("|")]
        for line in DOCS.read_text().split("## A small portfolio on paper")[1].splitlines()
        if line.startswith("|")
    ]
    found: dict[str, tuple[int, Terms, list[Move]]] = {}
    for row in rows:
        if len(row) == 6 and row[2].startswith("20"):
            letter, person, disbursed, amount, instalments, first = row
            terms = german(int(instalments), date.fromisoformat(first))
            found[letter] = (PEOPLE[person], terms, [paid_out(date.fromisoformat(disbursed), amount)])
        elif len(row) == 5 and row[1].startswith("202"):
            found[row[0]][2].append(_moved(date.fromisoformat(row[1]), K(row[2]), Decimal(row[3]), row[4]))
    return {
        letter: Credit(place, person, 1, terms, moves)
        for place, (letter, (person, terms, moves)) in enumerate(found.items())
    }


def _moved(day: date, kind: MovementKind, amount: Decimal, interest: str) -> Move:
    if kind is K.REPAYMENT:
        return repaid(day, amount, interest)
    if kind is K.RESTRUCTURE:
        return new_terms(day, str(amount), 6, date(2026, 5, 20))
    if kind is K.BALANCE:
        return Move(kind, day, balance_usd=amount)
    return Move(kind, day, amount)


def numbers(ratio: Ratio) -> tuple[Decimal, Decimal, int, int]:
    return ratio.part, ratio.whole, ratio.part_n, ratio.n


def percent(ratio: Ratio) -> str:
    assert ratio.value is not None
    return f"{ratio.value * 100:.1f}"


def test_the_docs_hold_six_creditsand_their_movements() -> None:
    assert {letter: len(credit.movements) for letter, credit in example().items()} == {
        "A": 6, "B": 4, "C": 6, "D": 6, "E": 3, "F": 4
    }  # fmt: skip


def test_the_example_of_the_docs_on_its_day() -> None:
    """Every number from the paper in docs/credit-figures.md."""
    found = portfolio(example().values(), DAY)

    assert found.gross == 2600
    assert {credit.id: (stood.owed, stood.days_late, stood.overdue) for credit, stood in found.known} == {
        0: (600, 0, 0), 1: (300, 29, 100), 2: (500, 51, 200), 3: (400, 0, 0)
    }  # fmt: skip
    assert [(credit.id, stood.owed) for credit, stood in found.unknown] == [(4, 800)]
    assert numbers(found.coverage) == (4, 5, 4, 5)
    assert numbers(found.coverage_usd) == (1800, 2600, 4, 5)
    par30, par90 = found.at_risk(30), found.at_risk(90)
    assert numbers(par30.ratio) == (900, 1800, 2, 4)
    assert numbers(par30.late_only) == (500, 1800, 1, 4)
    assert numbers(par30.least) == (900, 2600, 2, 5)
    assert numbers(par30.most) == (1700, 2600, 3, 5)
    assert numbers(par90.ratio) == (400, 1800, 1, 4)
    assert numbers(par90.late_only) == (0, 1800, 0, 4)
    assert numbers(par90.least) == (400, 2600, 1, 5)
    assert numbers(par90.most) == (1200, 2600, 2, 5)
    assert numbers(found.arrears) == (300, 1800, 2, 4)
    assert numbers(found.late_credits) == (2, 4, 2, 4)
    assert numbers(found.late_people) == (1, 3, 1, 3)


def test_the_percentages_of_the_docs() -> None:
    found = portfolio(example().values(), DAY)
    par30, par90 = found.at_risk(30), found.at_risk(90)
    shown = [found.coverage, found.coverage_usd, par30.ratio, par30.late_only, par30.least, par30.most, par90.ratio,
             par90.least, par90.most, found.arrears, found.late_credits, found.late_people]  # fmt: skip
    assert [percent(one) for one in shown] == ["80.0", "69.2", "50.0", "27.8", "34.6", "65.4", "22.2", "15.4", "46.2",
                                               "16.7", "50.0", "33.3"]  # fmt: skip
    text = DOCS.read_text()
    assert all(f"**{percent(one)} %**" in text for one in shown)


def test_the_example_of_the_docs_in_its_period() -> None:
    all_of = list(example().values())
    opening, closing = portfolio(all_of, OPENING), portfolio(all_of, DAY)

    lost = losses(all_of, opening=opening, closing=closing)
    on_time = punctuality(all_of, since=SINCE, until=DAY)

    assert (lost.opening, lost.closing) == (3800, 2600)
    assert numbers(lost.ratio) == (300, 3200, 1, 6)
    assert (lost.recovered, lost.recovered_n) == (40, 1)
    assert percent(lost.ratio) == "9.4"
    assert numbers(on_time.ratio) == (600, 1200, 3, 4)
    assert numbers(on_time.coverage) == (1200, 1500, 4, 5)
    assert numbers(on_time.least) == (600, 1500, 3, 5)
    assert numbers(on_time.most) == (900, 1500, 4, 5)
    assert percent(punctuality(all_of, since=SINCE, until=DAY, tolerance=10).ratio) == "58.3"


def test_each_credit_of_the_example_is_on_time_as_on_paper() -> None:
    found = {
        letter: [sum(getattr(one, name) for one in fallen_due(credit.terms, credit.movements, since=SINCE, until=DAY))
                 for name in ("on_time", "late", "unknown")]
        for letter, credit in example().items()
    }  # fmt: skip
    assert found == {"A": [300, 0, 0], "B": [0, 300, 0], "C": [100, 200, 0], "D": [200, 100, 0], "E": [0, 0, 300],
                     "F": [0, 0, 0]}  # fmt: skip


def test_a_payment_by_somebody_current_raises_par() -> None:
    """Said in the docs: without A's 100 in advance 900 / 1,900."""
    all_of = example()
    without = replace(all_of["A"], movements=[*all_of["A"].movements[:-1], repaid(date(2026, 6, 15), 100, 8)])
    found = portfolio([*list(all_of.values())[1:], without], DAY)
    assert numbers(found.at_risk(30).ratio) == (900, 1900, 2, 4)


def test_nothing_has_no_ratio() -> None:
    found = portfolio([], DAY)
    ratios = [found.coverage, found.coverage_usd, found.at_risk(30).ratio, found.at_risk(30).most, found.arrears,
              found.late_credits, losses([], opening=found, closing=found).ratio,
              punctuality([], since=SINCE, until=DAY).ratio]  # fmt: skip
    assert [one.value for one in ratios] == [None] * len(ratios)
    assert all(numbers(one) == (0, 0, 0, 0) for one in ratios)


def test_all_unknown_is_no_par_of_zero() -> None:
    found = portfolio([example()["E"]], DAY)
    assert found.at_risk(30).ratio.value is None
    assert found.coverage.value == 0
    assert (found.at_risk(30).least.value, found.at_risk(30).most.value) == (0, 1)


def test_thirty_days_are_not_more_than_thirty() -> None:
    credit = Credit(1, 1, 1, german(2, date(2026, 5, 31)), [paid_out(date(2026, 5, 20), 200)])
    at_risk = [portfolio([credit], day).at_risk(30).ratio.part for day in (date(2026, 6, 30), date(2026, 7, 1))]
    assert at_risk == [0, 200]


def test_what_was_restructured_and_unknown_is_in_the_least_bound() -> None:
    credit = Credit(1, 1, 1, german(2, date(2026, 2, 1)), [
        paid_out(date(2026, 1, 1), 200), new_terms(date(2026, 2, 10), "200", 4, date(2026, 8, 10))])  # fmt: skip
    risk = portfolio([credit], DAY).at_risk(30)
    assert (numbers(risk.ratio), numbers(risk.least), numbers(risk.most)) == (
        (0, 0, 0, 0), (200, 200, 1, 1), (200, 200, 1, 1))  # fmt: skip


def test_the_last_instalment_paid_on_its_day_is_on_time() -> None:
    credit = Credit(1, 1, 1, german(1, date(2026, 4, 30)), [paid_out(SINCE, 100), repaid(date(2026, 4, 30), 100, 1)])
    assert numbers(punctuality([credit], since=SINCE, until=DAY).ratio) == (100, 100, 1, 1)


def test_what_was_repaid_in_full_falls_due_no_more() -> None:
    moves = [paid_out(date(2026, 3, 1), 300), repaid(date(2026, 4, 10), 300)]
    credit = Credit(1, 1, 1, german(3, date(2026, 4, 1)), moves)
    fallen = fallen_due(credit.terms, credit.movements, since=SINCE, until=DAY)
    assert [(one.due_on, one.on_time, one.late) for one in fallen] == [(date(2026, 4, 1), 0, 100)]


def test_what_only_a_later_statement_shows_was_paid_on_an_unknown_day() -> None:
    moves = [paid_out(date(2026, 3, 1), 300), Move(K.BALANCE, date(2026, 4, 20), balance_usd=Decimal(200))]
    fallen = fallen_due(german(3, date(2026, 4, 1)), moves, since=SINCE, until=date(2026, 4, 30))
    assert [(one.on_time, one.late, one.unknown) for one in fallen] == [(0, 0, 100)]


def test_a_statement_before_the_due_day_proves_that_it_was_on_time() -> None:
    moves = [paid_out(date(2026, 2, 1), 300), Move(K.BALANCE, date(2026, 3, 31), balance_usd=Decimal(200))]
    fallen = fallen_due(german(3, date(2026, 4, 1)), moves, since=SINCE, until=date(2026, 4, 30))
    assert [(one.on_time, one.late, one.unknown) for one in fallen] == [(100, 0, 0)]


def test_days_of_grace_take_nothing_from_what_was_there_on_the_due_day() -> None:
    """40 of the 100 due on 1 April were paid in March; on 3 April the lender says: two days late."""
    moves = [paid_out(date(2026, 3, 1), 300), repaid(date(2026, 3, 15), 40),
             Move(K.BALANCE, date(2026, 4, 3), balance_usd=Decimal(260), days_late=2)]  # fmt: skip
    for days in (0, 2, 10):
        fallen = fallen_due(german(3, date(2026, 4, 1)), moves, since=SINCE, until=date(2026, 4, 30), tolerance=days)
        assert [(one.principal, one.on_time) for one in fallen] == [(100, 40)]


def test_a_reversed_movement_counts_nowhere() -> None:
    all_of = example()
    moves = [*all_of["F"].movements[:2], *(replace(one, counts=False) for one in all_of["F"].movements[2:])]
    kept = replace(all_of["F"], movements=moves)
    nothing = portfolio([], OPENING)
    assert losses([kept], opening=nothing, closing=portfolio([kept], DAY)).ratio.part == 0
    assert portfolio([kept], DAY).gross == 300


# What always holds, of random portfolios.

START = date(2025, 1, 1)
amounts = st.integers(1, 200_000).map(lambda cents: Decimal(cents) / 100)


@st.composite
def one_credit(draw: st.DrawFn, number: int = 0) -> Credit:
    """A credit with up to eight movements in order of their days, of which each is possible where it stands."""
    begins = START + timedelta(days=draw(st.integers(0, 200)))
    method, frequency = draw(st.sampled_from(Amortization)), draw(st.sampled_from(Frequency))
    terms = Terms(Decimal(draw(st.integers(0, 30))), draw(st.sampled_from(RateKind)), method, frequency,
                  draw(st.integers(1, 18)), begins + timedelta(days=draw(st.integers(1, 40))))  # fmt: skip
    moves = [paid_out(begins, draw(amounts) + 10)]
    day = begins
    for kind in draw(st.lists(st.sampled_from([K.REPAYMENT, K.REPAYMENT, K.BALANCE, K.RESTRUCTURE, K.WRITE_OFF]),
                              max_size=8)):  # fmt: skip
        day += timedelta(days=draw(st.integers(0, 60)))
        owed = standing(terms, moves, day).owed
        if not owed:
            break
        moves.append(_possible(draw, kind, day, owed))
    return Credit(number, draw(st.integers(1, 4)), 1, terms, moves)


def _possible(draw: st.DrawFn, kind: MovementKind, day: date, owed: Decimal) -> Move:
    part = (owed * draw(st.integers(1, 100)) / 100).quantize(Decimal("0.01")) or owed
    if kind is K.REPAYMENT:
        return repaid(day, part, draw(st.integers(0, 20)))
    if kind is K.BALANCE:
        return Move(kind, day, balance_usd=part, days_late=draw(st.none() | st.integers(0, 200)))
    if kind is K.RESTRUCTURE:
        return new_terms(day, str(owed), draw(st.integers(1, 12)), day + timedelta(days=30))
    return Move(kind, day, owed)


def portfolios() -> st.SearchStrategy[list[Credit]]:
    return st.lists(one_credit(), max_size=6).map(
        lambda found: [replace(one, id=place) for place, one in enumerate(found)]
    )


days = st.integers(0, 900).map(lambda count: START + timedelta(days=count))


def all_ratios(found: Portfolio) -> list[Ratio]:
    risks = [found.at_risk(30), found.at_risk(90)]
    return [ratio for risk in risks for ratio in (risk.ratio, risk.late_only, risk.least, risk.most)] + [
        found.coverage, found.coverage_usd, found.arrears, found.late_credits, found.late_people
    ]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(portfolios(), days)
def test_par90_is_part_of_par30_and_both_are_shares(all_of: list[Credit], day: date) -> None:
    found = portfolio(all_of, day)
    par30, par90 = found.at_risk(30), found.at_risk(90)

    assert all(0 <= one.part <= one.whole and 0 <= one.part_n <= one.n for one in all_ratios(found))
    assert par90.ratio.part <= par30.ratio.part
    assert par90.least.part <= par30.least.part <= par30.most.part
    assert par90.most.part <= par30.most.part
    assert par30.late_only.part <= par30.ratio.part <= par30.least.part


@settings(max_examples=150, deadline=None)
@given(portfolios(), days)
def test_unknown_is_never_current_and_restructured_always_at_risk(all_of: list[Credit], day: date) -> None:
    found = portfolio(all_of, day)
    risk = found.at_risk(30)
    unknown = sum((stood.owed for _credit, stood in found.unknown), Decimal(0))

    assert risk.ratio.whole + unknown == found.gross == risk.least.whole == risk.most.whole
    assert risk.most.part == risk.ratio.part + unknown
    for credit, stood in found.active:
        alone = portfolio([credit], day).at_risk(90)
        if stood.restructured_on:
            assert alone.least.part == alone.most.part == stood.owed
        if not stood.is_known:
            assert alone.ratio.value is None


@settings(max_examples=100, deadline=None)
@given(portfolios(), days, st.randoms(use_true_random=False))
def test_the_order_of_credits_changes_nothing(all_of: list[Credit], day: date, chance: object) -> None:
    mixed = list(all_of)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    since = day - timedelta(days=90)
    assert [numbers(one) for one in all_ratios(portfolio(mixed, day))] == [
        numbers(one) for one in all_ratios(portfolio(all_of, day))
    ]
    assert punctuality(mixed, since=since, until=day) == punctuality(all_of, since=since, until=day)


@settings(max_examples=200, deadline=None)
@given(portfolios(), days, st.integers(0, 5), st.integers(1, 100))
def test_a_payment_never_raises_what_is_at_risk(all_of: list[Credit], day: date, place: int, share: int) -> None:
    before = portfolio(all_of, day)
    assume(before.active)
    credit, stood = before.active[place % len(before.active)]
    assume(stood.reported_on is not None and stood.reported_on <= day)
    part = max((stood.owed * share / 100).quantize(Decimal("0.01")), Decimal("0.01"))
    kept = [move for move in credit.movements if move.happened_on <= day]
    paid = replace(credit, movements=[*kept, repaid(day, part)])
    after = portfolio([paid if one.id == credit.id else one for one in all_of], day)

    for limit in (30, 90):
        was, now = before.at_risk(limit), after.at_risk(limit)
        assert now.most.part <= was.most.part
        if not stood.is_known:
            continue
        assert now.ratio.part <= was.ratio.part
        if _is_risky(credit, day, limit):
            assert now.ratio.value is None or now.ratio.value <= (was.ratio.value or 0)


def _is_risky(credit: Credit, day: date, limit: int) -> bool:
    return portfolio([credit], day).at_risk(limit).ratio.part > 0


@settings(max_examples=150, deadline=None)
@given(one_credit(), days, st.integers(1, 400), st.integers(0, 30))
def test_what_fell_due_is_on_time_late_or_unknown(credit: Credit, day: date, long: int, tolerance: int) -> None:
    since = day - timedelta(days=long)
    found = fallen_due(credit.terms, credit.movements, since=since, until=day, tolerance=tolerance)

    for one in found:
        assert since <= one.due_on <= day
        assert min(one.on_time, one.late, one.unknown) >= 0
    strict = fallen_due(credit.terms, credit.movements, since=since, until=day)
    assert sum(one.on_time for one in found) >= sum(one.on_time for one in strict)
    # Two halves of a period are the whole.
    middle = since + timedelta(days=long // 2)
    halves = [*fallen_due(credit.terms, credit.movements, since=since, until=middle),
              *fallen_due(credit.terms, credit.movements, since=middle + timedelta(days=1), until=day)]  # fmt: skip
    assert [(one.due_on, one.principal) for one in halves] == [(one.due_on, one.principal) for one in strict]
