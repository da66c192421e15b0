"""Questions about the ceilings of rates."""

from datetime import date

from sqlalchemy import select

from grants.core.db import db
from grants.credit.models import RateCeiling, Segment


def ceiling_on(segment: Segment | None, day: date) -> RateCeiling | None:
    """The ceiling of a segment on a day; without a segment the highest of that day. None: none is known."""
    in_force = (
        select(RateCeiling)
        .where(RateCeiling.valid_from <= day, (RateCeiling.valid_until.is_(None)) | (RateCeiling.valid_until >= day))
        .order_by(RateCeiling.effective_percent.desc(), RateCeiling.id)
        .limit(1)
    )
    return db.session.scalar(in_force if segment is None else in_force.where(RateCeiling.segment == segment))


def ceilings_of(segment: Segment) -> list[RateCeiling]:
    """All periods of a segment, the newest first."""
    statement = select(RateCeiling).where(RateCeiling.segment == segment)
    return list(db.session.scalars(statement.order_by(RateCeiling.valid_from.desc(), RateCeiling.id)))


def ceilings_by_segment() -> dict[Segment, list[RateCeiling]]:
    """Every segment, also without any period, with its periods, the newest first."""
    found: dict[Segment, list[RateCeiling]] = {segment: [] for segment in Segment}
    statement = select(RateCeiling).order_by(RateCeiling.valid_from.desc(), RateCeiling.id)
    for ceiling in db.session.scalars(statement):
        found[ceiling.segment].append(ceiling)
    return found
