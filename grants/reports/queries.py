"""Who was reached, read from the records. Nothing here is stored: every figure can be opened down to its people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ScalarSelect, Select, func, select, union_all
from sqlalchemy.orm import selectinload

from grants.applications.models import Application
from grants.calls.models import Call, CallKind
from grants.core.clock import local_day
from grants.core.db import db
from grants.core.errors import NotFound
from grants.credit.models import Linkage, LinkageKind
from grants.credit.queries.gone import people_hidden
from grants.delivery.models import Delivery, DeliveryState
from grants.people.models import Canton, Person, PopulationGroup, Province
from grants.people.protection import is_small
from grants.reports.framework import CODES, Frame, Published, default_frames, whole
from grants.reports.models import Indicator
from grants.reports.results import Result, result
from grants.reports.tally import Reached, matching
from grants.selection.models import Award
from grants.training.models import Completion, Course, CourseKind, Enrolment

PASS_GRADE = 60  # percent, as the programme declared
PEOPLE_AT_A_TIME = 500
RECORDS_A_PAGE = 50
HANDED_OVER = (
    DeliveryState.CONFIRMED,
    DeliveryState.DISPUTED,
    DeliveryState.RECONCILED,
    DeliveryState.MONITORED,
    DeliveryState.CLOSED,
)
YES_NO = {True: "yes", False: "no", None: "not_asked"}


def frames() -> list[Frame]:
    """The indicators of the latest programme that has any, with what was once published; else the data file's."""
    programme = select(func.max(Indicator.programme_id)).scalar_subquery()
    rows = db.session.scalars(
        select(Indicator)
        .where(Indicator.programme_id == programme, Indicator.code.in_(CODES))
        .options(selectinload(Indicator.published))
        .order_by(Indicator.position, Indicator.id)
    )
    return [_frame(row) for row in rows] or default_frames()


def people_reached(codes: Sequence[str] = CODES) -> dict[str, list[Reached]]:
    """For each indicator its distinct people, at the first event that counts. The same queries for any number."""
    firsts = {code: _first_days(EVENTS[code]) for code in codes}
    people = _people(codes)
    digital = _digital_traits() if "1.3a" in codes else {}
    return {
        code: [_reached(people[key], on, digital if code == "1.3a" else {}) for key, on in days.items()]
        for code, days in firsts.items()
    }


def frame(code: str) -> Frame:
    """One indicator; NotFound when the programme did not agree to it."""
    found = next((frame for frame in frames() if frame.code == code), None)
    if found is None:
        raise NotFound
    return found


def results(*, protected: bool) -> list[Result]:
    """The donor's table. `protected`: for a reader who may not open the records, with small cells hidden."""
    reached = people_reached()
    return [result(frame, reached[frame.code], protected=protected) for frame in frames()]


def headlines(*, protected: bool) -> list[tuple[Frame, int | None]]:
    """Each indicator with its people so far; None where few are hidden. Counted by the database: no person is read."""
    agreed = frames()
    counts = [_how_many(EVENTS[frame.code]).label(f"n{place}") for place, frame in enumerate(agreed)]
    found = db.session.execute(select(*counts)).one() if counts else ()
    return [
        (frame, None if protected and is_small(count) else count) for frame, count in zip(agreed, found, strict=True)
    ]


def _how_many(events: Select[Any, Any]) -> ScalarSelect[int]:
    found = events.subquery()
    return select(func.count(found.c.person_id.distinct())).scalar_subquery()


@dataclass(frozen=True, slots=True)
class RecordsPage:
    """Some of the people behind one figure; `count` is that figure, `unnamed` how many of it may be named no more."""

    count: int
    items: Sequence[Reached]
    next_after: str | None
    unnamed: int = 0


def records_page(
    code: str, *, year: int | None = None, dimension: str = "", value: str = "", after: str | None = None
) -> RecordsPage:
    """The people behind one figure, in the order of their folios, from behind the folio `after`."""
    found = matching(people_reached([code])[code], year=year, dimension=dimension, value=value)
    hidden = people_hidden() if code == "2.3b" else frozenset()  # credits older than five years name nobody
    named = [one for one in found if one.person_id not in hidden]
    rest = [one for one in named if one.folio > (after or "")]
    shown = rest[:RECORDS_A_PAGE]
    next_after = shown[-1].folio if len(rest) > len(shown) else None
    return RecordsPage(len(found), shown, next_after, len(found) - len(named))


