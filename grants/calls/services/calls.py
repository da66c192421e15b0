"""Preparing, publishing and closing calls; versions of their rubrics."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal

from flask_babel import format_decimal
from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.calls.models import (
    CALL_MOVES,
    PHASE_NAMES,
    STAGE_NAMES,
    Calibration,
    Call,
    CallKind,
    CallState,
    Criterion,
    ExtensionReason,
    Level,
    Phase,
    Programme,
    Rubric,
    Stage,
)
from grants.calls.services.moving import move
from grants.calls.services.quotas import check_quotas, fields_of
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.training.models import CourseKind

SEED_BYTES = 16
MINIMUM_LEVELS = 2


@dataclass(frozen=True, slots=True)
class ProgrammeFields:
    code: str
    name: str
    starts_on: date
    ends_on: date


@dataclass(frozen=True, slots=True)
class CallFields:
    """What a coordinator sets. Weights and grade in percent, times aware."""

    programme_id: int
    code: str
    name: str
    description: str
    kind: CallKind
    opens_at: datetime
    closes_at: datetime
    places: int
    budget_usd: Decimal
    value_per_award_usd: Decimal
    plan_weight: Decimal
    pitch_weight: Decimal
    reviews_per_application: int
    required_course: CourseKind | None
    minimum_grade: Decimal | None
    calibration: Calibration = Calibration.ADVISORY


@dataclass(frozen=True, slots=True)
class CriterionFields:
    """One criterion: its share of the stage in percent, and a descriptor for each level from 0 upwards."""

    stage: Stage
    name: str
    description: str
    weight: Decimal
    descriptors: tuple[str, ...]


def create_programme(fields: ProgrammeFields, *, by: User, now: datetime) -> Programme:
    """Open a programme. RuleBroken when the code is taken or it ends before it starts."""
    _check_programme(fields)
    programme = Programme(**asdict(fields))
    db.session.add(programme)
    _flush_code()
    journal.record(by, "programme.created", programme, at=now)
    return programme


def edit_programme(programme: Programme, fields: ProgrammeFields, *, by: User, now: datetime) -> None:
    """Change a programme's code, name or dates."""
    _check_programme(fields)
    changed = _assign(programme, asdict(fields))
    _flush_code()
    journal.record(by, "programme.edited", programme, at=now, fields=changed)


def create_call(fields: CallFields, *, by: User, now: datetime) -> Call:
    """Prepare a call as a draft: nobody can apply to it until it is published."""
    _check_call(fields)
    call = Call(**asdict(fields), state=CallState.DRAFT, tie_seed="", created_by_id=by.id, created_at=now)
    db.session.add(call)
    _flush_code()
    journal.record(by, "call.created", call, at=now)
    return call


def edit_call(call: Call, fields: CallFields, *, by: User, now: datetime) -> None:
    """Change a draft. What people were told at publication stays."""
    if call.state is not CallState.DRAFT:
        raise RuleBroken(_("A published call does not change. Extend its window or close it instead."))
    _check_call(fields)
    move(call, CallState.DRAFT, CallState.DRAFT)
    changed = _assign(call, asdict(fields))
    _flush_code()
    journal.record(by, "call.edited", call, at=now, fields=changed)


def save_rubric(call: Call, criteria: Sequence[CriterionFields], *, reason: str, by: User, now: datetime) -> Rubric:
    """Write a draft's rubric in place; of a published call, write a new version with its reason.

    Applications keep the version they were submitted under.
    """
    if call.state is CallState.CLOSED:
        raise RuleBroken(_("This call is closed: its rubric stays as it is."))
    if call.state is CallState.PUBLISHED and not reason:
        raise RuleBroken(_("Write why the rubric changes: people may have applied under the present one."),
                         field="reason")  # fmt: skip
    check_criteria(call, criteria)
    move(call, call.state, call.state)
    rubric = _new_version(call, reason, by, now) if call.state is CallState.PUBLISHED else _in_place(call, by, now)
    rubric.criteria = list(_criteria(criteria))
    db.session.flush()
    journal.record(by, "rubric.saved", rubric, at=now, call_id=call.id, version=rubric.version)
    return rubric


def publish(call: Call, *, by: User, now: datetime) -> None:
    """Open the call to the public and commit to the seed that will settle ties."""
    if call.state is not CallState.DRAFT:
        raise _not_now(call, now)
    if call.closes_at <= now:
        raise RuleBroken(_("The window is already over. Set a later closing time, then publish."), field="closes_at")
    if not call.has_rubric:
        raise RuleBroken(_("Write the rubric first: people must know how they will be judged."))
    check_criteria(call, [_as_fields(criterion) for criterion in call.rubric.criteria])
    _check_budget(call)
    check_quotas([fields_of(quota) for quota in call.quotas], call.places)
    move(call, CallState.DRAFT, CallState.PUBLISHED, tie_seed=secrets.token_hex(SEED_BYTES))
    journal.record(by, "call.published", call, at=now, rubric_version=call.rubric.version, quotas=len(call.quotas))


def extend(call: Call, *, closes_at: datetime, reason: ExtensionReason, by: User, now: datetime) -> None:
    """Give people more time; the window only ever grows."""
    if call.state is not CallState.PUBLISHED:
        raise _not_now(call, now)
    if closes_at <= max(call.closes_at, now):
        raise RuleBroken(_("Choose a closing time later than the present one, and in the future."), field="closes_at")
    before = call.closes_at
    move(call, CallState.PUBLISHED, CallState.PUBLISHED, closes_at=closes_at)
    journal.record(by, "call.extended", call, at=now, reason=reason.value,
                   closed_at_before=before.isoformat(), closes_at=closes_at.isoformat())  # fmt: skip


