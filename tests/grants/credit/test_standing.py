"""What movements come to: by hand where a person can redo it, by properties elsewhere."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grants.credit import books
from grants.credit.models import Amortization, Frequency, LinkageState, MovementKind, RateKind
from grants.credit.progress import Progress, progress_of
from grants.credit.schedules import Terms, due_days
from grants.credit.standing import Health, Standing, standing

BEGUN = date(2026, 1, 15)
K = MovementKind


@dataclass(frozen=True)
class Told:
    """A movement without a database."""

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


def terms(**changes: object) -> Terms:
    """1,200 dollars in twelve months at 12 % in equal principals: 100 a month, and 12, 11, 10 … of interest."""
    given = Terms(Decimal(12), RateKind.NOMINAL, Amortization.GERMAN, Frequency.MONTHLY, 12, date(2026, 2, 15))
    return replace(given, **changes)


def lent(amount: int = 1200, day: date = BEGUN) -> Told:
    return Told(K.DISBURSEMENT, day, Decimal(amount))


def paid(month: int, amount: str, **changes: object) -> Told:
    return Told(K.REPAYMENT, date(2026, month, 15), Decimal(amount), **changes)


def stated(day: date, balance: str, days_late: int | None = None) -> Told:
    return Told(K.BALANCE, day, balance_usd=Decimal(balance), days_late=days_late)


def renewed(day: date, balance: str, first: date, count: int = 10) -> Told:
    return Told(K.RESTRUCTURE, day, balance_usd=Decimal(balance), instalments=count, first_due_on=first,
                rate_percent=Decimal(12), rate_kind=RateKind.NOMINAL, method=Amortization.GERMAN,
                frequency=Frequency.MONTHLY)  # fmt: skip


def on(day: date, *told: Told) -> Standing:
    return standing(terms(), told, day)


def test_an_instalment_paid_on_its_day_is_interest_first() -> None:
    found = on(date(2026, 2, 15), lent(), paid(2, "112"))
    assert (found.owed, found.interest_paid, found.state) == (1100, 12, LinkageState.REPAYING)
    assert (found.late_since, found.overdue, found.interest_due) == (None, 0, 0)


def test_a_payment_of_interest_only_leaves_the_principal_late() -> None:
    found = on(date(2026, 3, 1), lent(), paid(2, "12"))
    assert (found.owed, found.late_since, found.days_late, found.overdue) == (1200, date(2026, 2, 15), 14, 100)


def test_the_due_day_itself_is_not_late() -> None:
    assert on(date(2026, 2, 15), lent()).late_since is None
    assert on(date(2026, 2, 16), lent()).days_late == 1


def test_who_pays_ahead_owes_no_interest_for_it() -> None:
    """512 on the first due day: 12 of interest and 500 of principal; 36 more interest would have fallen due later."""
    found = on(date(2026, 2, 15), lent(), paid(2, "512"))
    assert (found.owed, found.interest_paid) == (700, 12)
    assert on(date(2026, 6, 16), lent(), paid(2, "512")).late_since is None
    assert on(date(2026, 7, 16), lent(), paid(2, "512")).late_since == date(2026, 7, 15)


def test_paying_everything_early_ends_the_credit() -> None:
    found = on(date(2026, 3, 1), lent(), paid(2, "1212"))
    assert (found.owed, found.state, found.health) == (0, LinkageState.REPAID, None)


def test_a_split_said_by_the_lender_is_taken_as_it_is() -> None:
    split = paid(2, "112", principal_usd=Decimal(90), interest_usd=Decimal(22))
    found = on(date(2026, 3, 1), lent(), split)
    assert (found.owed, found.interest_paid, found.overdue) == (1110, 22, 10)


def test_pennies_are_nobodys_arrears() -> None:
    short = paid(2, "111.96")
    assert on(date(2026, 3, 1), lent(), short).late_since is None
    assert on(date(2026, 3, 1), lent(), paid(2, "1211.96")).state is LinkageState.REPAID


def test_a_credit_of_pennies_is_owed_until_something_is_paid() -> None:
    found = standing(terms(), [Told(K.DISBURSEMENT, BEGUN, Decimal("0.04"))], date(2026, 2, 1))
    assert (found.owed, found.state) == (Decimal("0.04"), LinkageState.DISBURSED)


def test_a_statement_replaces_the_sum() -> None:
    found = on(date(2026, 4, 16), lent(), paid(2, "112"), stated(date(2026, 4, 1), "950"), paid(4, "110"))
    # Of the 110 nothing is interest of February and March any more: 10 of April's, and 100 of principal.
    assert (found.owed, found.interest_paid, found.late_since) == (850, 22, None)


def test_a_statement_says_less_than_the_schedule_and_the_rest_is_late() -> None:
    """By 1 April 200 are due; the lender says that 50 are paid."""
    found = on(date(2026, 4, 1), lent(), stated(date(2026, 4, 1), "1150"))
    assert (found.late_since, found.overdue) == (date(2026, 2, 15), 150)


def test_the_lenders_count_of_days_wins() -> None:
    found = on(date(2026, 4, 11), lent(), stated(date(2026, 4, 1), "1150", 10))
    assert (found.late_since, found.days_late) == (date(2026, 3, 22), 20)


def test_up_to_date_by_the_lenders_word_lasts_until_the_next_due_day() -> None:
    told = (lent(), stated(date(2026, 4, 1), "1150", 0))
    assert on(date(2026, 4, 15), *told).late_since is None
    assert on(date(2026, 4, 16), *told).late_since == date(2026, 4, 15)


def test_a_small_payment_does_not_wipe_out_the_days_of_a_statement() -> None:
    """Late since 15 March by the lender's word: of a dollar, 99 of March's 100 are still missing."""
    told = (lent(), stated(date(2026, 4, 10), "1100", 26), Told(K.REPAYMENT, date(2026, 4, 11), Decimal(1)))
    found = on(date(2026, 4, 12), *told)
    assert (found.late_since, found.overdue) == (date(2026, 3, 15), 99)


def test_a_later_statement_ends_what_the_former_let_off() -> None:
    """Let off 100 on 1 April; on 1 May the balance is the schedule's own, and May's instalment is missed: late."""
    told = (lent(), stated(date(2026, 4, 1), "1100", 0), stated(date(2026, 5, 1), "900"))
    assert on(date(2026, 5, 15), *told).late_since is None
    assert on(date(2026, 5, 16), *told).late_since == date(2026, 5, 15)


def test_a_statement_above_what_was_lent_is_owed_at_the_end() -> None:
    told = (lent(), stated(date(2026, 2, 1), "1250"), paid(2, "112"))
    found = on(date(2026, 3, 1), *told)
    assert (found.owed, found.late_since) == (1150, None)
    assert sum(one.principal for one in found.instalments) == 1250


def test_the_balance_of_a_day_is_that_of_its_end() -> None:
    """Logged before the payment of the same day or after it: the balance holds."""
    statement, payment = stated(date(2026, 2, 15), "1100"), paid(2, "112")
    assert on(date(2026, 3, 1), lent(), statement, payment) == on(date(2026, 3, 1), lent(), payment, statement)
    assert on(date(2026, 3, 1), lent(), statement, payment).owed == 1100


def test_of_two_statements_of_one_day_the_later_given_wins() -> None:
    day = date(2026, 2, 20)
    assert on(day, lent(), stated(day, "1100"), stated(day, "1050")).owed == 1050


def test_movements_need_not_come_in_order() -> None:
    told = [lent(), paid(2, "112"), paid(3, "111"), stated(date(2026, 3, 20), "990")]
    assert on(date(2026, 4, 1), *reversed(told)) == on(date(2026, 4, 1), *told)


def test_what_was_taken_back_does_not_count() -> None:
    told = (lent(), paid(2, "112"))
    with_more = (*told, paid(3, "111", counts=False), replace(stated(date(2026, 3, 1), "5"), counts=False))
    assert on(date(2026, 4, 1), *with_more) == on(date(2026, 4, 1), *told)


def test_what_happens_later_is_not_known_yet() -> None:
    told = (lent(), paid(2, "112"), paid(3, "111"))
    assert on(date(2026, 3, 14), *told) == on(date(2026, 3, 14), *told[:2])


def test_without_a_disbursement_it_is_only_approved() -> None:
    found = on(date(2026, 3, 1), replace(lent(), counts=False))
    assert (found.state, found.owed, found.disbursed_on) == (LinkageState.APPROVED, 0, None)


def test_new_terms_begin_anew_and_stay_marked() -> None:
    told = (lent(), renewed(date(2026, 4, 1), "1230", date(2026, 5, 15)))
    found = on(date(2026, 5, 1), *told)
    assert (found.owed, found.late_since, found.restructured_on) == (1230, None, date(2026, 4, 1))
    assert [one.principal for one in found.instalments] == [123] * 10
    assert on(date(2026, 5, 16), *told).overdue == 123


def test_a_further_part_after_new_terms_is_spread_over_what_is_left() -> None:
    """1,000 in ten months from May, and 90 more on 20 May over the nine that are left."""
    told = (lent(), renewed(date(2026, 4, 1), "1000", date(2026, 5, 15)), lent(90, date(2026, 5, 20)))
    found = on(date(2026, 5, 20), *told)
    assert [one.principal for one in found.instalments] == [100] + [110] * 9
    assert (found.disbursed, found.owed, found.disbursed_on) == (1290, 1090, BEGUN)


@pytest.mark.parametrize(
    ("restructured", "first", "due"),
    [(date(2026, 1, 31), date(2026, 2, 28), [28, 31, 30, 31]), (date(2026, 1, 30), date(2026, 2, 28), [28, 30, 30, 30]),
     (date(2026, 1, 31), date(2026, 2, 15), [15] * 4), (date(2026, 2, 28), date(2026, 3, 28), [28] * 4)],
)  # fmt: skip
def test_new_terms_fall_due_on_the_days_that_a_disbursement_would(
    restructured: date, first: date, due: list[int]
) -> None:  # fmt: skip
    found = on(date(2026, 3, 1), lent(), renewed(restructured, "1000", first, 4))
    assert [one.due_on.day for one in found.instalments] == due
    like = books.terms_from({**dict.fromkeys(books.TERMS), "first_due_on": first, "instalments": 4}, begun=restructured)
    assert [one.due_on for one in found.instalments] == due_days(like)


def test_a_written_off_credit_owes_nothing_and_may_bring_something_back() -> None:
    told = (lent(), paid(2, "112"), Told(K.WRITE_OFF, date(2026, 9, 1), Decimal(1100)),
            Told(K.RECOVERY, date(2026, 10, 1), Decimal(40)))  # fmt: skip
    found = on(date(2026, 11, 1), *told)
    assert (found.state, found.owed, found.written_off, found.recovered) == (LinkageState.WRITTEN_OFF, 0, 1100, 40)
    assert (found.late_since, found.health, found.excess) == (None, None, 0)


@pytest.mark.parametrize(
    ("day", "health"),
    [(date(2026, 3, 1), Health.CURRENT), (date(2026, 3, 16), Health.LATE), (date(2026, 4, 1), Health.LATE),
     (date(2026, 4, 2), Health.UNKNOWN)],
)  # fmt: skip
def test_after_45_days_of_silence_it_is_unknown_and_not_current(day: date, health: Health) -> None:
    """The last report is of 15 February: 45 days later it is 1 April."""
    assert on(day, lent(), paid(2, "112")).health is health


def test_the_excess_is_what_a_payment_was_too_large_by() -> None:
    assert on(date(2026, 3, 1), lent(), paid(2, "1300", principal_usd=Decimal(1300))).excess == 100
    assert on(date(2026, 3, 1), lent(), paid(2, "1212")).excess == 0


def test_instalments_show_what_is_paid_missing_and_late() -> None:
    rows = progress_of(on(date(2026, 3, 20), lent(), paid(2, "112"), paid(3, "61")))
    assert [row.progress for row in rows[:4]] == [Progress.PAID, Progress.LATE, Progress.COMING, Progress.COMING]
    assert [row.missing for row in rows[:3]] == [0, 50, 100]


def test_an_instalment_paid_in_part_before_its_day_is_not_late() -> None:
    rows = progress_of(on(date(2026, 2, 20), lent(), paid(2, "162")))
    assert [row.progress for row in rows[:3]] == [Progress.PAID, Progress.PARTLY, Progress.COMING]


def test_every_instalment_of_a_repaid_credit_is_paid_and_none_of_one_written_off_is_late() -> None:
    repaid = on(date(2026, 9, 1), lent(), stated(date(2026, 3, 1), "0"))
    assert {row.progress for row in progress_of(repaid)} == {Progress.PAID}
    gone = on(date(2026, 9, 1), lent(), paid(2, "112"), Told(K.WRITE_OFF, date(2026, 8, 1), Decimal(1100)))
    assert [row.progress for row in progress_of(gone)[:2]] == [Progress.PAID, Progress.ENDED]


def test_what_the_lender_lets_off_is_not_paid() -> None:
    """All twelve fell due and 900 of 1,200 are owed: three are paid, although none is late by the lender's word."""
    rows = progress_of(on(date(2027, 3, 2), lent(), stated(date(2027, 3, 1), "900", 0)))
    assert [row.progress for row in rows] == [Progress.PAID] * 3 + [Progress.LET_OFF] * 9
    assert sum(row.missing for row in rows) == 900


