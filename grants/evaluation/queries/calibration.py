"""The calibration set of a call's stage, for the coordinator: what is in it, who is through, what would make one."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import aliased

from grants.access.models import User
from grants.applications.models import SECTORS, Application, ApplicationState, BusinessPlan
from grants.calls.models import Call, Stage
from grants.core.db import db
from grants.evaluation.models import Assignment, CalibrationSetItem, ScoreSheet, SheetState
from grants.evaluation.models.calibration import USUAL_SET
from grants.evaluation.queries.conditions import in_calibration_set
from grants.evaluation.queries.conflicts import conflict_declared_by
from grants.evaluation.queries.sheets import conflict_declared, is_in
from grants.people.models import Canton, Person, Province

LOOKED_THROUGH = 500  # applications that a suggestion is made from


@dataclass(frozen=True, slots=True)
class Common:
    """An application that is, or might be, in the set: what tells it from the others, and nothing of the person."""

    application_id: int
    folio: str
    venture: str
    sector: str
    province: str
    counts: bool = False

    @property
    def sector_name(self) -> str:
        """The ISIC section with its letter, in the reader's language; empty while none is chosen."""
        return f"{self.sector} · {SECTORS[self.sector]}" if self.sector else ""


@dataclass(frozen=True, slots=True)
class Through:
    """How far one evaluator is with the set."""

    evaluator: User
    submitted: int
    given: int


def set_items(call: Call, stage: Stage) -> Sequence[CalibrationSetItem]:
    """The set of a stage in its order."""
    statement = select(CalibrationSetItem).where(
        CalibrationSetItem.call_id == call.id, CalibrationSetItem.stage == stage
    )
    return db.session.scalars(statement.order_by(CalibrationSetItem.position)).all()


def calibration_set(call: Call, stage: Stage, *, reader: User) -> list[Common]:
    """The set as a table; without applications that the reader has a conflict about."""
    statement = _described(call, reader).add_columns(CalibrationSetItem.counts)
    statement = statement.join(CalibrationSetItem, CalibrationSetItem.application_id == Application.id).where(
        CalibrationSetItem.stage == stage
    )
    rows = db.session.execute(statement.order_by(CalibrationSetItem.position))
    return [Common(row[0], row[1], row[2], row[3], row[4], row[5]) for row in rows]


def suggested_set(call: Call, stage: Stage, *, reader: User, size: int = USUAL_SET) -> list[Common]:
    """Applications that nobody has scored, from as many sectors and provinces as there are. The same each time."""
    statement = _described(call, reader).where(~_is_scored(stage)).order_by(Application.folio).limit(LOOKED_THROUGH)
    left = [Common(*row) for row in db.session.execute(statement)]
    chosen: list[Common] = []
    seen: Counter[str] = Counter()
    while left and len(chosen) < size:
        best = min(left, key=lambda one: (seen[one.sector] + seen[one.province], one.folio))
        left.remove(best)
        chosen.append(best)
        seen.update((best.sector, best.province))
    return chosen


def _described(call: Call, reader: User) -> Select[int, str, str, str, str]:
    hidden = select(Application.id).where(Application.call_id == call.id, conflict_declared_by(reader))
    return (
        select(Application.id, Application.folio, BusinessPlan.venture, func.coalesce(BusinessPlan.sector, ""),
               Province.name)
        .join(BusinessPlan, BusinessPlan.application_id == Application.id)
        .join(Person, Person.id == Application.person_id)
        .join(Canton, Canton.code == Person.canton_code)
        .join(Province, Province.code == Canton.province_code)
        .where(
            Application.call_id == call.id,
            Application.state == ApplicationState.SUBMITTED,
            Application.id.not_in(hidden),
        )
    )  # fmt: skip


def _is_scored(stage: Stage) -> ColumnElement[bool]:
    sheet = aliased(ScoreSheet)
    found = select(sheet.id).where(
        sheet.application_id == Application.id, sheet.stage == stage, sheet.state != SheetState.DRAFT
    )
    return found.exists()


def applications_by_folio(call: Call, folios: Iterable[str], *, reader: User) -> dict[str, int]:
    """Numbers of the call's submitted applications among these folios, without those hidden from the reader."""
    wanted = list(folios)
    return {
        row.folio: row.id for row in db.session.execute(_described(call, reader).where(Application.folio.in_(wanted)))
    }


def scored_folios(applications: Iterable[int], stage: Stage) -> list[str]:
    """Those of these applications about which a sheet of the stage was handed in."""
    statement = select(Application.folio).where(Application.id.in_(list(applications)), _is_scored(stage))
    return list(db.session.scalars(statement.order_by(Application.folio)))


def evaluators_in(call: Call, stage: Stage) -> Sequence[int]:
    """Numbers of the evaluators who have an open task of the call's stage."""
    statement = (
        select(Assignment.evaluator_id)
        .join(Assignment.application)
        .where(Application.call_id == call.id, Assignment.stage == stage, Assignment.ended_at.is_(None))
        .distinct()
        .order_by(Assignment.evaluator_id)
    )
    return db.session.scalars(statement).all()


def through_the_set(call: Call, stage: Stage) -> list[Through]:
    """How far each evaluator is with the set, in the order of their accounts. Two queries."""
    done = func.sum(case((is_in(), 1), else_=0))
    statement = (
        select(Assignment.evaluator_id, done, func.count())
        .join(Assignment.application)
        .where(
            Application.call_id == call.id,
            Application.state == ApplicationState.SUBMITTED,
            Assignment.stage == stage,
            Assignment.ended_at.is_(None),
            in_calibration_set(),
            ~conflict_declared(),
        )
        .group_by(Assignment.evaluator_id)
        .order_by(Assignment.evaluator_id)
    )
    rows = db.session.execute(statement).all()
    people = {user.id: user for user in db.session.scalars(select(User).where(User.id.in_([row[0] for row in rows])))}
    return [Through(people[row[0]], row[1], row[2]) for row in rows]
