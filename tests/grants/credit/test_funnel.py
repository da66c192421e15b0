"""The funnel: who came how far, how long it took, and what few people's cells give away."""

from datetime import UTC, date, datetime

from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from grants.credit.funnel import STEPS, Case, Funnel, Step, cohorts, conversion, funnel, grouped, spans
from grants.credit.models import LinkageKind, LinkageState, ReferralState
from grants.credit.queries import funnel as queries
from grants.credit.queries.portfolio import Narrowed
from grants.credit.small_cells import columns_to_show, shown_steps
from grants.training.models import CourseKind
from tests.factories.credit import make_linkage, make_referral
from tests.factories.credit_figures import make_step
from tests.factories.people import make_person
from tests.factories.training import make_completion, make_course

S = LinkageState
DAY = date(2026, 6, 30)


def case(person: int, *, sex: str = "female", is_credit: bool = True, refinances: bool = False, at: int = 1,
         **days: date) -> Case:  # fmt: skip
    referred = days.pop("referred_on", date(2026, 1, 10))
    return Case(person, at, sex, "migrant", "1001", is_credit, referred, refinances=refinances, **days)


def day(month: int, number: int) -> date:
    return date(2026, month, number)


PEOPLE = [
    case(1, acknowledged_on=day(1, 12), applied_on=day(1, 20), approved_on=day(1, 30), disbursed_on=day(2, 9)),
    case(1, referred_on=day(3, 1), acknowledged_on=day(3, 2), disbursed_on=day(4, 10), at=2),
    case(2, acknowledged_on=day(1, 20), applied_on=day(2, 1), approved_on=day(2, 11), disbursed_on=day(3, 11)),
    case(2, referred_on=day(5, 1), disbursed_on=day(6, 1), refinances=True),
    case(3, sex="male", referred_on=day(2, 3), applied_on=day(3, 1), declined_on=day(3, 5)),
    case(4, sex="male", referred_on=day(6, 1)),
    case(5, is_credit=False, acknowledged_on=day(1, 11)),
]


def test_each_person_counts_in_every_step_up_to_the_furthest() -> None:
    """On paper: 1 has two credits, 2 one and its refinancing, 3 applied, 4 was referred, 5 got an account."""
    found = funnel(PEOPLE, {1, 2, 4, 90, 91})
    assert found.counts == [5, 4, 3, 2, 2, 1]
    assert (found.trained, found.of_trained) == (5, 3)


def test_groups_and_cohorts() -> None:
    by_sex = grouped(PEOPLE, lambda one: one.sex)
    assert {key: one.counts for key, one in by_sex.items()} == {
        "female": [3, 3, 2, 2, 2, 1], "male": [2, 1, 1, 0, 0, 0]
    }  # fmt: skip
    assert {key: one.count(Step.REFERRED) for key, one in cohorts(PEOPLE).items()} == {
        "2026-01": 3, "2026-02": 1, "2026-06": 1
    }  # fmt: skip
    at_first = grouped(PEOPLE, lambda one: str(one.institution_id))
    assert at_first["1"].count(Step.SECOND) == 0, "a second credit elsewhere is no second one here"


def test_days_between_steps_and_of_those_who_wait() -> None:
    """Referred to disbursed: 30, 40, 60 and 31 days; open is person 4 with 29."""
    found = spans(PEOPLE, DAY)
    whole = found["disbursed"]
    assert (whole.done, whole.median, whole.ninth) == (4, 35.5, 60)
    assert (whole.open, whole.open_median, whole.open_longest) == (1, 29, 29)
    assert (found["decided"].done, found["decided"].median) == (3, 10)
    assert (found["paid_out"].done, found["paid_out"].median) == (2, 19)
    assert (found["acknowledged"].done, found["acknowledged"].median) == (3, 2)


def test_a_referral_waits_once_for_its_first_credit() -> None:
    """Referred on 10 January: the credit of 9 February took 30 days, the one of December was not asked for then."""
    late = [case(1, referral_id=7, acknowledged_on=day(1, 12), **on) for on in (
        {"disbursed_on": day(12, 1)}, {"disbursed_on": day(2, 9), "approved_on": day(2, 1)}, {})]  # fmt: skip
    found = spans([*late, case(2, referral_id=8, declined_on=day(2, 1)), case(2, referral_id=8)], date(2026, 12, 31))

    assert (found["disbursed"].done, found["disbursed"].median, found["disbursed"].open) == (1, 30, 1)
    assert (found["acknowledged"].done, found["paid_out"].median) == (1, 8)


def test_nobody_has_no_median() -> None:
    assert spans([], DAY)["disbursed"].median is None
    assert funnel([]).counts == [0] * 6


def test_conversion_keeps_open_cases_apart() -> None:
    found = conversion([*PEOPLE, case(6, withdrawn_on=day(2, 2))])
    assert (found.sent, found.decided, found.approved, found.withdrawn, found.open) == (7, 5, 4, 1, 1)


