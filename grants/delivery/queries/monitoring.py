"""Questions about visits after a delivery: who is due, and what was answered."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from grants.access.models import User
from grants.applications.models import Application
from grants.calls.models import Call
from grants.core.db import db, one_or_refuse
from grants.delivery.estimates import wilson
from grants.delivery.models import (
    Delivery,
    DeliveryState,
    DrawEntry,
    Duty,
    DutyHeld,
    MonitoringDraw,
    Run,
    TeamMember,
    Visit,
    VisitAttempt,
    VisitState,
)
from grants.delivery.queries.incidents import incidents_by_canton
from grants.delivery.queries.risk import risk_sign
from grants.delivery.questionnaire import NO, PREFERS_NOT, SATISFIED_FROM, YES
from grants.people.models import Canton, Person
from grants.people.protection import Mark, is_small, protect
from grants.selection.models import Award

__all__ = ["incidents_by_canton"]

HANDED_OVER = (
    DeliveryState.CONFIRMED,
    DeliveryState.DISPUTED,
    DeliveryState.RECONCILED,
    DeliveryState.MONITORED,
    DeliveryState.CLOSED,
)
VISITS_SHOWN = 50


def was_tried_since(visit: Visit, moment: datetime) -> bool:
    """Whether somebody wrote down since then that nobody was reached."""
    tried = select(VisitAttempt.id).where(VisitAttempt.visit_id == visit.id, VisitAttempt.at >= moment)
    return db.session.scalar(tried.order_by(VisitAttempt.id).limit(1)) is not None


def get_visit(visit_id: int) -> Visit:
    """A visit with its delivery, person and attempts; NotFound otherwise."""
    whole = _visits().options(selectinload(Visit.attempts).joinedload(VisitAttempt.by), joinedload(Visit.interviewer))
    return one_or_refuse(whole.where(Visit.id == visit_id))


def visits_due(reader: User, today: date, *, limit: int = VISITS_SHOWN) -> Sequence[Visit]:
    """Visits whose time has come and that this person may make, the most overdue first."""
    return _open_visits(reader, Visit.due_from <= today, limit)


def visits_coming(reader: User, today: date, *, limit: int = VISITS_SHOWN) -> Sequence[Visit]:
    """Visits that this person may make later, the next first."""
    return _open_visits(reader, Visit.due_from > today, limit)


def visits_of(delivery: Delivery) -> Sequence[Visit]:
    """All rounds of one delivery."""
    return db.session.scalars(select(Visit).where(Visit.delivery_id == delivery.id).order_by(Visit.round)).all()


def was_spared(delivery: Delivery) -> bool:
    """Whether a sample left this delivery out."""
    entry = select(DrawEntry.id).where(DrawEntry.delivery_id == delivery.id, DrawEntry.is_drawn.is_(False))
    return db.session.scalar(entry) is not None


def unplanned(call: Call | None = None) -> Sequence[Delivery]:
    """Handed-over deliveries without a visit that were in no draw, by folio; of one call or of all."""
    visited = select(Visit.id).where(Visit.delivery_id == Delivery.id).exists()
    sampled = select(DrawEntry.id).where(DrawEntry.delivery_id == Delivery.id).exists()
    found = _with_call(select(Delivery)).where(Delivery.state.in_(HANDED_OVER), ~visited, ~sampled)
    if call is not None:
        found = found.where(Application.call_id == call.id)
    return db.session.scalars(found.order_by(Delivery.folio, Delivery.id)).all()


def calls_to_plan() -> list[tuple[Call, int]]:
    """Calls with handed-over deliveries that nobody has planned a visit for, and how many."""
    visited = select(Visit.id).where(Visit.delivery_id == Delivery.id).exists()
    sampled = select(DrawEntry.id).where(DrawEntry.delivery_id == Delivery.id).exists()
    counted = _with_call(select(Application.call_id, func.count()).select_from(Delivery)).where(
        Delivery.state.in_(HANDED_OVER), ~visited, ~sampled
    )
    counts: dict[int, int] = dict(db.session.execute(counted.group_by(Application.call_id)).all())
    calls = db.session.scalars(select(Call).where(Call.id.in_(counts)).order_by(Call.code, Call.id))
    return [(call, counts[call.id]) for call in calls]


def draws() -> Sequence[MonitoringDraw]:
    """Every draw with its published seed, the newest first."""
    found = select(MonitoringDraw).options(joinedload(MonitoringDraw.call))
    return db.session.scalars(found.order_by(MonitoringDraw.id.desc()).limit(VISITS_SHOWN)).all()


def extortion_by_canton(now: datetime) -> dict[str, tuple[int, int]]:
    """By canton: how many said they were asked to pay or share, and how many answered that question with yes or no."""
    was_asked: dict[tuple[str, int], bool] = {}
    for visit in _answered(now):
        said, key = visit.answers.get("asked_to_pay"), (visit.delivery.canton_code, visit.delivery_id)
        if said in (YES, NO):
            # Said in one of two visits is said.
            was_asked[key] = was_asked.get(key, False) or said == YES
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for (code, _delivery_id), asked in was_asked.items():
        found[code][0] += asked
        found[code][1] += 1
    return {code: (asked, answered) for code, (asked, answered) in sorted(found.items())}


@dataclass(frozen=True, slots=True)
class ShareLine:
    """Of so many answers so many were yes. `hidden`: too few people to say it."""

    value: str
    yes: int
    answered: int
    hidden: bool = False

    @property
    def share(self) -> float | None:
        return None if self.hidden or not self.answered else self.yes / self.answered

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.yes, self.answered)


@dataclass(frozen=True, slots=True)
class GradeLine:
    """The mean grade of so many answers and the share of 4 and 5. `mark`: how the number of answers may be shown."""

    value: str
    answered: int
    mean: float
    satisfied: float
    mark: Mark = Mark.SHOWN


@dataclass(frozen=True, slots=True)
class MonitoringResults:
    """What the visits say. `grades`: by dimension; None where a dimension cannot be shown without betraying few."""

    due: int
    ended: dict[VisitState, int]
    asked: ShareLine
    extortion: list[ShareLine]
    grades: dict[str, list[GradeLine] | None]
    cantons: dict[str, str] = field(default_factory=dict)

    @property
    def response_rate(self) -> float | None:
        ended = sum(self.ended.values())
        return self.ended.get(VisitState.ANSWERED, 0) / ended if ended else None


def monitoring_results(now: datetime, *, protected: bool) -> MonitoringResults:
    """Everything on the results page. `protected`: for a reader who may not open the records."""
    asked = extortion_by_canton(now)
    lines = [ShareLine(code, yes, answered) for code, (yes, answered) in asked.items()]
    whole = ShareLine("", sum(one.yes for one in lines), sum(one.answered for one in lines))
    states = db.session.execute(select(Visit.state, func.count()).group_by(Visit.state)).all()
    counts = Counter(dict(states))
    due = counts.pop(VisitState.DUE, 0)
    if protected:
        lines, whole = _protected_shares(lines), _protected_shares([whole])[0]
    return MonitoringResults(due, dict(counts), whole, lines, _grades(now, protected=protected), _canton_names())


def _grades(now: datetime, *, protected: bool) -> dict[str, list[GradeLine] | None]:
    # Of two visits the last one counts, so that nobody counts twice.
    newest = {
        visit.delivery_id: (visit.delivery.person, int(visit.answers["satisfied"]))
        for visit in _answered(now)
        if visit.answers.get("satisfied", PREFERS_NOT) != PREFERS_NOT
    }
    answers = newest.values()
    dimensions: dict[str, Callable[[Person], str]] = {
        "total": lambda person: "",
        "sex": lambda person: person.sex.value,
        "canton": lambda person: person.canton_code,
        "group": lambda person: person.population_group.value,
    }
    return {
        name: _grade_lines(((value(person), grade) for person, grade in answers), protected=protected)
        for name, value in dimensions.items()
    }


def _grade_lines(answers: Iterable[tuple[str, int]], *, protected: bool) -> list[GradeLine] | None:
    by_value: dict[str, list[int]] = defaultdict(list)
    for value, grade in answers:
        by_value[value].append(grade)
    ordered = sorted(by_value.items())
    marks: list[Mark] | None = [Mark.SHOWN] * len(ordered)
    if protected:
        marks = protect([len(grades) for _value, grades in ordered])
    if marks is None:
        return None
    return [
        GradeLine(
            value, len(grades), sum(grades) / len(grades),
            sum(grade >= SATISFIED_FROM for grade in grades) / len(grades), mark,
        )
        for (value, grades), mark in zip(ordered, marks, strict=True)
    ]  # fmt: skip


def _protected_shares(lines: Sequence[ShareLine]) -> list[ShareLine]:
    """Lines without those whose yes or no stands for one to four people, and without what would give them away."""
    small = [is_small(one.yes) or is_small(one.answered - one.yes) for one in lines]
    hidden = list(small)
    shown = sorted((one.answered, place) for place, one in enumerate(lines) if not small[place])
    # One hidden line alone is the total less the others.
    if len(lines) > 1 and sum(small) == 1 and shown:
        hidden[shown[0][1]] = True
    return [
        ShareLine(one.value, one.yes, one.answered, is_hidden) for one, is_hidden in zip(lines, hidden, strict=True)
    ]


def _answered(now: datetime) -> Sequence[Visit]:
    """Answered visits in order, with the person's sex, canton and group."""
    found = select(Visit).where(Visit.state == VisitState.ANSWERED, Visit.ended_at <= now).options(
        joinedload(Visit.delivery).load_only(Delivery.canton_code, Delivery.person_id).joinedload(Delivery.person)
        .load_only(Person.sex, Person.canton_code, Person.population_group)
    )  # fmt: skip
    return db.session.scalars(found.order_by(Visit.id)).all()


