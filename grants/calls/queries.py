"""Programmes and calls, as each reader may see them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from grants.access.models import User
from grants.access.permissions import Permission
from grants.calls.models import (
    DIMENSION_NAMES,
    QUOTA_VALUES,
    Call,
    CallQuota,
    CallState,
    Criterion,
    Programme,
    QuotaDimension,
    Rubric,
    group_name,
)
from grants.calls.words import group_words
from grants.core.db import Page, db, keyset_page, one_or_refuse, plausible
from grants.people.models import Canton
from grants.people.queries import canton_choices

WHOLE_RUBRICS = selectinload(Call.rubrics).selectinload(Rubric.criteria).selectinload(Criterion.levels)


def visible_to(user: User) -> Select[Call]:
    """Calls this user may see: drafts are for those who prepare them."""
    calls = select(Call)
    return calls if user.may(Permission.MANAGE_CALL) else calls.where(Call.state != CallState.DRAFT)


def page_of_calls(user: User, *, after: str | None = None) -> Page[Call]:
    """Calls with their programme, newest first."""
    found = visible_to(user).options(joinedload(Call.programme))
    return keyset_page(found, Call.id, Call.id, after=after, descending=True)


def get_call(call_id: int, user: User) -> Call:
    """A call with its programme, its quotas and every version of its rubric; NotFound if this user may not see it."""
    found = visible_to(user).where(Call.id == plausible(call_id))
    return one_or_refuse(found.options(joinedload(Call.programme), selectinload(Call.quotas), WHOLE_RUBRICS))


def call_by_code(code: str) -> Call | None:
    """A call by its code, draft or not: for the console."""
    return db.session.scalars(select(Call).where(Call.code == code)).first()


def open_calls(now: datetime) -> Sequence[Call]:
    """Calls that take applications at this moment, the first to close first."""
    found = (
        select(Call)
        .where(Call.state == CallState.PUBLISHED, Call.opens_at <= now, Call.closes_at > now)
        .options(joinedload(Call.programme), selectinload(Call.rubrics))
        .order_by(Call.closes_at, Call.id)
    )
    return db.session.scalars(found).unique().all()


def published_calls() -> Sequence[Call]:
    """Calls that people have been able to apply to, newest first: for filters."""
    found = select(Call).where(Call.state != CallState.DRAFT).order_by(Call.id.desc()).limit(200)
    return db.session.scalars(found).all()


def programmes() -> Sequence[Programme]:
    """All programmes by code: an installation has few."""
    return db.session.scalars(select(Programme).order_by(Programme.code)).all()


def get_programme(programme_id: int) -> Programme:
    """A programme; NotFound if there is none."""
    return one_or_refuse(select(Programme).where(Programme.id == plausible(programme_id)))


def quota_choices() -> dict[str, list[tuple[str, str]]]:
    """The groups a quota may name, by dimension; cantons by province."""
    choices = {
        str(DIMENSION_NAMES[dimension]): [
            (group_name(dimension, value), group_words(group_name(dimension, value), {})) for value in values
        ]
        for dimension, values in QUOTA_VALUES.items()
    }
    by_province = {
        f"{DIMENSION_NAMES[QuotaDimension.CANTON]}, {province}": [
            (group_name(QuotaDimension.CANTON, code), name) for code, name in cantons
        ]
        for province, cantons in canton_choices().items()
    }
    return {**choices, **by_province}


def canton_names(quotas: Sequence[CallQuota]) -> dict[str, str]:
    """The names of the cantons that these quotas are about, by code."""
    codes = [quota.value for quota in quotas if quota.dimension is QuotaDimension.CANTON]
    if not codes:
        return {}
    found = db.session.execute(select(Canton.code, Canton.name).where(Canton.code.in_(codes)))
    return {row[0]: row[1] for row in found}
