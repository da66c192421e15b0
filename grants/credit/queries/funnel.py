"""The cases that the funnel is made of: three statements for any number, read as plain rows."""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from grants.core.clock import PROGRAMME_ZONE, local_day
from grants.core.db import db
from grants.credit.funnel import Case, Step
from grants.credit.models import (
    CREDITED_STATES,
    Linkage,
    LinkageEvent,
    LinkageKind,
    LinkageState,
    Referral,
    ReferralState,
)
from grants.credit.queries.institutions import findable
from grants.credit.queries.portfolio import Narrowed
from grants.people.models import Person
from grants.training.models import Completion, Course, CourseKind, Enrolment

S = LinkageState
Days = dict[LinkageState, date]
APPROVED_STATES = CREDITED_STATES | {S.APPROVED}


def cases_until(day: date, narrowed: Narrowed) -> list[Case]:
    """Every linkage of people referred until a day, as it stood at the end of it, by referral.

    A referral that was withdrawn counts only where a credit was disbursed.
    """
    events = _events(day)
    statement = (
        select(
            Referral.id.label("referral_id"), Referral.person_id, Referral.institution_id,
            Person.sex, Person.population_group, Person.canton_code,
            Referral.referred_at, Referral.acknowledged_at, Referral.answered_at, Referral.state.label("sent_as"),
            Linkage.id, Linkage.kind, Linkage.state, Linkage.disbursed_on, Linkage.refinances_id, Linkage.last_step_on,
        )
        .join(Person, Person.id == Referral.person_id)
        .outerjoin(Linkage, and_(Linkage.referral_id == Referral.id, _was_there(day)))
        .where(Referral.referred_at < _end_of(day),
               or_(Referral.state != ReferralState.WITHDRAWN, Linkage.disbursed_on.is_not(None)))
        .order_by(Referral.id, Linkage.id)
    )  # fmt: skip
    if narrowed.institution_id is not None:
        statement = statement.where(Referral.institution_id == findable(narrowed.institution_id))
    if narrowed.canton_code is not None:
        statement = statement.where(Person.canton_code == narrowed.canton_code)
    return [_case(row, events.get(row.id, {}), day) for row in db.session.execute(statement)]


def trained_people(day: date, narrowed: Narrowed) -> set[int]:
    """People who completed financial education until a day, as indicator 2.3a counts them. No institution has any."""
    statement = (
        select(Enrolment.person_id)
        .join(Completion, Completion.enrolment_id == Enrolment.id)
        .join(Course, Course.id == Enrolment.course_id)
        .where(Course.kind == CourseKind.FINANCIAL_EDUCATION, Completion.completed_on <= day)
        .distinct()
        .order_by(Enrolment.person_id)
    )
    if narrowed.canton_code is not None:
        statement = statement.join(Person, Person.id == Enrolment.person_id).where(
            Person.canton_code == narrowed.canton_code
        )
    return set(db.session.scalars(statement))


def _events(day: date) -> dict[int, Days]:
    """By linkage the first day of each state, until a day."""
    statement = (
        select(LinkageEvent.linkage_id, LinkageEvent.to_state, func.min(LinkageEvent.happened_on))
        .where(LinkageEvent.happened_on <= day)
        .group_by(LinkageEvent.linkage_id, LinkageEvent.to_state)
        .order_by(LinkageEvent.linkage_id, LinkageEvent.to_state)
    )
    found: dict[int, Days] = defaultdict(dict)
    for key, state, first in db.session.execute(statement):
        found[key][state] = first
    return found


def _case(row: Any, days: Days, day: date) -> Case:
    answered = row.acknowledged_at or row.answered_at
    is_credit = row.kind is LinkageKind.CREDIT
    return Case(
        person_id=row.person_id,
        institution_id=row.institution_id,
        sex=row.sex.value,
        group=row.population_group.value,
        canton=row.canton_code,
        is_credit=is_credit,
        referred_on=local_day(row.referred_at),
        acknowledged_on=local_day(answered) if answered and answered < _end_of(day) else None,
        applied_on=days.get(S.APPLIED) if is_credit else None,
        approved_on=days.get(S.APPROVED) if is_credit else None,
        declined_on=days.get(S.DECLINED) or _declined(row, day),
        withdrawn_on=days.get(S.WITHDRAWN),
        disbursed_on=row.disbursed_on if is_credit and row.disbursed_on and row.disbursed_on <= day else None,
        refinances=row.refinances_id is not None,
        referral_id=row.referral_id,
        passed=_passed(row, days, day) if is_credit else frozenset(),
    )


def _was_there(day: date) -> ColumnElement[bool]:
    """Linkages begun until a day: opened here by then, or of which something had happened that was written later."""
    stepped = exists().where(LinkageEvent.linkage_id == Linkage.id, LinkageEvent.happened_on <= day)
    return or_(Linkage.created_at < _end_of(day), Linkage.disbursed_on <= day, stepped)


def _declined(row: Any, day: date) -> date | None:
    """A referral that was declined before any linkage said so."""
    if row.sent_as is not ReferralState.DECLINED or row.disbursed_on or row.answered_at is None:
        return None
    return local_day(row.answered_at) if row.answered_at < _end_of(day) else None


def _passed(row: Any, days: Days, day: date) -> frozenset[Step]:
    """Steps that later ones prove, or the state where no event says so."""
    approved = S.APPROVED in days or (row.state in APPROVED_STATES and row.last_step_on <= day)
    if approved:
        return frozenset({Step.APPLIED, Step.APPROVED})
    applied = S.APPLIED in days or (row.state is S.APPLIED and row.last_step_on <= day)
    return frozenset({Step.APPLIED}) if applied else frozenset()


def _end_of(day: date) -> datetime:
    """The first moment after a day where the programme works."""
    return datetime.combine(day + timedelta(days=1), time.min, PROGRAMME_ZONE).astimezone(UTC)
