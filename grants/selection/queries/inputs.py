"""What a selection is computed from, read page by page: so many queries for a thousand applications, and no more."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from grants.applications.models import Application, ApplicationState
from grants.calls.models import YES, Call, CallKind, Criterion, QuotaDimension, Rubric, Stage, group_name
from grants.core.clock import local_day
from grants.core.db import db
from grants.evaluation.models import ScoreSheet
from grants.evaluation.queries import OfficialSheet, official_sheets, panel_labels
from grants.people.models import AgeBand, Person, age_band
from grants.people.queries import births_of
from grants.selection.reckoning import RULES, Changes, Entry, QuotaLine, RunInputs, Sheet
from grants.training.models import Completion, Course, Enrolment

APPLICATIONS_AT_ONCE = 2_000
DRAWS = 1_000

Progress = Callable[[int], None]
Positions = Mapping[int, Mapping[Stage, Sequence[int]]]


@dataclass(frozen=True, slots=True)
class _Reading:
    """What every page of applications is read with."""

    call: Call
    quotas: Sequence[QuotaLine]
    completed: frozenset[int] | None
    rubrics: Mapping[int, Rubric]
    positions: Positions  # criteria of a rubric's stage, in their order
    codes: Mapping[int, str]  # of evaluators
    panels: Mapping[int, str]  # of evaluators; empty while the call has one

    def counts_by(self, dimension: QuotaDimension) -> bool:
        return any(quota.group.startswith(f"{dimension.value}:") for quota in self.quotas)


def selection_inputs(call: Call, changes: Changes | None = None, progress: Progress | None = None) -> RunInputs:
    """The submitted applications of a call with their eligibility, groups and sheets; `changes` asks "what if".

    `progress` is told how many applications were read. Five queries, and two or three for each 2,000 applications.
    """
    changes = changes or Changes()
    declared = [QuotaLine(quota.group, quota.minimum, quota.maximum) for quota in call.quotas]
    quotas = declared if changes.quotas is None else list(changes.quotas)
    rubrics = _rubrics(call)
    reading = _Reading(
        call,
        quotas,
        _completed(call),
        {rubric.id: rubric for rubric in rubrics},
        {rubric.id: {stage: [c.id for c in rubric.criteria_of(stage)] for stage in Stage} for rubric in rubrics},
        _codes(call),
        panel_labels(call),
    )
    entries: list[Entry] = []
    for page in _pages(call):
        entries.extend(_entries(reading, page))
        if progress is not None:
            progress(len(page))
    used = {entry.rubric for entry in entries}
    versions = {str(rubric.version): _canonical(rubric) for rubric in rubrics if str(rubric.version) in used}
    return RunInputs(_settings(call, changes), quotas, versions, entries)


def count_submitted(call: Call) -> int:
    """How many applications a run of this call reads."""
    return db.session.query(Application.id).filter(*_submitted(call)).count()


def application_numbers(call: Call) -> dict[str, int]:
    """The row of each submitted application, by folio."""
    found = db.session.execute(select(Application.folio, Application.id).where(*_submitted(call)))
    return {row[0]: row[1] for row in found}


def _submitted(call: Call) -> tuple[Any, Any]:
    return Application.call_id == call.id, Application.state == ApplicationState.SUBMITTED


def _pages(call: Call) -> Iterator[Sequence[Any]]:
    last = ""
    while True:
        page = db.session.execute(
            select(Application.id, Application.folio, Application.rubric_id, Application.person_id, Person.sex,
                   Person.population_group, Person.has_disability, Person.is_single_carer, Person.canton_code)
            .join(Person, Person.id == Application.person_id)
            .where(*_submitted(call), Application.folio > last)
            .order_by(Application.folio)
            .limit(APPLICATIONS_AT_ONCE)
        ).all()  # fmt: skip
        if not page:
            return
        yield page
        last = page[-1].folio


def _entries(reading: _Reading, page: Sequence[Any]) -> Iterator[Entry]:
    sheets = _sheets(reading, [row.id for row in page]) if reading.call.kind is CallKind.SEED_CAPITAL else {}
    by_age = reading.counts_by(QuotaDimension.AGE_BAND)
    births = births_of([row.person_id for row in page]) if by_age else {}
    asked = {quota.group for quota in reading.quotas}
    closing = local_day(reading.call.closes_at)
    for row in page:
        groups = {*_groups(row), *_age_group(births.get(row.person_id), closing)}
        yield Entry(
            row.folio,
            reading.completed is None or row.person_id in reading.completed,
            str(reading.rubrics[row.rubric_id].version),
            tuple(sorted(groups & asked)),
            tuple(sorted(sheets.get(row.id, ()))),
        )


def _groups(row: Any) -> Iterator[str]:
    yield group_name(QuotaDimension.SEX, row.sex.value)
    yield group_name(QuotaDimension.POPULATION_GROUP, row.population_group.value)
    yield group_name(QuotaDimension.CANTON, row.canton_code)
    if row.has_disability:
        yield group_name(QuotaDimension.DISABILITY, YES)
    if row.is_single_carer:
        yield group_name(QuotaDimension.SINGLE_CARER, YES)


def _age_group(born: date | None, closing: date) -> Iterator[str]:
    """The band of the age on the day the call closed: the same whenever the run is made."""
    if born is not None:
        band: AgeBand = age_band(born, closing)
        yield group_name(QuotaDimension.AGE_BAND, band.value)


def _sheets(reading: _Reading, applications: Sequence[int]) -> dict[int, list[Sheet]]:
    found: defaultdict[int, list[Sheet]] = defaultdict(list)
    for sheet in official_sheets(reading.call, applications=applications):
        found[sheet.application_id].append(_sheet(reading, sheet))
    return found


def _sheet(reading: _Reading, sheet: OfficialSheet) -> Sheet:
    criteria = reading.positions[sheet.rubric_id][sheet.stage]
    levels = tuple(sheet.levels.get(criterion) for criterion in criteria)
    panel = reading.panels.get(sheet.evaluator_id, "") if reading.panels else None
    return Sheet(sheet.stage.value, reading.codes[sheet.evaluator_id], panel, levels)


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


def _codes(call: Call) -> dict[int, str]:
    """Evaluators by codes that say nothing about them: in the order of their accounts, within this call."""
    statement = (
        select(ScoreSheet.evaluator_id)
        .join(Application, Application.id == ScoreSheet.application_id)
        .where(Application.call_id == call.id)
        .distinct()
        .order_by(ScoreSheet.evaluator_id)
    )
    return {number: f"E{turn:03d}" for turn, number in enumerate(db.session.scalars(statement), 1)}


def _rubrics(call: Call) -> Sequence[Rubric]:
    statement = (
        select(Rubric)
        .where(Rubric.call_id == call.id)
        .order_by(Rubric.version)
        .options(selectinload(Rubric.criteria).selectinload(Criterion.levels))
    )
    return db.session.scalars(statement).all()


def _settings(call: Call, changes: Changes) -> dict[str, Any]:
    plan = call.plan_weight if changes.plan_weight is None else changes.plan_weight
    return {
        "rules": RULES,
        "call": call.code,
        "kind": call.kind.value,
        "places": call.places if changes.places is None else changes.places,
        "value_per_award_usd": f"{call.value_per_award_usd:.2f}",
        "plan_weight": f"{plan:.2f}",
        "pitch_weight": f"{100 - plan:.2f}",
        "reviews": call.reviews_per_application,
        "calibration": changes.calibration or call.calibration.value,
        "required_course": call.required_course.value if call.required_course else None,
        "minimum_grade": None if call.minimum_grade is None else f"{call.minimum_grade:.2f}",
        "groups_on": local_day(call.closes_at).isoformat(),
        "tie_rule": "sha256(seed|call|folio)",
        "tie_seed": call.tie_seed,
        "draws": DRAWS,
        # Public like the seed it comes from, and as little in anybody's hands.
        "draws_seed": int(hashlib.sha256(f"{call.tie_seed}|draws".encode()).hexdigest()[:12], 16),
    }


def _canonical(rubric: Rubric) -> dict[str, list[list[Any]]]:
    return {
        stage.value: [
            [f"{c.weight:.2f}", min(level.value for level in c.levels), max(level.value for level in c.levels)]
            for c in rubric.criteria_of(stage)
        ]
        for stage in Stage
    }
