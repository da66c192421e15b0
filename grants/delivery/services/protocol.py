"""The levels' table: changed as a whole, into a new version, and never so that a higher level asks for less.

A table that asks for more, or as much, holds at once. One that asks for less anywhere waits for the director.
"""

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.levels import LEVELS, Factors, LevelRules, Monitoring
from grants.delivery.models import LevelsProposal, ProposalState, ProtocolVersion

MOST_MINUTES = 30 * 24 * 60
MOST_HOURS = 30 * 24
MOST_USD = 100_000

COLUMN_NAMES: dict[str, Any] = {
    "hold_by_default": _("Held unless picked up at a hub, or signed by desk and director"),
    "factors": _("Factors of a handover"),
    "offline_hours": _("Hours without signal"),
    "cap_usd": _("Value in transit of one team, USD"),
    "zone_minutes": _("The person learns the zone, minutes before"),
    "place_minutes": _("The person learns the place, minutes before"),
    "officer_minutes": _("The officer learns the next stop, minutes before"),
    "one_stop": _("One stop at a time"),
    "by_asking": _("Each stop is asked for"),
    "check_in_minutes": _("A sign of life every so many minutes"),
    "photo": _("Photo of kit and seal"),
    "alternate_hours": _("Another collector is registered, hours before"),
    "monitoring": _("Visits after the delivery"),
    "snapshot_hours": _("A snapshot holds for, hours"),
}
LONGEST = {
    "offline_hours": MOST_HOURS, "cap_usd": MOST_USD, "zone_minutes": MOST_MINUTES, "place_minutes": MOST_MINUTES,
    "officer_minutes": MOST_MINUTES, "check_in_minutes": MOST_MINUTES, "alternate_hours": MOST_HOURS,
    "snapshot_hours": MOST_HOURS,
}  # fmt: skip
# How strict a value is, where levels have an order. When the zone is told has none between levels.
STRICTNESS: dict[str, Callable[[Any], float]] = {
    "hold_by_default": float,
    "factors": list(Factors).index,
    "offline_hours": lambda hours: -(hours or 0),
    "cap_usd": lambda usd: -usd,
    "place_minutes": lambda minutes: -minutes,
    "officer_minutes": lambda minutes: -minutes,
    "one_stop": float,
    "by_asking": float,
    "check_in_minutes": lambda minutes: -math.inf if minutes is None else -minutes,
    "photo": lambda allowed: -float(allowed),
    "alternate_hours": lambda hours: math.inf if hours is None else hours,
    "monitoring": list(Monitoring).index,
    "snapshot_hours": lambda hours: -hours,
}
# Between two tables the zone has an order too: told earlier is less strict, and not before the place is the strictest.
STRICTNESS_IN_TIME: dict[str, Callable[[Any], float]] = {
    **STRICTNESS,
    "zone_minutes": lambda minutes: -(minutes or 0),
}


def change_levels(
    levels: Mapping[int, LevelRules], *, note: str, by: User, now: datetime
) -> ProtocolVersion | LevelsProposal:
    """Put a whole new table into force; one that asks for less than the one in force is proposed to the director.

    Deliveries keep their level; what it asks for is read from the version in force at once.
    """
    for level in LEVELS:
        _refuse_odd(levels[level])
    for lower, higher in pairwise(LEVELS):
        _refuse_laxer(levels[lower], levels[higher])
    last = queries.protocol_in_force()
    in_force = queries.levels_of(last)
    if in_force == dict(levels):
        raise RuleBroken(_("Nothing differs from what holds now. Change a value first."))
    after = last.number if last else 0
    table = {str(level): levels[level].as_json() for level in LEVELS}
    if laxer(in_force, levels):
        return _propose(LevelsProposal(
            after_number=after, levels=table, note=note, proposed_at=now, proposed_by_id=by.id,
        ), by=by, now=now)  # fmt: skip
    version = ProtocolVersion(number=after + 1, levels=table, note=note, created_at=now, created_by_id=by.id)
    _put_into_force(version, by=by, now=now)
    return version