def test_cases_are_read_as_they_stood_on_a_day(app: Flask) -> None:
    person = make_person(canton_code="2101")
    sent = datetime(2026, 1, 10, 15, tzinfo=UTC)
    linkage = make_linkage(make_referral(person, referred_at=sent), state=S.DISBURSED, happened_on=day(3, 1))
    for state, on in ((S.APPLIED, day(1, 20)), (S.APPROVED, day(2, 10))):
        make_step(linkage, state, on)
    make_linkage(make_referral(referred_at=sent, state=ReferralState.WITHDRAWN))
    make_linkage(make_referral(referred_at=datetime(2026, 7, 5, 15, tzinfo=UTC)))
    make_linkage(make_referral(referred_at=sent), kind=LinkageKind.MEMBERSHIP, state=S.OPENED)

    reached = {on: funnel(queries.cases_until(on, Narrowed())).counts for on in (day(1, 15), day(2, 1), day(3, 31))}

    assert reached == {day(1, 15): [2, 2, 0, 0, 0, 0], day(2, 1): [2, 2, 1, 0, 0, 0], day(3, 31): [2, 2, 1, 1, 1, 0]}
    assert funnel(queries.cases_until(DAY, Narrowed(canton_code="2101"))).counts == [1, 1, 1, 1, 1, 0]
    assert queries.cases_until(DAY, Narrowed(institution_id=10**12)) == []


def test_a_day_that_is_over_does_not_change_by_what_is_begun_later(app: Flask) -> None:
    referral = make_referral(referred_at=datetime(2026, 1, 10, 15, tzinfo=UTC))
    first = make_linkage(referral, state=S.DISBURSED, happened_on=day(3, 1))
    before = queries.cases_until(DAY, Narrowed())

    begun_later = make_linkage(referral)
    begun_later.created_at = datetime(2026, 7, 3, 15, tzinfo=UTC)
    assert queries.cases_until(DAY, Narrowed()) == before
    assert len(queries.cases_until(day(7, 3), Narrowed())) == 2

    make_step(begun_later, S.APPLIED, day(6, 20))  # written down later than it happened
    assert [one.applied_on for one in queries.cases_until(DAY, Narrowed())] == [None, day(6, 20)]

    first.created_at = datetime(2026, 7, 3, 15, tzinfo=UTC)
    assert [one.disbursed_on for one in queries.cases_until(DAY, Narrowed())] == [day(3, 1), None]


def test_trained_are_people_who_completed_financial_education(app: Flask) -> None:
    person = make_person()
    first, second = (make_course(kind=CourseKind.FINANCIAL_EDUCATION) for _place in range(2))
    make_completion(first, person, completed_on=day(2, 1))
    make_completion(second, person, completed_on=day(3, 1))
    make_completion(make_course(kind=CourseKind.DIGITAL), completed_on=day(2, 1))
    make_completion(make_course(kind=CourseKind.FINANCIAL_EDUCATION), completed_on=day(7, 1))

    assert queries.trained_people(DAY, Narrowed()) == {person.id}


# Small cells.

ends = st.lists(st.integers(0, 9), min_size=6, max_size=6)


def made(counts: list[int]) -> Funnel:
    return Funnel(0, 0, dict(zip(STEPS, counts, strict=True)))


def possible(shown: list[int | None], most: int = 9) -> list[list[int]]:
    """Every way in which people could have ended, up to `most` at each step, given the counts that are shown."""
    ways: list[list[int]] = [[]]
    for count in reversed(shown):
        tried = [[end, *way] for way in ways for end in range(most + 1)]
        ways = [way for way in tried if count is None or sum(way) == count]
    return ways


def test_a_small_end_cannot_be_worked_out_from_the_steps_shown() -> None:
    """3 applied and went no further: without protection 23 − 20 says so."""
    found = made([0, 0, 3, 6, 9, 5])
    assert found.counts == [23, 23, 23, 20, 14, 5]
    shown = shown_steps(found)
    assert shown[3] is None
    assert len({ways[2] for ways in possible(shown)}) > 1


@settings(max_examples=25, deadline=None)
@given(ends)
def test_no_small_end_has_one_possible_value(counts: list[int]) -> None:
    shown, found = shown_steps(made(counts)), made(counts).counts
    assert not any(0 < count < 5 for count in shown if count is not None)
    if shown[0] is None:
        return
    shown[4] = found[4]  # how many have a credit is published beside it
    ways = possible(shown)
    for place, count in enumerate(counts):
        if 0 < count < 5:
            assert len({one[place] for one in ways}) > 1


def test_groups_show_only_steps_that_betray_nobody() -> None:
    fine = {"female": made([9, 9, 9, 9, 9, 9]), "male": made([5, 5, 5, 5, 5, 0])}
    few = {**fine, "male": made([5, 5, 5, 2, 5, 0])}
    assert columns_to_show(fine, STEPS) == STEPS
    assert columns_to_show(few, STEPS) == (Step.REFERRED, Step.APPLIED, Step.DISBURSED)
    assert columns_to_show({"other": made([2, 0, 0, 0, 0, 0])}, STEPS) == ()
    assert columns_to_show(fine, (Step.REFERRED,)) == (Step.REFERRED,)
