"""Programmes, calls and rubrics for tests."""

import secrets
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from grants.access.permissions import Role
from grants.calls.models import Call, CallKind, CallState, Criterion, Level, Programme, Rubric, Stage
from grants.core.clock import utcnow
from grants.core.db import db
from tests.factories.access import make_user

# Stage, name, share of the stage in percent.
CRITERIA = (
    (Stage.PLAN, "Viabilidad", Decimal("50")),
    (Stage.PLAN, "Mercado", Decimal("30")),
    (Stage.PLAN, "Uso del capital", Decimal("20")),
    (Stage.PITCH, "Claridad", Decimal("60")),
    (Stage.PITCH, "Compromiso", Decimal("40")),
)
DESCRIPTORS = ("Nada", "Poco", "Suficiente", "Bien", "Muy bien")

_numbers = count(1)


def make_programme(**overrides: Any) -> Programme:
    """A programme of 2022–2024."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "code": f"PRG-{number}",
        "name": f"Programa {number}",
        "starts_on": date(2022, 1, 1),
        "ends_on": date(2024, 12, 31),
        **overrides,
    }
    programme = Programme(**values)
    db.session.add(programme)
    db.session.flush()
    return programme


def make_rubric(call: Call, *, version: int = 1, is_current: bool = True) -> Rubric:
    """Three criteria of the plan (50, 30, 20 %) and two of the pitch (60, 40 %), with levels 0 to 4."""
    rubric = Rubric(
        call=call, version=version, is_current=is_current, created_by_id=call.created_by_id, created_at=utcnow()
    )
    for position, (stage, name, weight) in enumerate(CRITERIA, 1):
        criterion = Criterion(rubric=rubric, stage=stage, position=position, name=name, weight=weight)
        criterion.levels = [Level(value=value, descriptor=words) for value, words in enumerate(DESCRIPTORS)]
    db.session.add(rubric)
    db.session.flush()
    return rubric


def make_call(**overrides: Any) -> Call:
    """A published seed-capital call: open since yesterday for 30 days, 10 places of USD 700, plan 60 and pitch 40 %.

    `programme` and `created_by` may be given as rows, `rubric=False` leaves the rubric out; any other attribute of
    Call by its name.
    """
    number, now = next(_numbers), utcnow()
    programme = overrides.pop("programme", None) or make_programme()
    creator = overrides.pop("created_by", None) or make_user(Role.COORDINATOR)
    with_rubric = overrides.pop("rubric", True)
    values: dict[str, Any] = {
        "code": f"CAP-{number}",
        "name": f"Capital semilla {number}",
        "kind": CallKind.SEED_CAPITAL,
        "state": CallState.PUBLISHED,
        "opens_at": now - timedelta(days=1),
        "closes_at": now + timedelta(days=30),
        "places": 10,
        "budget_usd": Decimal("7000.00"),
        "value_per_award_usd": Decimal("700.00"),
        "plan_weight": Decimal("60"),
        "pitch_weight": Decimal("40"),
        "tie_seed": secrets.token_hex(16),
        "created_at": now,
        **overrides,
    }
    call = Call(programme=programme, created_by_id=creator.id, **values)
    db.session.add(call)
    db.session.flush()
    if with_rubric:
        make_rubric(call)
    return call