def test_what_falls_due_after_the_lenders_word_is_late_again() -> None:
    """On 1 April 1,200 are owed and two instalments are let off; the third falls due on 15 April."""
    rows = progress_of(on(date(2026, 4, 20), lent(), stated(date(2026, 4, 1), "1200", 0)))
    assert [row.progress for row in rows[:4]] == [Progress.LET_OFF] * 2 + [Progress.LATE, Progress.COMING]
    assert [row.missing for row in rows[:4]] == [100] * 4


# --- properties ---

days = st.integers(0, 500).map(lambda count: BEGUN + timedelta(days=count))
money = st.decimals("0.01", 600, places=2)
TERMS = st.builds(
    Terms, st.decimals(0, 60, places=2), st.sampled_from(RateKind), st.sampled_from(Amortization),
    st.sampled_from(Frequency), st.integers(1, 30), st.just(date(2026, 2, 15)),
)  # fmt: skip
payments = st.builds(Told, st.just(K.REPAYMENT), days, money)
parts = st.builds(Told, st.just(K.DISBURSEMENT), days, money)
statements = st.builds(
    lambda day, balance, late: Told(K.BALANCE, day, balance_usd=balance, days_late=late),
    days, st.decimals(0, 1500, places=2), st.none() | st.integers(0, 90),
)  # fmt: skip
renewals = st.builds(
    lambda day, balance, wait: renewed(day, str(balance), day + timedelta(days=wait)), days,
    st.decimals("0.01", 1500, places=2), st.integers(1, 60),
)  # fmt: skip
stories = st.lists(payments | parts | statements | renewals, max_size=7).map(lambda rest: [lent(), *rest])