def close(call: Call, *, by: User, now: datetime) -> None:
    """End the call: no more applications, whatever its window says."""
    if CallState.CLOSED not in CALL_MOVES[call.state]:
        raise _not_now(call, now)
    move(call, CallState.PUBLISHED, CallState.CLOSED)
    journal.record(by, "call.closed", call, at=now)


def check_criteria(call: Call, criteria: Sequence[CriterionFields]) -> None:
    """Refuse a rubric whose shares do not add up or whose levels are not described."""
    for stage in Stage:
        of_stage = [criterion for criterion in criteria if criterion.stage is stage]
        if call.stage_weight(stage) == 0 and of_stage:
            raise RuleBroken(_("%(stage)s counts 0 %% in this call: remove its criteria or change the weight of the "
                               "stages.", stage=STAGE_NAMES[stage]))  # fmt: skip
        total = sum((criterion.weight for criterion in of_stage), Decimal(0))
        if call.stage_weight(stage) > 0 and total != 100:
            raise RuleBroken(_("The weights of the stage “%(stage)s” add up to %(total)s %%; they must add up to "
                               "100 %%.", stage=STAGE_NAMES[stage], total=_plain(total)))  # fmt: skip
    for criterion in criteria:
        described = [descriptor for descriptor in criterion.descriptors if descriptor]
        if len(described) < MINIMUM_LEVELS or len(described) < len(criterion.descriptors):
            raise RuleBroken(_("Describe at least two levels of “%(criterion)s”, from 0 upwards without gaps.",
                               criterion=criterion.name))  # fmt: skip


def _check_programme(fields: ProgrammeFields) -> None:
    if fields.ends_on < fields.starts_on:
        raise RuleBroken(_("The programme cannot end before it starts."), field="ends_on")


def _check_call(fields: CallFields) -> None:
    if fields.closes_at <= fields.opens_at:
        raise RuleBroken(_("The window must close after it opens."), field="closes_at")
    if fields.plan_weight + fields.pitch_weight != 100:
        raise RuleBroken(_("The weights of the plan and the pitch must add up to 100 %."), field="pitch_weight")
    if fields.minimum_grade is not None and fields.required_course is None:
        raise RuleBroken(_("Choose the course that the grade belongs to."), field="required_course")
    if db.session.get(Programme, fields.programme_id) is None:
        raise RuleBroken(_("Choose a programme."), field="programme_id")
    _check_budget(fields)


def _check_budget(call: Call | CallFields) -> None:
    needed = call.places * call.value_per_award_usd
    if call.budget_usd < needed:
        least = format_decimal(needed, "#,##0.00")
        raise RuleBroken(_("The budget must cover all places: at least USD %(needed)s.", needed=least),
                         field="budget_usd")  # fmt: skip


def _not_now(call: Call, now: datetime) -> RuleBroken:
    phase = PHASE_NAMES[call.phase(now)] if call.state is not CallState.DRAFT else PHASE_NAMES[Phase.DRAFT]
    return RuleBroken(_("The call is in the state “%(state)s”, so that cannot be done now.", state=phase))


def _assign(row: object, values: dict[str, object]) -> list[str]:
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    return changed


def _flush_code() -> None:
    try:
        db.session.flush()
    except IntegrityError as error:
        raise RuleBroken(_("Another one has this code. Choose a different code."), field="code") from error


def _new_version(call: Call, reason: str, by: User, now: datetime) -> Rubric:
    current = call.rubric
    retired = update(Rubric).where(Rubric.id == current.id, Rubric.is_current).values(is_current=False)
    if rows_hit(db.session.execute(retired)) != 1:
        raise RuleBroken(_("Somebody else changed this call a moment ago. Reload the page to see it as it is now."))
    return _add_rubric(call, current.version + 1, reason, by, now)


def _in_place(call: Call, by: User, now: datetime) -> Rubric:
    if not call.has_rubric:
        return _add_rubric(call, 1, "", by, now)
    for criterion in call.rubric.criteria:
        for level in criterion.levels:
            db.session.delete(level)
    db.session.flush()
    for criterion in call.rubric.criteria:
        db.session.delete(criterion)
    db.session.flush()
    return call.rubric


def _add_rubric(call: Call, version: int, reason: str, by: User, now: datetime) -> Rubric:
    rubric = Rubric(call=call, version=version, reason=reason, created_by_id=by.id, created_at=now, is_current=True)
    db.session.add(rubric)
    return rubric


def _criteria(fields: Iterable[CriterionFields]) -> Iterable[Criterion]:
    for position, given in enumerate(fields, 1):
        criterion = Criterion(
            stage=given.stage,
            position=position,
            name=given.name,
            description=given.description,
            weight=given.weight,
        )
        criterion.levels = [Level(value=value, descriptor=words) for value, words in enumerate(given.descriptors)]
        yield criterion


def _as_fields(criterion: Criterion) -> CriterionFields:
    descriptors = tuple(level.descriptor for level in criterion.levels)
    return CriterionFields(criterion.stage, criterion.name, criterion.description, criterion.weight, descriptors)


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")
