"""A spreadsheet that plans a whole call: tried out row by row, then applied as the planner chooses."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol

from flask_babel import lazy_gettext as _
from sqlalchemy import delete, update

from grants.access.models import User
from grants.calls.models import Call
from grants.core import journal
from grants.core.clock import PROGRAMME_ZONE
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import STATE_NAMES, Delivery, DeliveryState, PlanImport, Run
from grants.delivery.services.many import Outcome, one_by_one
from grants.delivery.services.planning import plan_delivery
from grants.delivery.services.run_stops import Stop, schedule
from grants.delivery.told import to_keep
from grants.people.folio import normal_folio
from grants.selection.models import Award

KEPT = timedelta(hours=24)
DAY_SHAPES = (
    (r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})", (1, 2, 3)),
    (r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})", (3, 2, 1)),
)
CLOCK_SHAPE = r"([0-9]{1,2}):([0-9]{2})(?::00)?"


class Row(Protocol):
    """A line of the file."""

    @property
    def number(self) -> int: ...
    @property
    def cells(self) -> dict[str, str]: ...
    @property
    def stop(self) -> dict[str, str]: ...


@dataclass(frozen=True, slots=True)
class KeptRow:
    """A line between preview and application."""

    number: int
    cells: dict[str, str]

    @property
    def stop(self) -> dict[str, str]:
        return {name: cell for name, cell in self.cells.items() if name != "folio" and cell}


@dataclass(slots=True)
class _Book:
    """What rows refer to, looked up once for the file."""

    awards: dict[str, Award]
    live: dict[int, Delivery]
    runs: Sequence[Run]
    seen: dict[int, int] = field(default_factory=dict)  # award → row


def preview_import(call: Call, rows: Sequence[Row], *, by: User, now: datetime) -> PlanImport:
    """Try every row out and undo it all; keep the rows, sealed, and what each would do or what to correct in it."""
    for earlier in queries.open_imports(by):
        db.session.delete(earlier)  # one at a time: what was not applied holds places
    try_out = db.session.begin_nested()
    noted = len(db.session.info.get("journal", ()))
    try:
        outcomes = _act_on(call, rows, by=by, now=now, promised=True)
    finally:
        try_out.rollback()
        del db.session.info.get("journal", [])[noted:]
    good = sum(one.done for one in outcomes)
    kept = PlanImport(call_id=call.id, created_by_id=by.id, created_at=now, good_rows=good, bad_rows=len(rows) - good)
    kept.rows = [[row.number, row.cells] for row in rows]
    kept.results = _told(rows, outcomes)
    db.session.add(kept)
    db.session.flush()
    journal.record(by, "plan_import.read", kept, at=now, call_id=call.id)
    return kept


def apply_import(kept: PlanImport, *, stamp: str, only_good: bool, by: User, now: datetime) -> None:
    """Do what the rows of the preview that was read say, once: all of them or none, or those without a mistake. The
    rows are wiped."""
    _refuse_other(kept, stamp)
    if now - kept.created_at > KEPT:
        raise RuleBroken(_("This preview is older than a day. Send the spreadsheet again."))
    rows = [KeptRow(number, cells) for number, cells in kept.rows]
    taken = update(PlanImport).where(PlanImport.id == kept.id, PlanImport.applied_at.is_(None))
    if rows_hit(db.session.execute(taken.values(applied_at=now, rows_sealed=None))) != 1:
        raise RuleBroken(_("This spreadsheet was already applied. To plan more deliveries, choose another file."))
    outcomes = _act_on(kept.call, rows, by=by, now=now, promised=False)
    bad = [row.number for row, one in zip(rows, outcomes, strict=True) if not one.done]
    if bad and not only_good:
        raise RuleBroken(
            _("Row %(row)d is refused, so nothing was done. Correct the file, or apply only the good rows.", row=bad[0])
        )
    kept.results, kept.good_rows, kept.bad_rows = _told(rows, outcomes), len(rows) - len(bad), len(bad)
    db.session.flush()
    journal.record(by, "plan_import.applied", kept, at=now, rows=kept.good_rows)


def discard_import(kept: PlanImport, *, stamp: str, by: User, now: datetime) -> None:
    """Forget the file that was read and not applied."""
    _refuse_other(kept, stamp)
    gone = delete(PlanImport).where(PlanImport.id == kept.id, PlanImport.applied_at.is_(None))
    if rows_hit(db.session.execute(gone.execution_options(synchronize_session=False))) != 1:
        raise RuleBroken(_("This spreadsheet was already applied. To plan more deliveries, choose another file."))
    journal.record(by, "plan_import.discarded", "plan_import", at=now, call_id=kept.call_id)
    db.session.expunge(kept)


def _refuse_other(kept: PlanImport, stamp: str) -> None:
    """The number of a file that was forgotten may be given to the next: a page that stayed open speaks of the first."""
    if kept.applied_at is not None:
        raise RuleBroken(_("This spreadsheet was already applied. To plan more deliveries, choose another file."))
    if kept.stamp != stamp:
        raise RuleBroken(_("Another spreadsheet was sent since. Open its preview."))


def forget_old_previews(*, now: datetime) -> int:
    """The timed job: what can no longer be applied holds places for nothing. A second run finds nothing."""
    gone = db.session.execute(
        delete(PlanImport)
        .where(PlanImport.applied_at.is_(None), PlanImport.created_at < now - KEPT)
        .execution_options(synchronize_session=False)
    )
    hit = rows_hit(gone)
    if hit:
        journal.record(None, "plan_import.forgotten", PlanImport.__tablename__, at=now, count=hit)
    return hit


def _act_on(call: Call, rows: Sequence[Row], *, by: User, now: datetime, promised: bool) -> list[Outcome]:
    awards = queries.awards_of(call, reader=by)
    named = {award.application.folio: award for award in awards}
    named |= {award.application.person.folio: award for award in awards}
    book = _Book(named, queries.live_deliveries_of(call), queries.planned_runs())
    named |= {one.folio: award for award in awards if (one := book.live.get(award.id)) is not None}

    def act(row: Row) -> Any:
        award = _award_of(row, book)
        if row.stop:
            run = _schedule(row, award, book, by=by, now=now)
            if promised:
                return _("Becomes a stop of %(folio)s.", folio=run.folio)
            return _("Is a stop of %(folio)s now.", folio=run.folio)
        planned = _plan(award, book, by=by, now=now)
        return _("Its delivery will be planned.") if promised else _("Planned as %(folio)s.", folio=planned.folio)

    return one_by_one(((normal_folio(row.cells.get("folio", "")) or "—", row) for row in rows), act)


def _award_of(row: Row, book: _Book) -> Award:
    if any(not cell.isprintable() for cell in row.cells.values()):
        raise RuleBroken(_("A cell has a sign that cannot be printed. Write it again."))
    folio = normal_folio(row.cells.get("folio", ""))
    award = book.awards.get(folio or "")
    if folio is None:
        raise RuleBroken(_("That is not a folio. Write the application's, the person's or the delivery's."))
    if award is None:
        raise RuleBroken(_("No award of this call has this folio. Check it, or take the row out."))
    earlier = book.seen.setdefault(award.id, row.number)
    if earlier != row.number:
        raise RuleBroken(_("Row %(row)d is about the same award. Keep one of the two.", row=earlier))
    return award


def _plan(award: Award, book: _Book, *, by: User, now: datetime) -> Delivery:
    live = book.live.get(award.id)
    if live is not None:
        raise RuleBroken(_("This award already has the delivery %(folio)s. Take the row out.", folio=live.folio))
    return plan_delivery(award, by=by, now=now)


def _schedule(row: Row, award: Award, book: _Book, *, by: User, now: datetime) -> Run:
    delivery = book.live.get(award.id)
    if not award.is_active:
        raise RuleBroken(_("This award has ended. Take the row out."))
    if delivery is None:
        raise RuleBroken(_("This award has no delivery yet. Leave all but the folio empty, and the row plans it."))
    if delivery.state is not DeliveryState.CLEARED:
        raise RuleBroken(_("The delivery %(folio)s is in the state “%(state)s”. It gets a stop once it is cleared.",
                           folio=delivery.folio, state=STATE_NAMES[delivery.state]))  # fmt: skip
    run = _run_of(row, book, now=now)
    start, until = (datetime.combine(run.day, _clock(row.cells.get(name, "")), PROGRAMME_ZONE)
                    for name in ("start", "until"))  # fmt: skip
    schedule(delivery, run, Stop(row.cells.get("place", ""), start, until), by=by, now=now)
    return run


def _run_of(row: Row, book: _Book, *, now: datetime) -> Run:
    """The planned run that the row names: by its folio, or by its day and team."""
    day = _day(row.cells["day"]) if row.cells.get("day") else None
    if day is not None and day < now.astimezone(PROGRAMME_ZONE).date():
        raise RuleBroken(_("That day has passed. Write today or a later day."))
    folio, team = normal_folio(row.cells.get("run", "")), row.cells.get("team", "").casefold()
    if not row.cells.get("run") and (day is None or not team):
        raise RuleBroken(_("Write the folio of the run, or its day and its team."))
    found = [
        run for run in book.runs
        if (run.folio == folio if row.cells.get("run") else True)
        and (day is None or run.day == day) and (not team or run.team.name.casefold() == team)
    ]  # fmt: skip
    if not found:
        raise RuleBroken(_("No planned run fits this row. Plan the run first, or correct its folio, day or team."))
    if len(found) > 1:
        raise RuleBroken(_("This team has several runs on that day. Write the folio of the run."))
    return found[0]


def _day(typed: str) -> date:
    for shape, (year, month, day) in DAY_SHAPES:
        match = re.fullmatch(shape, typed)
        if match is not None:
            try:
                return date(int(match[year]), int(match[month]), int(match[day]))
            except ValueError:
                break
    raise RuleBroken(_("The day is not readable. Write it as 2026-05-04 or 04/05/2026."))


def _clock(typed: str) -> time:
    match = re.fullmatch(CLOCK_SHAPE, typed)
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        raise RuleBroken(_("Write from and until as times such as 09:30."))
    return time(int(match[1]), int(match[2]))


def _told(rows: Sequence[Row], outcomes: Sequence[Outcome]) -> list[list[object]]:
    return [[row.number, one.folio, one.done, to_keep(one.sentence)] for row, one in zip(rows, outcomes, strict=True)]
