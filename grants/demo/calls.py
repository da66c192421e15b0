"""The demo's programme, its two calls and their rubrics."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from grants.access.permissions import Role
from grants.calls.models import (
    Call,
    CallKind,
    CallQuota,
    CallState,
    Criterion,
    Level,
    Programme,
    QuotaDimension,
    Rubric,
    Stage,
)
from grants.calls.services import Share
from grants.core import journal
from grants.core.db import db
from grants.demo.facts import morning, programme
from grants.demo.staff import Staff
from grants.training.models import CourseKind

TOP_LEVEL = 4
LEVEL_WORDS = (
    "No se puede apreciar: falta o no responde a lo que se pregunta.",
    "Débil: hay una idea, con vacíos que impedirían empezar.",
    "Aceptable: se puede empezar, con acompañamiento en varios puntos.",
    "Buena: clara y realista, con detalles por afinar.",
    "Excelente: clara, realista y respaldada por datos o experiencia.",
)
# (name, weight in percent of its stage). The report names the stages (line 103); criteria and weights are invented.
PLAN_CRITERIA = (
    ("Clientes y mercado", 30),
    ("Viabilidad del negocio", 30),
    ("Uso del capital semilla", 25),
    ("Aporte a la familia y la comunidad", 15),
)
PITCH_CRITERIA = (("Claridad de la presentación", 40), ("Conocimiento de su negocio", 35), ("Respuestas al panel", 25))
DEVICE_CRITERIA = (("Culminación del curso", 100),)
FOR_WOMEN = Share(Decimal(60), is_percent=True)


def build_programme(staff: Staff) -> Programme:
    """The joint programme."""
    facts = programme()["programme"]
    row = Programme(
        code=facts["code"],
        name=facts["name"],
        starts_on=date.fromisoformat(facts["starts_on"]),
        ends_on=date.fromisoformat(facts["ends_on"]),
    )
    db.session.add(row)
    journal.record(staff[Role.COORDINATOR][0], "programme.created", row, at=morning(row.starts_on))
    return row


def build_seed_capital_call(owner: Programme, staff: Staff) -> Call:
    """The call behind indicator 1.2b: 129 places of USD 700 in goods. The quota is invented; points alone meet it."""
    facts = programme()["awards"]
    call = _call(
        owner, staff, code="SC-2023", name="Capital semilla 2023", kind=CallKind.SEED_CAPITAL,
        description="Para quienes culminaron el curso de emprendimiento. Se evalúan el plan y el pitch.",
        places=facts["places"], value=Decimal(facts["value_usd"]), plan_weight=60, reviews=3,
        window=(date(2023, 5, 2), date(2023, 5, 26)), course=CourseKind.ENTREPRENEURSHIP,
        criteria={Stage.PLAN: PLAN_CRITERIA, Stage.PITCH: PITCH_CRITERIA},
    )  # fmt: skip
    least = FOR_WOMEN.at_least(call.places)
    call.quotas.append(CallQuota(position=1, dimension=QuotaDimension.SEX, value="female", minimum=least))
    db.session.flush()
    return call


def build_devices_call(owner: Programme, staff: Staff) -> Call:
    """Electronic devices for those who completed the digital course: completion decides, not the grade."""
    facts = programme()["devices"]
    return _call(
        owner, staff, code="DIS-2023", name="Dispositivos electrónicos 2022–2023", kind=CallKind.DEVICES,
        description="Para quienes culminaron el curso digital. Decide la culminación, no la calificación.",
        places=sum(facts["canton"].values()), value=Decimal(facts["value_usd"]), plan_weight=100, reviews=1,
        window=(date(2022, 7, 4), date(2023, 7, 14)), course=CourseKind.DIGITAL,
        criteria={Stage.PLAN: DEVICE_CRITERIA},
    )  # fmt: skip


def _call(owner: Programme, staff: Staff, *, code: str, value: Decimal, places: int, plan_weight: int, reviews: int,
          window: tuple[date, date], course: CourseKind, criteria: dict[Stage, Any], **named: Any) -> Call:  # fmt: skip
    by, opens_at = staff[Role.COORDINATOR][0], morning(window[0])
    call = Call(
        programme=owner, code=code, state=CallState.CLOSED, opens_at=opens_at,
        closes_at=morning(window[1], minutes=480), places=places, budget_usd=places * value, value_per_award_usd=value,
        plan_weight=Decimal(plan_weight),
        pitch_weight=Decimal(100 - plan_weight), reviews_per_application=reviews, required_course=course,
        tie_seed=f"sorteo público de {window[0].isoformat()}", created_by_id=by.id, created_at=opens_at, **named,
    )  # fmt: skip
    rubric = Rubric(call=call, version=1, created_by_id=by.id, created_at=opens_at)
    for stage, rows in criteria.items():
        rubric.criteria += _criteria(stage, rows)
    db.session.add(rubric)
    db.session.flush()
    for done in ("created", "published", "closed"):
        journal.record(by, f"call.{done}", call, at=call.closes_at if done == "closed" else opens_at)
    return call


def _criteria(stage: Stage, rows: Sequence[tuple[str, int]]) -> list[Criterion]:
    return [
        Criterion(
            stage=stage, position=position, name=name, weight=Decimal(weight),
            levels=[Level(value=value, descriptor=words) for value, words in enumerate(LEVEL_WORDS)],
        )
        for position, (name, weight) in enumerate(rows, 1)
    ]  # fmt: skip