def _canton_names() -> dict[str, str]:
    return dict(db.session.execute(select(Canton.code, Canton.name)).all())


def _visits() -> Select[Visit]:
    return select(Visit).options(
        joinedload(Visit.delivery).joinedload(Delivery.canton), joinedload(Visit.delivery).joinedload(Delivery.person)
    )


def _open_visits(reader: User, when: Any, limit: int) -> Sequence[Visit]:
    others = select(DutyHeld.delivery_id).where(DutyHeld.user_id == reader.id, DutyHeld.duty != Duty.MONITOR)
    of_team = select(Run.id).join(TeamMember, TeamMember.team_id == Run.team_id).where(TeamMember.user_id == reader.id)
    mine = (
        _visits().join(Visit.delivery)
        .where(Visit.state == VisitState.DUE, when, Visit.delivery_id.not_in(others))
        .where(Delivery.officer_id.is_distinct_from(reader.id))
        .where(Delivery.run_id.is_(None) | Delivery.run_id.not_in(of_team))
    )  # fmt: skip
    return db.session.scalars(mine.order_by(Visit.due_until, Visit.id).limit(limit)).unique().all()


def _with_call(statement: Any) -> Any:
    return statement.join(Award, Award.id == Delivery.award_id).join(
        Application, Application.id == Award.application_id
    )


@risk_sign(_("Were asked to pay or to share"))
def _extortion_as_sign(now: datetime) -> dict[str, tuple[int, int | None] | None]:
    """Protected as on the page of results: neither the desk nor the director opens the records of visits."""
    lines = _protected_shares([ShareLine(code, *counted) for code, counted in extortion_by_canton(now).items()])
    return {one.value: None if one.hidden else (one.yes, one.answered) for one in lines}