def sign_levels(proposal: LevelsProposal, *, by: User, now: datetime) -> ProtocolVersion:
    """The director's signature brings a table that asks for less into force, if none came into force since.

    Refused to whoever proposed it. Of any number of signatures and withdrawals at once, one counts.
    """
    if proposal.proposed_by_id == by.id:
        raise RuleBroken(_("You proposed this table. Somebody else must sign it."))
    last = queries.protocol_in_force()
    if proposal.after_number != (last.number if last else 0):
        raise RuleBroken(_("The table was changed since this was proposed. Refuse it; the administrator can propose "
                           "it again."))  # fmt: skip
    _end(proposal, ProposalState.SIGNED, by=by, now=now)
    version = ProtocolVersion(
        number=proposal.after_number + 1, levels=proposal.levels, note=proposal.note, created_at=now,
        created_by_id=proposal.proposed_by_id,
    )  # fmt: skip
    _put_into_force(version, by=by, now=now)
    return version


def withdraw_levels(proposal: LevelsProposal, *, by: User, now: datetime) -> None:
    """An administrator takes the proposed table back. What holds does not change."""
    _end(proposal, ProposalState.WITHDRAWN, by=by, now=now)


def refuse_levels(proposal: LevelsProposal, *, by: User, now: datetime) -> None:
    """The director does not sign the proposed table. What holds does not change."""
    _end(proposal, ProposalState.REFUSED, by=by, now=now)


def laxer(before: Mapping[int, LevelRules], after: Mapping[int, LevelRules]) -> set[tuple[int, str]]:
    """Where a table asks for less than another: (level, column)."""
    return {
        (level, column)
        for level, column, was, becomes in differences(before, after)
        if STRICTNESS_IN_TIME[column](becomes) < STRICTNESS_IN_TIME[column](was)
    }


def _propose(proposal: LevelsProposal, *, by: User, now: datetime) -> LevelsProposal:
    try:
        with db.session.begin_nested():
            db.session.add(proposal)
    except IntegrityError as error:
        raise RuleBroken(_("Another table waits for the director. Withdraw it first, on the page of the levels, or "
                           "wait for the answer."), field="note") from error  # fmt: skip
    journal.record(by, "protocol.proposed", proposal, at=now, after=proposal.after_number)
    return proposal


def _put_into_force(version: ProtocolVersion, *, by: User, now: datetime) -> None:
    try:
        with db.session.begin_nested():
            db.session.add(version)
    except IntegrityError as error:
        raise RuleBroken(_("Somebody changed the table at this moment. Look at it, then decide again.")) from error
    journal.record(by, "protocol.changed", version, at=now, number=version.number)


def _end(proposal: LevelsProposal, state: ProposalState, *, by: User, now: datetime) -> None:
    ended = db.session.execute(
        update(LevelsProposal)
        .where(LevelsProposal.id == proposal.id, LevelsProposal.state == ProposalState.OPEN)
        .values(state=state, ended_at=now, ended_by_id=by.id)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(ended) != 1:
        raise RuleBroken(_("This table waits no more: it was signed, refused or withdrawn."))
    db.session.refresh(proposal)
    journal.record(by, f"protocol.{state.value}", proposal, at=now)


def differences(before: Mapping[int, LevelRules], after: Mapping[int, LevelRules]) -> list[tuple[int, str, Any, Any]]:
    """What two tables do not have in common: (level, column, before, after), in the order of levels and columns."""
    return [
        (level, column, getattr(before[level], column), getattr(after[level], column))
        for level in LEVELS
        for column in COLUMN_NAMES
        if getattr(before[level], column) != getattr(after[level], column)
    ]


def _refuse_odd(rules: LevelRules) -> None:
    """Refuse a value that makes no sense by itself."""
    for column, most in LONGEST.items():
        value = getattr(rules, column)
        if value is not None and not 1 <= value <= most:
            raise RuleBroken(_("Write a number from 1 to %(most)s.", most=most), field=field_of(rules.level, column))
    if rules.zone_minutes is not None and rules.zone_minutes <= rules.place_minutes:
        raise RuleBroken(
            _("The zone is told before the place: write more minutes than for the place, or leave it empty."),
            field=field_of(rules.level, "zone_minutes"),
        )


def _refuse_laxer(lower: LevelRules, higher: LevelRules) -> None:
    for column, strictness in STRICTNESS.items():
        if strictness(getattr(higher, column)) < strictness(getattr(lower, column)):
            raise RuleBroken(
                _("Level %(higher)s may not ask for less than level %(lower)s.", higher=higher.level,
                  lower=lower.level),
                field=field_of(higher.level, column),
            )  # fmt: skip


def field_of(level: int, column: str) -> str:
    """The form field of a value.

    >>> field_of(3, "cap_usd")
    'cap_usd_3'
    """
    return f"{column}_{level}"
