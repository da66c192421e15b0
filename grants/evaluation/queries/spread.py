"""How far the group's levels of the calibration set lie apart: codes, never names."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import case, func, select
from sqlalchemy.orm import joinedload, selectinload

from grants.access.models import User
from grants.applications.models import Application, ApplicationState
from grants.calls.models import Call, Criterion, Rubric, Stage
from grants.core.crypto import lookup_hash
from grants.core.db import db
from grants.evaluation.models import (
    Assignment,
    CalibrationSetItem,
    ScoreSheet,
    SheetState,
)
from grants.evaluation.queries.conditions import in_calibration_set
from grants.evaluation.queries.conflicts import conflict_declared_by
from grants.evaluation.queries.sheets import conflict_declared, is_in, owes_sheets, sheet_in_conflict

BAR, GAP, HEIGHT, TOP = 36, 12, 48, 18  # the chart's measures, in its own units


@dataclass(frozen=True, slots=True)
class Bar:
    """How many gave one level, and where its bar stands in the chart."""

    level: int
    count: int
    is_own: bool
    x: int
    y: int
    height: int

    @property
    def middle(self) -> int:
        return self.x + BAR // 2


@dataclass(frozen=True, slots=True)
class Strip:
    """One criterion of one application: the reader's own level, and the others' by code."""

    criterion: Criterion
    own: int | None
    others: Sequence[tuple[str, int]]

    @property
    def given(self) -> list[int]:
        own = [] if self.own is None else [self.own]
        return sorted([*own, *(level for _code, level in self.others)])

    @property
    def median(self) -> Decimal:
        """Of all, the reader's own included."""
        given = self.given
        half = len(given) // 2
        return Decimal(given[half] + given[-half - 1]) / 2

    @property
    def is_wide(self) -> bool:
        """Whether the group lies two levels or more apart."""
        return self.given[-1] - self.given[0] >= 2

    @property
    def bars(self) -> list[Bar]:
        counts = Counter(self.given)
        most = max(counts.values())
        bars = []
        for place, level in enumerate(one.value for one in self.criterion.levels):
            height = HEIGHT * counts[level] // most
            x, y = GAP + place * (BAR + GAP), TOP + HEIGHT - height
            bars.append(Bar(level, counts[level], level == self.own, x, y, height))
        return bars

    @property
    def width(self) -> int:
        return GAP + len(self.criterion.levels) * (BAR + GAP)


@dataclass(frozen=True, slots=True)
class Spread:
    """One application of the set with a strip for each criterion."""

    application: Application
    strips: Sequence[Strip]


def may_see_spread(call: Call, stage: Stage, reader: User) -> bool:
    """Whether nothing this evaluator writes can be swayed any more: their whole set is in. One query."""
    tasks = (
        select(func.count(), func.sum(case((is_in(), 1), else_=0)))
        .select_from(Assignment)
        .join(Assignment.application)
        .where(
            Application.call_id == call.id,
            Application.state == ApplicationState.SUBMITTED,
            Assignment.stage == stage,
            Assignment.evaluator_id == reader.id,
            Assignment.ended_at.is_(None),
            in_calibration_set(),
            ~conflict_declared(),
        )
    )
    given, submitted = db.session.execute(tasks).one()
    return bool(given) and given == submitted


def may_lead_the_talk(call: Call, reader: User) -> bool:
    """Whether a coordinator may see the group's levels: like all points, only if they owe no sheets themselves."""
    return not owes_sheets(reader, call.id)


def group_spread(call: Call, stage: Stage, reader: User) -> list[Spread]:
    """The levels of the set by application and criterion, without applications under the reader's conflict."""
    applications = _applications(call, stage, reader)
    sheets = _sheets([one.id for one in applications], stage)
    codes = _codes(call, stage, {sheet.evaluator_id for sheet in sheets})
    found = []
    for application in applications:
        about = [sheet for sheet in sheets if sheet.application_id == application.id]
        if about:
            criteria = application.rubric.criteria_of(stage)
            found.append(Spread(application, [_strip(one, about, codes, reader) for one in criteria]))
    return found


def _strip(criterion: Criterion, sheets: Sequence[ScoreSheet], codes: dict[int, str], reader: User) -> Strip:
    levels = {sheet.evaluator_id: sheet.levels[criterion.id] for sheet in sheets}
    own = levels.pop(reader.id, None)
    return Strip(criterion, own, sorted((codes[who], level) for who, level in levels.items()))


def _applications(call: Call, stage: Stage, reader: User) -> Sequence[Application]:
    hidden = select(Application.id).where(Application.call_id == call.id, conflict_declared_by(reader))
    rubric = joinedload(Application.rubric).selectinload(Rubric.criteria).selectinload(Criterion.levels)
    statement = (
        select(Application)
        .join(CalibrationSetItem, CalibrationSetItem.application_id == Application.id)
        .where(
            Application.call_id == call.id,
            Application.state == ApplicationState.SUBMITTED,
            CalibrationSetItem.stage == stage,
            Application.id.not_in(hidden),
        )
        .order_by(CalibrationSetItem.position)
        .options(joinedload(Application.plan), rubric)
    )
    return db.session.scalars(statement).all()


def _sheets(applications: Sequence[int], stage: Stage) -> Sequence[ScoreSheet]:
    statement = (
        select(ScoreSheet)
        .where(
            ScoreSheet.application_id.in_(applications),
            ScoreSheet.stage == stage,
            ScoreSheet.state == SheetState.SUBMITTED,
            ~sheet_in_conflict(),
        )
        .order_by(ScoreSheet.id)
        .options(selectinload(ScoreSheet.scores))
    )
    return db.session.scalars(statement).all()


def _codes(call: Call, stage: Stage, evaluators: set[int]) -> dict[int, str]:
    """E1, E2 … in an order that says nothing about accounts or about who was first; alike for every reader."""
    ordered = sorted(evaluators, key=lambda who: lookup_hash("evaluator-code", f"{call.id}|{stage}|{who}"))
    return {who: f"E{place}" for place, who in enumerate(ordered, 1)}
