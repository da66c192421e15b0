"""Savings banks: what each said last about itself, and whom Semilla knows there."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager

from grants.core.db import db
from grants.credit.models import Institution, InstitutionKind, Linkage, LinkageKind, LinkageState, SavingsBankReport


class Joined(NamedTuple):
    """Different people with an open membership or account, as logged in Semilla."""

    institution_id: int
    kind: LinkageKind
    people: int


def newest_reports(day: date) -> list[SavingsBankReport]:
    """Of each savings bank the report about the latest day until `day`, the last written of that day; by name."""
    newest = (
        select(
            SavingsBankReport.id,
            func.row_number()
            .over(
                partition_by=SavingsBankReport.institution_id,
                order_by=(SavingsBankReport.as_of.desc(), SavingsBankReport.id.desc()),
            )
            .label("place"),
        )
        .where(SavingsBankReport.as_of <= day)
        .subquery()
    )
    statement = (
        select(SavingsBankReport)
        .join(newest, newest.c.id == SavingsBankReport.id)
        .join(SavingsBankReport.institution)
        .options(contains_eager(SavingsBankReport.institution))
        .where(newest.c.place == 1)
        .order_by(Institution.name, Institution.id)
    )
    return list(db.session.scalars(statement))


def joined_people(day: date, ids: Iterable[int] | None = None) -> list[Joined]:
    """Memberships and accounts opened until a day at savings banks, by institution and kind: people, each once."""
    statement = (
        select(Linkage.institution_id, Linkage.kind, func.count(Linkage.person_id.distinct()))
        .join(Institution, Institution.id == Linkage.institution_id)
        .where(
            Institution.kind == InstitutionKind.SAVINGS_BANK,
            Linkage.kind.in_((LinkageKind.MEMBERSHIP, LinkageKind.SAVINGS_ACCOUNT)),
            Linkage.state == LinkageState.OPENED,
            Linkage.last_step_on <= day,
        )
        .group_by(Linkage.institution_id, Linkage.kind)
        .order_by(Linkage.institution_id, Linkage.kind)
    )
    wanted = None if ids is None else set(ids)
    return [Joined(*row) for row in db.session.execute(statement) if wanted is None or row[0] in wanted]