def place_names() -> dict[str, str]:
    """Names of cantons and provinces by their DPA code."""
    cantons = select(Canton.code, Canton.name)
    rows = db.session.execute(cantons.union_all(select(Province.code, Province.name)))
    return {row.code: row.name for row in rows}


def _completed(kind: CourseKind) -> Select[Any, Any]:
    return (
        select(Enrolment.person_id, Completion.completed_on.label("happened"))
        .join(Completion, Completion.enrolment_id == Enrolment.id)
        .join(Course, Course.id == Enrolment.course_id)
        .where(Course.kind == kind)
    )


def _handed_over(kind: CallKind) -> Select[Any, Any]:
    """Received in kind: a confirmed handover, not the award of one."""
    return (
        select(Delivery.person_id, Delivery.confirmed_at.label("happened"))
        .join(Award, Award.id == Delivery.award_id)
        .join(Application, Application.id == Award.application_id)
        .join(Call, Call.id == Application.call_id)
        .where(Call.kind == kind, Delivery.state.in_(HANDED_OVER), Delivery.confirmed_at.is_not(None))
    )


def _disbursed() -> Select[Any, Any]:
    return select(Linkage.person_id, Linkage.disbursed_on.label("happened")).where(
        Linkage.kind == LinkageKind.CREDIT, Linkage.disbursed_on.is_not(None)
    )


# One row for each event that counts: person_id, happened.
EVENTS: dict[str, Select[Any, Any]] = {
    "1.2a": _completed(CourseKind.ENTREPRENEURSHIP),
    "1.2b": _handed_over(CallKind.SEED_CAPITAL),
    "1.3a": _completed(CourseKind.DIGITAL),
    "2.3a": _completed(CourseKind.FINANCIAL_EDUCATION),
    "2.3b": _disbursed(),
}


def _first_days(events: Select[Any, Any]) -> dict[int, date]:
    """Each person with the day of their first event, where the programme works."""
    found = events.subquery()
    statement = select(found.c.person_id, func.min(found.c.happened)).group_by(found.c.person_id)
    rows = db.session.execute(statement.order_by(found.c.person_id))
    return {key: local_day(first) if isinstance(first, datetime) else first for key, first in rows}


def _people(codes: Sequence[str]) -> dict[int, Person]:
    """Everyone with any of these events. One query, read in chunks."""
    anybody = union_all(*(select(EVENTS[code].subquery().c.person_id) for code in codes))
    rows = db.session.scalars(
        select(Person).where(Person.id.in_(anybody)).order_by(Person.id).execution_options(yield_per=PEOPLE_AT_A_TIME)
    )
    return {person.id: person for person in rows}


def _digital_traits() -> dict[int, dict[str, str]]:
    """Per person of a digital course: the best grade in words, and whether a device reached them."""
    statement = (
        select(Enrolment.person_id, func.max(Completion.grade))
        .join(Completion, Completion.enrolment_id == Enrolment.id)
        .join(Course, Course.id == Enrolment.course_id)
        .where(Course.kind == CourseKind.DIGITAL)
        .group_by(Enrolment.person_id)
        .order_by(Enrolment.person_id)
    )
    equipped = _first_days(_handed_over(CallKind.DEVICES))
    return {
        key: {"grade": _grade_word(grade), "device": YES_NO[key in equipped]}
        for key, grade in db.session.execute(statement)
    }


def _grade_word(grade: Decimal | None) -> str:
    if grade is None:
        return "no_grade"
    return "passed" if grade >= PASS_GRADE else "below"


def _reached(person: Person, on: date, digital: dict[int, dict[str, str]]) -> Reached:
    traits = {
        "sex": person.sex.value,
        "population_group": person.population_group.value,
        "mobility": "host" if person.population_group is PopulationGroup.HOST else "mobility",
        "nationality": person.nationality,
        "age_band": person.age_band_on(on).value,
        "disability": YES_NO[person.has_disability],
        "single_carer": YES_NO[person.is_single_carer],
        "province": person.canton_code[:2],
        "canton": person.canton_code,
        **digital.get(person.id, {}),
    }
    # Within a province: the report splits its figures so.
    for split in ("sex", "mobility", "disability", "grade", "device"):
        if split in traits:
            traits[f"province_{split}"] = f"{traits['province']}_{traits[split]}"
    return Reached(person.id, person.folio, on, traits)


def _frame(row: Indicator) -> Frame:
    published = {
        (one.year, one.dimension, one.value): Published(
            whole(one.figure), one.source, one.contradiction_es, one.contradiction_en
        )
        for one in row.published
    }
    return Frame(row.code, row.name_es, row.name_en, whole(row.baseline), whole(row.target), published)
