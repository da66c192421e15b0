"""What counts, in which year, and once."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import event

from grants.calls.models import CallKind
from grants.core.db import db
from grants.core.errors import NotFound
from grants.credit.models import LinkageKind, LinkageState
from grants.delivery.models import DeliveryState
from grants.people.models import PopulationGroup, Sex
from grants.reports import queries
from grants.training.models import CourseKind
from tests.factories.people import make_canton, make_person
from tests.factories.reports import complete_course, disburse, hand_over, make_framework

NOON = datetime(2023, 8, 7, 17, tzinfo=UTC)


def years(code: str) -> dict[int, date]:
    return {one.person_id: one.on for one in queries.people_reached([code])[code]}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("1.2a", CourseKind.ENTREPRENEURSHIP),
        ("1.3a", CourseKind.DIGITAL),
        ("2.3a", CourseKind.FINANCIAL_EDUCATION),
    ],
)
def test_completion_counts_for_its_own_indicator(app, code, kind):
    done = complete_course(kind, date(2023, 4, 28))
    for other in set(CourseKind) - {kind}:
        complete_course(other, date(2023, 4, 28))

    assert years(code) == {done.enrolment.person_id: date(2023, 4, 28)}


def test_person_counts_once_in_the_year_of_the_first_event(app):
    person = make_person()
    complete_course(CourseKind.DIGITAL, date(2023, 6, 1), person)
    complete_course(CourseKind.DIGITAL, date(2022, 6, 1), person)

    assert years("1.3a") == {person.id: date(2022, 6, 1)}


def test_only_a_confirmed_handover_of_seed_capital_counts(app):
    received = hand_over(NOON)
    disputed = hand_over(NOON, state=DeliveryState.DISPUTED)
    for state in (DeliveryState.PLANNED, DeliveryState.AT_POINT, DeliveryState.RETURNED):
        hand_over(NOON, state=state)
    hand_over(NOON, kind=CallKind.DEVICES)

    assert set(years("1.2b")) == {received.person_id, disputed.person_id}


def test_year_of_a_handover_is_the_one_where_the_programme_works(app):
    """Half past nine in the evening of 31 December in Ecuador is 02:30 of 1 January in UTC."""
    received = hand_over(datetime(2024, 1, 1, 2, 30, tzinfo=UTC))

    assert years("1.2b") == {received.person_id: date(2023, 12, 31)}


def test_credit_counts_from_its_first_disbursement(app):
    person = make_person()
    disburse(date(2023, 2, 1), person)
    disburse(date(2022, 11, 3), person)
    disburse(None, state=LinkageState.APPLIED)
    disburse(date(2022, 11, 3), kind=LinkageKind.SAVINGS_ACCOUNT, state=LinkageState.OPENED)

    assert years("2.3b") == {person.id: date(2022, 11, 3)}


def test_traits_come_from_the_person_on_the_day(app):
    person = make_person(
        birth_on=date(1987, 6, 2),
        sex=Sex.MALE,
        nationality="CO",
        population_group=PopulationGroup.REFUGEE,
        canton=make_canton("2101"),
        has_disability=True,
        is_single_carer=None,
    )
    complete_course(CourseKind.DIGITAL, date(2023, 6, 1), person, grade=Decimal("59.99"))

    (one,) = queries.people_reached(["1.3a"])["1.3a"]

    # 35 years on the eve of the thirty-sixth birthday
    assert {**one.traits} == {
        "sex": "male",
        "population_group": "refugee",
        "mobility": "mobility",
        "nationality": "CO",
        "age_band": "18_35",
        "disability": "yes",
        "single_carer": "not_asked",
        "province": "21",
        "canton": "2101",
        "grade": "below",
        "device": "no",
        "province_sex": "21_male",
        "province_mobility": "21_mobility",
        "province_disability": "21_yes",
        "province_grade": "21_below",
        "province_device": "21_no",
    }


def test_device_and_grade_belong_to_the_digital_indicator_only(app):
    person = make_person()
    complete_course(CourseKind.DIGITAL, date(2023, 6, 1), person, grade=Decimal(60))
    complete_course(CourseKind.FINANCIAL_EDUCATION, date(2023, 6, 1), person)
    hand_over(NOON, person, kind=CallKind.DEVICES)

    reached = queries.people_reached()

    assert (reached["1.3a"][0].traits["grade"], reached["1.3a"][0].traits["device"]) == ("passed", "yes")
    assert "grade" not in reached["2.3a"][0].traits


def test_empty_database_shows_the_framework_with_zeros(app):
    found = queries.results(protected=False)

    assert [(one.frame.code, one.frame.target, one.total.cumulative.count) for one in found] == [
        ("1.2a", 200, 0), ("1.2b", 50, 0), ("1.3a", 200, 0), ("2.3a", 200, 0), ("2.3b", 60, 0),
    ]  # fmt: skip


def test_targets_of_the_programme_replace_those_of_the_file(app):
    indicators = make_framework()
    indicators[1].target = Decimal(80)
    db.session.flush()

    assert queries.frame("1.2b").target == 80
    with pytest.raises(NotFound):
        queries.frame("9.9z")


def count_queries(work) -> int:
    statements: list[str] = []

    def note(_connection, _cursor, statement, *_rest):
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len(statements)


def test_as_many_queries_for_one_person_as_for_many(app):
    make_framework()
    complete_course(CourseKind.DIGITAL, date(2023, 6, 1))
    few = count_queries(lambda: queries.results(protected=False))
    for _n in range(5):
        complete_course(CourseKind.FINANCIAL_EDUCATION, date(2023, 6, 1))
        disburse(date(2022, 9, 1))

    assert count_queries(lambda: queries.results(protected=False)) == few <= 11


def test_records_are_paged_by_folio_without_loss(app, monkeypatch):
    monkeypatch.setattr(queries, "RECORDS_A_PAGE", 2)
    folios = sorted(complete_course(CourseKind.DIGITAL, date(2023, 6, 1)).enrolment.person.folio for _n in range(5))

    pages = [queries.records_page("1.3a")]
    while pages[-1].next_after:
        pages.append(queries.records_page("1.3a", after=pages[-1].next_after))

    assert [one.folio for page in pages for one in page.items] == folios
    assert [len(page.items) for page in pages] == [2, 2, 1]
    assert {page.count for page in pages} == {5}
