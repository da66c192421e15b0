"""Runs side by side: who would enter, who would leave, what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import joinedload

from grants.calls.models import Call
from grants.core.db import db
from grants.selection.models import Outcome, Selection, SelectionRow, SelectionState

WHAT_IFS_SHOWN = 12
ROWS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Comparison:
    """A what-if beside the run as declared. `entered` and `left`: the first 200, best first; their numbers are whole.

    `lost`: how many hundredths less the selected have together; None where the two count points differently.
    """

    what_if: Selection
    base: Selection
    entered: Sequence[SelectionRow]
    left: Sequence[SelectionRow]
    entered_count: int
    left_count: int
    lost: int | None


def base_run(call_id: int) -> Selection | None:
    """The run as declared that others are compared with: the published one, else the newest that was not discarded."""
    statement = (
        select(Selection)
        .where(Selection.call_id == call_id, ~Selection.is_what_if, Selection.state != SelectionState.DISCARDED)
        .options(joinedload(Selection.call))
        .order_by((Selection.state == SelectionState.PUBLISHED).desc(), Selection.id.desc())
        .limit(1)
    )
    return db.session.scalars(statement).first()


def what_ifs_of(call: Call) -> Sequence[Selection]:
    """The newest what-ifs of a call that were not discarded."""
    statement = (
        select(Selection)
        .where(Selection.call_id == call.id, Selection.is_what_if, Selection.state != SelectionState.DISCARDED)
        .order_by(Selection.id.desc())
        .limit(WHAT_IFS_SHOWN)
    )
    return db.session.scalars(statement).all()


def compare(what_if: Selection, base: Selection) -> Comparison:
    """What a what-if would change. Four queries."""
    return Comparison(
        what_if,
        base,
        _first(what_if, base),
        _first(base, what_if),
        _count(what_if, base),
        _count(base, what_if),
        (base.objective or 0) - (what_if.objective or 0) if _same_scale(what_if, base) else None,
    )


def _same_scale(one: Selection, other: Selection) -> bool:
    keys = ("plan_weight", "pitch_weight")
    binding = [run.settings.get("calibration") == "binding" for run in (one, other)]
    same = all(one.settings.get(key) == other.settings.get(key) for key in keys) and binding[0] is binding[1]
    return same and one.objective is not None and other.objective is not None


def _first(one: Selection, other: Selection) -> Sequence[SelectionRow]:
    statement = (
        select(SelectionRow)
        .where(*_only_in(one, other))
        .options(joinedload(SelectionRow.application))
        .order_by(SelectionRow.place)
        .limit(ROWS_SHOWN)
    )
    return db.session.scalars(statement).all()


def _count(one: Selection, other: Selection) -> int:
    return db.session.scalar(select(func.count(SelectionRow.id)).where(*_only_in(one, other))) or 0


def _only_in(one: Selection, other: Selection) -> tuple[ColumnElement[bool], ...]:
    """Rows selected in one run and not in the other."""
    inside = select(SelectionRow.application_id).where(
        SelectionRow.selection_id == other.id, SelectionRow.outcome == Outcome.CHOSEN
    )
    return (
        SelectionRow.selection_id == one.id,
        SelectionRow.outcome == Outcome.CHOSEN,
        SelectionRow.application_id.not_in(inside),
    )
