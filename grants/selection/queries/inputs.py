"""What a selection is computed from, read in a constant number of queries, and its hash."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from grants.applications.models import Application, ApplicationState
from grants.calls.models import Call, CallKind, Criterion, Rubric
from grants.core.db import db
from grants.evaluation.queries import OfficialSheet, official_sheets
from grants.training.models import Completion, Course, Enrolment

RULES_VERSION = 1


@dataclass(frozen=True, slots=True)
class Candidate:
    """A submitted application in a run. `tie_name` is its name in the lottery: "call|folio"."""

    application_id: int
    folio: str
    rubric_id: int
    is_eligible: bool
    tie_name: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a run depends on; `hash` says whether any of it has changed."""

    call: Call
    candidates: Sequence[Candidate]
    sheets: Sequence[OfficialSheet]
    rubrics: dict[int, Rubric]
    settings: dict[str, Any]
    hash: str

    @property
    def needs_points(self) -> bool:
        """Devices go to everybody who completed: no rubric, the lottery alone orders."""
        return self.call.kind is CallKind.SEED_CAPITAL


def selection_inputs(call: Call) -> Inputs:
    """The submitted applications of a call with their eligibility, and the sheets that count. Six queries."""
    candidates = _candidates(call)
    needs_points = call.kind is CallKind.SEED_CAPITAL
    sheets = official_sheets(call) if needs_points else []
    rubrics = _rubrics({candidate.rubric_id for candidate in candidates}) if needs_points else {}
    settings = _settings(call)
    return Inputs(call, candidates, sheets, rubrics, settings, hash_of(settings, candidates, sheets, rubrics))


def _candidates(call: Call) -> list[Candidate]:
    statement = (
        select(Application.id, Application.folio, Application.rubric_id, Application.person_id)
        .where(Application.call_id == call.id, Application.state == ApplicationState.SUBMITTED)
        .order_by(Application.folio)
    )
    rows = db.session.execute(statement).all()
    eligible = _completed(call)
    return [
        Candidate(row.id, row.folio, row.rubric_id, eligible is None or row.person_id in eligible,
                  f"{call.code}|{row.folio}")
        for row in rows
    ]  # fmt: skip


def _completed(call: Call) -> frozenset[int] | None:
    """People who completed the course that the call asks for; None when it asks for none."""
    if call.required_course is None:
        return None
    statement = (
        select(Enrolment.person_id)
        .join(Course, Course.id == Enrolment.course_id)
        .join(Completion, Completion.enrolment_id == Enrolment.id)
        .where(Course.kind == call.required_course)
    )
    if call.minimum_grade is not None:
        statement = statement.where(Completion.grade >= call.minimum_grade)
    return frozenset(db.session.scalars(statement))


def _rubrics(numbers: set[int]) -> dict[int, Rubric]:
    statement = (
        select(Rubric)
        .where(Rubric.id.in_(numbers))
        .options(selectinload(Rubric.criteria).selectinload(Criterion.levels))
    )
    return {rubric.id: rubric for rubric in db.session.scalars(statement)}


def _settings(call: Call) -> dict[str, Any]:
    return {
        "rules": RULES_VERSION,
        "call": call.code,
        "kind": call.kind.value,
        "places": call.places,
        "value_per_award_usd": f"{call.value_per_award_usd:.2f}",
        "plan_weight": f"{call.plan_weight:.2f}",
        "pitch_weight": f"{call.pitch_weight:.2f}",
        "reviews": call.reviews_per_application,
        "required_course": call.required_course.value if call.required_course else None,
        "minimum_grade": None if call.minimum_grade is None else f"{call.minimum_grade:.2f}",
        "tie_rule": "sha256(seed|call|folio)",
        "tie_seed": call.tie_seed,
    }


def hash_of(
    settings: dict[str, Any],
    candidates: Sequence[Candidate],
    sheets: Sequence[OfficialSheet],
    rubrics: dict[int, Rubric],
) -> str:
    """SHA-256 over canonical JSON. It names things as the public does (folios, positions), so that it is the same
    on another database; the order of rows does not matter."""
    positions = {c.id: [c.stage.value, c.position] for rubric in rubrics.values() for c in rubric.criteria}
    by_application: dict[int, list[Any]] = {}
    for sheet in sheets:
        levels = sorted([*positions[criterion], level] for criterion, level in sheet.levels.items())
        by_application.setdefault(sheet.application_id, []).append([sheet.stage.value, levels])
    content = {
        "settings": settings,
        "rubrics": sorted(_canonical(rubric) for rubric in rubrics.values()),
        "applications": sorted(
            [one.folio, one.is_eligible, sorted(by_application.get(one.application_id, []))] for one in candidates
        ),
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(rubric: Rubric) -> list[Any]:
    criteria = [
        [c.stage.value, c.position, f"{c.weight:.2f}", sorted(level.value for level in c.levels)]
        for c in rubric.criteria
    ]
    return [rubric.version, sorted(criteria)]
