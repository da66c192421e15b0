"""Savings banks: what each said about itself, and whom Semilla knows there."""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import joinedload

from grants.access.models import User
from grants.access.permissions import Permission
from grants.core.db import db
from grants.core.errors import NotFound
from grants.credit.models import (
    Institution,
    InstitutionKind,
    Linkage,
    LinkageEvent,
    LinkageKind,
    LinkageState,
    SavingsBankReport,
)
from grants.credit.queries.institutions import get_institution, liaison_institution


class Joined(NamedTuple):
    """Different people with an open membership or account, as logged in Semilla."""

    institution_id: int
    kind: LinkageKind
    people: int


def newest_reports(day: date) -> list[SavingsBankReport]:
    """The newest report of each savings bank on or before a day, by name, with its institution.

    Of several for the same day the last one recorded counts. One that never reported until then is left out.
    """
    place = func.row_number().over(
        partition_by=SavingsBankReport.institution_id,
        order_by=(SavingsBankReport.as_of.desc(), SavingsBankReport.id.desc()),
    )
    until = select(SavingsBankReport.id, place.label("place")).where(SavingsBankReport.as_of <= day).subquery()
    statement = (
        select(SavingsBankReport)
        .options(joinedload(SavingsBankReport.institution))
        .join(until, until.c.id == SavingsBankReport.id)
        .join(Institution, Institution.id == SavingsBankReport.institution_id)
        .where(until.c.place == 1)
        .order_by(Institution.name, Institution.id)
    )
    return list(db.session.scalars(statement))


def reports_of(institution: Institution) -> Sequence[SavingsBankReport]:
    """All its reports, corrected ones among them: the newest day first, and within a day the one that counts."""
    statement = select(SavingsBankReport).where(SavingsBankReport.institution_id == institution.id)
    return db.session.scalars(statement.order_by(SavingsBankReport.as_of.desc(), SavingsBankReport.id.desc())).all()


def corrected(reports: Sequence[SavingsBankReport]) -> frozenset[int]:
    """Of reports in the order of `reports_of`, the ids of those that a later row for their day corrects."""
    return frozenset(earlier.id for later, earlier in pairwise(reports) if later.as_of == earlier.as_of)


def reporting_institution(user: User, institution_id: int) -> Institution:
    """The savings bank whose figures this person may write: any for a coordinator, for a liaison their own; or 404."""
    if user.may(Permission.MANAGE_INSTITUTION):
        institution = get_institution(institution_id)
    else:  # another's is not even looked for: it answers as one that does not exist
        own = liaison_institution(user)
        if own is None or own.id != institution_id:
            raise NotFound
        institution = own
    if institution.kind is not InstitutionKind.SAVINGS_BANK:
        raise NotFound
    return institution


def joined_people(day: date, ids: Iterable[int] | None = None) -> list[Joined]:
    """Memberships and accounts open at the end of a day at savings banks: people by institution and kind."""
    statement = (
        select(Linkage.institution_id, Linkage.kind, func.count(Linkage.person_id.distinct()))
        .join(Institution, Institution.id == Linkage.institution_id)
        .where(
            Institution.kind == InstitutionKind.SAVINGS_BANK,
            Linkage.kind.in_((LinkageKind.MEMBERSHIP, LinkageKind.SAVINGS_ACCOUNT)),
            _happened(LinkageState.OPENED, day),
            ~_happened(LinkageState.CLOSED, day),
        )
        .group_by(Linkage.institution_id, Linkage.kind)
        .order_by(Linkage.institution_id, Linkage.kind)
    )
    wanted = None if ids is None else set(ids)
    return [Joined(*row) for row in db.session.execute(statement) if wanted is None or row[0] in wanted]


def _happened(state: LinkageState, day: date) -> ColumnElement[bool]:
    """Whether a step was made until a day, whatever came after it."""
    return exists().where(
        LinkageEvent.linkage_id == Linkage.id, LinkageEvent.to_state == state, LinkageEvent.happened_on <= day
    )
