"""What home pages and reports ask about credit."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import joinedload

from grants.core.clock import local_day
from grants.core.db import db
from grants.credit.models import (
    CREDITED_STATES,
    ENDED_REFERRAL_STATES,
    OPEN_STATES,
    Institution,
    Linkage,
    LinkageKind,
    Referral,
    ReferralState,
)
from grants.credit.queries.gone import linkage_in_time
from grants.credit.queries.linkages import own_open_linkages
from grants.people.models import Canton, Person, Province

STUCK_AFTER = timedelta(days=14)


class CreditedPerson(NamedTuple):
    """Somebody who has received a credit, and the day of the first disbursement."""

    person_id: int
    first_disbursed_on: date


class LinkedPerson(NamedTuple):
    """Somebody referred to at least one institution, the province where they live, and when it was first."""

    person_id: int
    province_code: str
    first_referred_at: datetime


class LinkedInProvince(NamedTuple):
    """How many different people of a province are linked."""

    province_code: str
    province_name: str
    people: int


def waiting_for(institution: Institution, *, limit: int = 25) -> list[Linkage]:
    """Who waits for this institution's liaison: linkages on their way, those that have waited longest first."""
    return own_open_linkages(institution, limit=limit)


def stuck(now: datetime, *, after: timedelta = STUCK_AFTER, limit: int = 25) -> list[Linkage]:
    """Linkages on their way without a step for `after`, across institutions, the longest first."""
    statement = (
        select(Linkage)
        .join(Linkage.referral)
        .options(joinedload(Linkage.institution), joinedload(Linkage.person))
        .where(
            Linkage.state.in_(OPEN_STATES),
            Referral.state == ReferralState.ACCEPTED,  # those that wait for an answer are a list of their own
            Linkage.last_step_on <= local_day(now) - after,
            linkage_in_time(local_day(now)),
        )
        .order_by(Linkage.last_step_on, Linkage.id)
        .limit(limit)
    )
    return list(db.session.scalars(statement))


def credited_people() -> list[CreditedPerson]:
    """Different people with a disbursed credit and the first day, by person. Refinancing adds nobody."""
    statement = (
        select(Linkage.person_id, func.min(Linkage.disbursed_on))
        .where(Linkage.kind == LinkageKind.CREDIT, Linkage.state.in_(CREDITED_STATES))
        .group_by(Linkage.person_id)
        .order_by(Linkage.person_id)
    )
    return [CreditedPerson(person, day) for person, day in db.session.execute(statement) if day is not None]


def linked_people() -> list[LinkedPerson]:
    """Different people with a referral that was not withdrawn, or under which a credit was disbursed, by person."""
    statement = (
        select(Referral.person_id, Canton.province_code, func.min(Referral.referred_at))
        .join(Person, Person.id == Referral.person_id)
        .join(Canton, Canton.code == Person.canton_code)
        .where(_is_linked())
        .group_by(Referral.person_id, Canton.province_code)
        .order_by(Referral.person_id)
    )
    return [LinkedPerson(*row) for row in db.session.execute(statement)]


def linked_by_province() -> list[LinkedInProvince]:
    """As `linked_people`, counted by province, in the order of the codes."""
    statement = (
        select(Province.code, Province.name, func.count(Referral.person_id.distinct()))
        .select_from(Referral)
        .join(Person, Person.id == Referral.person_id)
        .join(Canton, Canton.code == Person.canton_code)
        .join(Province, Province.code == Canton.province_code)
        .where(_is_linked())
        .group_by(Province.code, Province.name)
        .order_by(Province.code)
    )
    return [LinkedInProvince(*row) for row in db.session.execute(statement)]


def _is_linked() -> ColumnElement[bool]:
    """A referral that counts: whoever received a credit was linked, whether the consent was taken back or not."""
    credited = exists().where(Linkage.referral_id == Referral.id, Linkage.disbursed_on.is_not(None))
    return or_(Referral.state.not_in(ENDED_REFERRAL_STATES), credited)
