"""Whom to ask next about getting credit, and what was answered."""

from datetime import date
from typing import NamedTuple

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import joinedload

from grants.access.models import User
from grants.core.db import db
from grants.core.errors import NotFound
from grants.credit.models import (
    CreditAnswer,
    LiaisonPost,
    Linkage,
    LinkageEvent,
    LinkageKind,
    LinkageState,
    Outcome,
    Referral,
    ReferralState,
)
from grants.credit.models.satisfaction import FIRST_ROUND, LATEST, PARTS, SOONEST
from grants.credit.queries.institutions import findable
from grants.credit.queries.portfolio import Narrowed
from grants.credit.satisfaction import Said
from grants.people.models import Person

S = LinkageState
SHOWN = 50


class ToAsk(NamedTuple):
    """A linkage whose person can be asked: decided on a day, with what outcome."""

    linkage: Linkage
    decided_on: date
    outcome: Outcome


def is_liaison(user: User) -> bool:
    """Works for a lender, now or by a post whose institution is closed: such a person asks nobody."""
    return bool(db.session.scalar(select(exists().where(LiaisonPost.user_id == user.id))))


def to_ask(user: User, day: date, *, limit: int = SHOWN) -> list[ToAsk]:
    """Decided 7 to 60 days ago and not asked yet; those whose time runs out first. For a liaison nobody."""
    if is_liaison(user):
        return []
    statement = _open(day).order_by("decided_on", Linkage.id).limit(limit)
    return [_to_ask(*row) for row in db.session.execute(statement).unique()]


def get_to_ask(user: User, linkage_id: int, day: date) -> ToAsk:
    """One that may be asked today, or 404."""
    if is_liaison(user):
        raise NotFound
    found = db.session.execute(_open(day).where(Linkage.id == findable(linkage_id))).unique().one_or_none()
    if found is None:
        raise NotFound
    return _to_ask(*found)


def answers_until(day: date, narrowed: Narrowed) -> list[Said]:
    """Everybody asked until a day, in order."""
    columns = [getattr(CreditAnswer, part) for part in PARTS]
    statement = (
        select(CreditAnswer.person_id, CreditAnswer.asked_on, Person.sex, Person.population_group, Person.canton_code,
               CreditAnswer.outcome, CreditAnswer.overall, *columns)
        .join(Person, Person.id == CreditAnswer.person_id)
        .where(CreditAnswer.asked_on <= day)
        .order_by(CreditAnswer.asked_on, CreditAnswer.id)
    )  # fmt: skip
    if narrowed.institution_id is not None:
        statement = statement.join(Linkage, Linkage.id == CreditAnswer.linkage_id).where(
            Linkage.institution_id == findable(narrowed.institution_id)
        )
    if narrowed.canton_code is not None:
        statement = statement.where(Person.canton_code == narrowed.canton_code)
    return [
        Said(row[0], row[1], row[2].value, row[3].value, row[4], row[5].value, row[6],
             tuple((part, grade) for part, grade in zip(PARTS, row[7:], strict=True) if grade is not None))
        for row in db.session.execute(statement)
    ]  # fmt: skip


def _open(day: date) -> Select[Linkage, date, int]:
    """Credit linkages decided in the time for asking, and nobody asked yet. Unordered."""
    decided = (
        select(
            LinkageEvent.linkage_id,
            func.min(LinkageEvent.happened_on).label("decided_on"),
            func.count(LinkageEvent.id).filter(LinkageEvent.to_state == S.APPROVED).label("approvals"),
        )
        .where(LinkageEvent.to_state.in_((S.APPROVED, S.DECLINED)), LinkageEvent.happened_on <= day)
        .group_by(LinkageEvent.linkage_id)
        .having(func.min(LinkageEvent.happened_on).between(day - LATEST, day - SOONEST))
        .subquery()
    )
    asked = exists().where(CreditAnswer.linkage_id == Linkage.id, CreditAnswer.round == FIRST_ROUND)
    return (
        select(Linkage, decided.c.decided_on, decided.c.approvals)
        .join(decided, decided.c.linkage_id == Linkage.id)
        .join(Referral, Referral.id == Linkage.referral_id)
        .options(joinedload(Linkage.person).joinedload(Person.canton), joinedload(Linkage.institution))
        .where(Linkage.kind == LinkageKind.CREDIT, Referral.state != ReferralState.WITHDRAWN, ~asked)
    )


def _to_ask(linkage: Linkage, decided_on: date, approvals: int) -> ToAsk:
    return ToAsk(linkage, decided_on, Outcome.APPROVED if approvals else Outcome.DECLINED)
