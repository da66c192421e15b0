"""Ceilings of rates: what the law allows on a day, adding a period, and loading what is published."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from flask_babel import format_date, format_decimal
from flask_babel import lazy_gettext as _
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.credit import words
from grants.credit.models import Frequency, RateCeiling, RateKind, Segment
from grants.credit.queries.ceilings import ceiling_on, ceilings_of
from grants.credit.rates import effective_percent

__all__ = ["Period", "add_period", "ceiling_on", "load_ceilings", "refuse_above_ceiling", "take_back_period"]

DATA = Path(__file__).resolve().parent.parent / "data" / "rate_ceilings.csv"
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """A ceiling from a day on. `effective_percent`: TEA; `source`: the resolution that says so."""

    segment: Segment
    valid_from: date
    effective_percent: Decimal
    source: str


def refuse_above_ceiling(
    rate_percent: Decimal, rate_kind: RateKind, frequency: Frequency, segment: Segment | None, day: date
) -> None:
    """RuleBroken when a year costs more than the ceiling of that day allows; equal is allowed.

    Without a segment the highest ceiling of the day decides. On a day without a known ceiling nothing is refused.
    """
    ceiling = ceiling_on(segment, day)
    if ceiling is None:
        return
    yearly = effective_percent(rate_percent, rate_kind, frequency)
    if yearly <= ceiling.effective_percent:
        return
    raise RuleBroken(
        _("This rate comes to %(rate)s %% effective a year. The ceiling of %(segment)s is %(ceiling)s %%, in force "
          "since %(since)s. Check the rate, and whether it is nominal or effective.",
          rate=format_decimal(yearly, "0.00##"), segment=words.SEGMENT_NAMES[ceiling.segment],
          ceiling=format_decimal(ceiling.effective_percent, "0.00##"),
          since=format_date(ceiling.valid_from, "d MMM y")),
        field="rate_percent",
    )  # fmt: skip


def add_period(period: Period, *, by: User, now: datetime) -> RateCeiling:
    """Put a ceiling in force from a day on; the one still open ends the day before. Of two at once one wins."""
    if not 0 < period.effective_percent <= 100:
        raise RuleBroken(_("Write a rate above 0 and at most 100 percent."), field="effective_percent")
    if not period.source:
        raise RuleBroken(_("Write the resolution that sets this ceiling."), field="source")
    newest = next(iter(ceilings_of(period.segment)), None)
    if newest is not None and period.valid_from <= (newest.valid_until or newest.valid_from):
        raise RuleBroken(_("This overlaps the period that starts on %(day)s. A new period starts after it.",
                           day=format_date(newest.valid_from, "d MMM y")), field="valid_from")  # fmt: skip
    ceiling = _put(period, None, newest, by=by, now=now)
    journal.record(by, "ceiling.added", ceiling, at=now, segment=period.segment.value)
    return ceiling


def take_back_period(ceiling: RateCeiling, *, by: User, now: datetime) -> None:
    """Undo an added period that nothing follows: the one that it ended is open again. What it said is journaled."""
    gone = delete(RateCeiling).where(
        RateCeiling.id == ceiling.id, RateCeiling.added_by_id.is_not(None), RateCeiling.valid_until.is_(None)
    )
    if rows_hit(db.session.execute(gone.execution_options(synchronize_session=False))) != 1:
        raise RuleBroken(_("Only the last period of a segment can be taken back, and only one that was added here."))
    journal.record(by, "ceiling.taken_back", "rate_ceiling", at=now, ceiling_id=ceiling.id,
                   segment=ceiling.segment.value, valid_from=ceiling.valid_from.isoformat(),
                   effective_percent=str(ceiling.effective_percent))  # fmt: skip
    _open_again(ceiling.segment, ceiling.valid_from - ONE_DAY)


def load_ceilings(*, now: datetime) -> int:
    """Add the published periods that are missing; how many. One that overlaps what is stored is left out."""
    added = 0
    for period, until in _published():
        stored = ceilings_of(period.segment)
        newest = stored[0] if stored else None
        if any(one.valid_from == period.valid_from for one in stored):
            continue
        if _overlaps(period.valid_from, until, [one for one in stored if not _is_closable(one, period)]):
            continue
        _put(period, until, newest, by=None, now=now)
        added += 1
    return added


def _put(period: Period, until: date | None, newest: RateCeiling | None, *, by: User | None,
         now: datetime) -> RateCeiling:  # fmt: skip
    ceiling = RateCeiling(
        segment=period.segment, valid_from=period.valid_from, valid_until=until, source=period.source,
        effective_percent=period.effective_percent, added_by_id=by.id if by else None, added_at=now,
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            if newest is not None and _is_closable(newest, period):
                _close(newest, period.valid_from - ONE_DAY)
            db.session.add(ceiling)
    except IntegrityError:
        raise _overtaken() from None
    return ceiling


def _close(ceiling: RateCeiling, last_day: date) -> None:
    """The guarded update: only while it is open."""
    statement = (
        update(RateCeiling)
        .where(RateCeiling.id == ceiling.id, RateCeiling.valid_until.is_(None))
        .values(valid_until=last_day)
        .execution_options(synchronize_session=False)
    )
    if not rows_hit(db.session.execute(statement)):
        raise _overtaken()
    db.session.refresh(ceiling)


def _open_again(segment: Segment, last_day: date) -> None:
    """The period that ended on this day, unless it was published with that end."""
    ended = (RateCeiling.segment == segment, RateCeiling.valid_until == last_day)
    before = db.session.scalar(select(RateCeiling).where(*ended))
    if before is None or any(
        (one.segment, one.valid_from, until) == (segment, before.valid_from, last_day) for one, until in _published()
    ):
        return
    statement = update(RateCeiling).where(*ended).values(valid_until=None)
    db.session.execute(statement.execution_options(synchronize_session=False))
    db.session.refresh(before)


def _overtaken() -> RuleBroken:
    return RuleBroken(_("Somebody added a period at this moment. Look at the periods, then try again."))


def _is_closable(ceiling: RateCeiling, period: Period) -> bool:
    return ceiling.valid_until is None and ceiling.valid_from < period.valid_from


def _overlaps(first: date, last: date | None, stored: Iterable[RateCeiling]) -> bool:
    return any(
        (last is None or one.valid_from <= last) and (one.valid_until is None or first <= one.valid_until)
        for one in stored
    )


def _published() -> list[tuple[Period, date | None]]:
    """The rows of the data file, the earliest first."""
    with DATA.open(encoding="utf-8", newline="") as lines:
        rows = sorted(csv.DictReader(lines), key=lambda row: row["valid_from"])
    return [
        (
            Period(Segment(row["segment"]), date.fromisoformat(row["valid_from"]), Decimal(row["effective_percent"]),
                   row["source"]),
            date.fromisoformat(row["valid_until"]) if row["valid_until"] else None,
        )
        for row in rows
    ]  # fmt: skip
