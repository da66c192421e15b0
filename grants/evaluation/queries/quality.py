"""What the chair's board of quality is made of: the call's whole sheets with who wrote them and what about."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction

from sqlalchemy import select
from sqlalchemy.orm import joinedload

import scoring
from grants.access.models import User
from grants.applications.models import Application, BusinessPlan
from grants.calls.models import Call, Criterion, Rubric, Stage
from grants.core.clock import local_day
from grants.core.db import db
from grants.evaluation.models import Panelist, PitchSession, PitchSlot
from grants.evaluation.models.pitch import LIVE
from grants.evaluation.quality import Evidence, Judged, Sheet
from grants.evaluation.quality.evidence import Measured
from grants.evaluation.queries.board import counted_stages
from grants.evaluation.queries.conflicts import conflicted_applications
from grants.evaluation.queries.points import OfficialSheet, official_sheets, rubric_of
from grants.people.models import Canton, Person


def evidence_of(call: Call, *, reader: User) -> Evidence:
    """All whole sheets of the call that count, by stage, for statistics. Seven queries, whatever their number."""
    stages = counted_stages(call)
    official = [sheet for sheet in official_sheets(call) if sheet.stage in stages]
    rubrics = _rubrics(sheet.rubric_id for sheet in official)
    weighed = {number: rubric_of(rubric, call) for number, rubric in rubrics.items()}
    panels = _panels(call)
    people = _people(call, (sheet.evaluator_id for sheet in official))
    return Evidence(
        rubrics=weighed,
        rubric_of={sheet.application_id: sheet.rubric_id for sheet in official},
        criteria={stage: _criteria(rubrics.values(), stage) for stage in stages},
        sheets=_whole(official, weighed),
        judged=_judged(call) if official else {},
        evaluators={number: name for number, (name, _panel) in people.items()},
        weights={stage: Fraction(call.stage_weight(stage)) / 100 for stage in stages},
        hidden=conflicted_applications(reader, call.id),
        blocks=_blocks({number: panel for number, (_name, panel) in people.items()}),
        panels={number: session for number, session, *_where in panels},
        sessions={session: (canton, local_day(starts_at)) for _number, session, canton, starts_at in panels},
        reviews=call.reviews_per_application,
        places=call.places,
        tie_seed=call.tie_seed,
    )


def _rubrics(numbers: Iterable[int]) -> dict[int, Rubric]:
    statement = (
        select(Rubric)
        .where(Rubric.id.in_(set(numbers)))
        .order_by(Rubric.version)
        .options(joinedload(Rubric.criteria).selectinload(Criterion.levels))
    )
    return {rubric.id: rubric for rubric in db.session.scalars(statement).unique()}


def _criteria(rubrics: Iterable[Rubric], stage: Stage) -> list[Measured]:
    return [
        Measured(criterion.id, criterion.name, tuple(level.value for level in criterion.levels))
        for rubric in rubrics
        for criterion in rubric.criteria_of(stage)
    ]


def _whole(official: Sequence[OfficialSheet], rubrics: dict[int, scoring.Rubric]) -> dict[Stage, list[Sheet]]:
    """Sheets with their points, by stage; one without a level somewhere does not count."""
    found: dict[Stage, list[Sheet]] = defaultdict(list)
    for sheet in official:
        stage = next(one for one in rubrics[sheet.rubric_id].stages if one.key == sheet.stage)
        try:
            points = stage.points(sheet.levels)
        except scoring.Incomplete:
            continue
        found[sheet.stage].append(Sheet(sheet.application_id, sheet.evaluator_id, sheet.levels, points))
    return dict(found)


def _judged(call: Call) -> dict[int, Judged]:
    statement = (
        select(Application.id, Application.folio, BusinessPlan.venture, Person.sex, Person.population_group,
               Person.has_disability, Person.is_single_carer, Canton.province_code)
        .join(Application.plan)
        .join(Person, Person.id == Application.person_id)
        .join(Person.canton)
        .where(Application.call_id == call.id)
        .order_by(Application.folio)
    )  # fmt: skip
    found: dict[int, Judged] = {}
    for number, folio, venture, sex, group, disability, carer, province in db.session.execute(statement):
        groups = {
            "sex": sex.value,
            "population_group": group.value,
            "disability": _yes_or_no(disability),
            "single_carer": _yes_or_no(carer),
            "province": province,
        }
        found[number] = Judged(folio, venture, groups)
    return found


def _panels(call: Call) -> list[tuple[int, int, str, datetime]]:
    """Application, pitch session, canton and time of every turn that stands."""
    statement = (
        select(PitchSlot.application_id, PitchSession.id, Canton.name, PitchSession.starts_at)
        .join(PitchSlot.session)
        .join(PitchSession.canton)
        .where(PitchSession.call_id == call.id, PitchSlot.state.in_(LIVE))
        .order_by(PitchSession.starts_at, PitchSession.id, PitchSlot.position)
    )
    return [(row[0], row[1], row[2], row[3]) for row in db.session.execute(statement)]


def _yes_or_no(known: bool | None) -> str | None:
    return None if known is None else "yes" if known else "no"


def _people(call: Call, numbers: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Evaluators' names and the panels they were drawn from."""
    statement = (
        select(User, Panelist.panel)
        .outerjoin(Panelist, (Panelist.evaluator_id == User.id) & (Panelist.call_id == call.id))
        .where(User.id.in_(set(numbers)))
        .order_by(User.id)
    )
    return {row[0].id: (row[0].name, row[1] or "") for row in db.session.execute(statement)}


def _blocks(panels: Mapping[int, str]) -> Mapping[int, str]:
    """The panels; none while there is one only."""
    return panels if len(set(panels.values())) > 1 else {}