def is_no_later(after: Standing, before: Standing) -> bool:
    """`after` is late since the same day or a later one, or not at all."""
    return after.late_since is None or (before.late_since is not None and after.late_since >= before.late_since)


@given(terms=TERMS, story=stories, payment=payments, day=days)
def test_a_payment_never_makes_it_later_nor_more_owed(
    terms: Terms, story: list[Told], payment: Told, day: date
) -> None:
    before, after = standing(terms, story, day), standing(terms, [*story, payment], day)
    assert after.owed <= before.owed
    assert after.overdue <= before.overdue or before.late_since is None
    assert is_no_later(after, before)


@given(terms=TERMS, story=st.lists(payments | parts, max_size=8), day=days)
def test_without_statements_owed_is_between_nothing_and_what_was_lent(
    terms: Terms, story: list[Told], day: date
) -> None:
    found = standing(terms, [lent(), *story], day)
    assert 0 <= found.owed <= found.disbursed
    assert 0 <= found.overdue <= found.owed
    assert sum(one.principal for one in found.instalments) == found.disbursed


@given(terms=TERMS, story=stories, balance=st.decimals("0.10", 2000, places=2), day=days)
def test_the_newest_statement_says_what_is_owed(terms: Terms, story: list[Told], balance: Decimal, day: date) -> None:
    past = [one for one in story if one.happened_on <= day and one.kind is not K.RESTRUCTURE]
    found = standing(terms, [*past, Told(K.BALANCE, day, balance_usd=balance)], day)
    assert found.owed == balance


@given(terms=TERMS, story=stories, day=days, late=st.integers(1, 200))
def test_a_lender_who_counts_days_is_believed(terms: Terms, story: list[Told], day: date, late: int) -> None:
    past = [one for one in story if one.happened_on < day]
    found = standing(terms, [*past, Told(K.BALANCE, day, balance_usd=Decimal(300), days_late=late)], day)
    assert found.days_late == late


@given(terms=TERMS, story=stories, day=days, extra=stories)
def test_taking_back_leaves_no_trace(terms: Terms, story: list[Told], day: date, extra: list[Told]) -> None:
    gone = [replace(one, counts=False) for one in extra]
    assert standing(terms, [*story, *gone], day) == standing(terms, story, day)


@given(terms=TERMS, story=stories, day=days)
def test_every_story_has_a_standing_that_can_be_shown(terms: Terms, story: list[Told], day: date) -> None:
    found = standing(terms, story, day)
    assert found.days_late >= 0
    assert found.owed >= 0
    assert found.interest_due >= 0
    assert all(0 <= row.missing <= row.instalment.principal for row in progress_of(found))
    if found.owed:
        assert found.health is not None
