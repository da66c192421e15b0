"""Fill a database with many applications, fast: plain inserts, the same shapes that the services write."""

import secrets
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Table, insert

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications.models import Application, BusinessPlan, PlanItem
from grants.calls.models import Call, CallKind, CallState, Criterion, Level, Programme, Rubric, Stage
from grants.core.clock import local_day, utcnow
from grants.core.crypto import keyring, lookup_hash, new_row_key
from grants.core.db import Model, db
from grants.evaluation.models import Assignment, Score, ScoreSheet
from grants.people.folio import new_folio
from grants.people.models import ContactPoint, Person
from grants.people.services import load_reference_data
from tests.bench.seed_awards import MODELS, fill_awards
from tests.factories.access import make_user

CHUNK = 5_000
ENUMERATORS, EVALUATORS, SHEETS_EACH = 20, 20, 2
NAMES = ("Rosa", "Carmen", "Luz", "Diana", "Pedro", "Elena", "Marta", "Julia")


def fill(applications: int) -> None:
    """One call with this many submitted applications and two submitted plan sheets for each."""
    load_reference_data()
    coordinator = make_user(Role.COORDINATOR, email="coordinator@bench.example.org")
    evaluators = [make_user(Role.EVALUATOR, email=f"evaluator{n}@bench.example.org") for n in range(EVALUATORS)]
    enumerators = [make_user(Role.ENUMERATOR, email=f"enumerator{n}@bench.example.org").id for n in range(ENUMERATORS)]
    call = _call(applications, coordinator)
    db.session.commit()
    numbers = range(1, applications + 1)
    _insert(Person, (_person(n, enumerators[n % ENUMERATORS]) for n in numbers))
    _insert(Application, (_application(n, call, coordinator.id) for n in numbers))
    _insert(BusinessPlan, (_plan(n) for n in numbers))
    _insert(PlanItem, (_item(n, position) for n in numbers for position in range(3)))
    _insert(ContactPoint, (_phone(n) for n in numbers))
    ids = [evaluator.id for evaluator in evaluators]
    pairs = [(n, ids[(n + k) % EVALUATORS]) for n in numbers for k in range(SHEETS_EACH)]
    _insert(Assignment, (_assignment(n, evaluator, coordinator.id) for n, evaluator in pairs))
    _insert(ScoreSheet, (_sheet(i, n, evaluator, call) for i, (n, evaluator) in enumerate(pairs, 1)))
    criteria = [criterion.id for criterion in call.rubric.criteria_of(Stage.PLAN)]
    _insert(Score, (_score(i, c) for i in range(1, len(pairs) + 1) for c in criteria))
    fill_awards(applications, call, coordinator, _insert)
    db.session.commit()
    _settle_sequences()


def _insert(model: type[Model], rows: Iterator[dict[str, Any]]) -> None:
    table = model.__table__
    assert isinstance(table, Table)
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == CHUNK:
            db.session.execute(insert(table), batch)
            batch = []
    if batch:
        db.session.execute(insert(table), batch)


def _settle_sequences() -> None:
    """PostgreSQL numbers from a sequence, which rows with given ids do not move."""
    if db.engine.dialect.name != "postgresql":
        return
    for model in (Person, Application, BusinessPlan, PlanItem, Assignment, ScoreSheet, Score, *MODELS):
        name = model.__tablename__
        db.session.execute(db.text(f"SELECT setval('{name}_id_seq', (SELECT max(id) FROM {name}))"))  # noqa: S608
    db.session.commit()


def _call(places: int, by: User) -> Call:
    now = utcnow()
    programme = Programme(code="B", name="Bench", starts_on=date(2022, 1, 1), ends_on=date(2027, 1, 1))
    call = Call(
        programme=programme, code="BENCH", name="Bench", kind=CallKind.SEED_CAPITAL, state=CallState.PUBLISHED,
        opens_at=now - timedelta(days=9), closes_at=now + timedelta(days=9), places=places,
        budget_usd=Decimal(700) * places, value_per_award_usd=Decimal(700), plan_weight=Decimal(60),
        pitch_weight=Decimal(40), tie_seed="0" * 32, created_by_id=by.id, created_at=now,
    )  # fmt: skip
    rubric = Rubric(call=call, version=1, created_by_id=by.id, created_at=now)
    for stage, weights in ((Stage.PLAN, (50, 30, 20)), (Stage.PITCH, (60, 40))):
        for position, weight in enumerate(weights):
            criterion = Criterion(
                rubric=rubric, stage=stage, position=position, name=f"C{position}", weight=Decimal(weight)
            )
            criterion.levels = [Level(value=value, descriptor=f"Level {value}") for value in range(5)]
    db.session.add(call)
    db.session.flush()
    return call


def _sealed(table: str, column: str, row_key: str, plain: str) -> bytes:
    return keyring().encrypt(plain.encode(), f"{table}.{column}_sealed.{row_key}".encode())


def _phone(n: int) -> dict[str, Any]:
    """Two of three were verified lately."""
    key, number = new_row_key(), f"+5939{n:08d}"
    verified = local_day(utcnow()) - timedelta(days=10 if n % 3 else 200)
    return {
        "row_key": key, "person_id": n, "kind": "phone", "value_lookup": lookup_hash("phone", number),
        "value_sealed": _sealed("contact_point", "value", key, number), "safe_to_call": True, "verified_on": verified,
    }  # fmt: skip


def _person(n: int, by: int) -> dict[str, Any]:
    key, born = new_row_key(), f"19{70 + n % 30}-0{1 + n % 9}-1{n % 9}"
    names = {"given_names": NAMES[n % 8], "first_surname": f"Apellido{n % 500}", "birth_on": born}
    sealed = {f"{name}_sealed": _sealed("person", name, key, value) for name, value in names.items()}
    return {
        "id": n, "folio": new_folio("P"), "row_key": key, "birth_lookup": lookup_hash("birth", born),
        "sex": "female" if n % 4 else "male", "nationality": ("VE", "CO", "EC")[n % 3],
        "population_group": "migrant" if n % 3 else "host", "language": "es",
        "canton_code": "1001" if n % 2 else "2101", "registered_by_id": by, "registered_at": utcnow(), **sealed,
    }  # fmt: skip


def _application(n: int, call: Call, by: int) -> dict[str, Any]:
    now = utcnow()
    return {
        "id": n, "folio": new_folio("A"), "call_id": call.id, "person_id": n, "rubric_id": call.rubric.id,
        "state": "submitted", "created_by_id": by, "created_at": now, "submitted_at": now,
    }  # fmt: skip


def _plan(n: int) -> dict[str, Any]:
    return {
        "id": n, "application_id": n, "venture": f"Venture {n}", "sector": "C", "is_existing": bool(n % 2),
        "description": "Bread and pastry for the neighbourhood. " * 12, "customers": "Neighbours and schools. " * 8,
        "monthly_sales_usd": Decimal(120), "jobs": 1, "revision": 1, "saved_at": utcnow(),
    }  # fmt: skip


def _item(n: int, position: int) -> dict[str, Any]:
    return {
        "plan_id": n, "position": position, "name": f"Item {position}", "quantity": 1,
        "unit_price_usd": Decimal(200),
    }  # fmt: skip


def _assignment(n: int, evaluator: int, by: int) -> dict[str, Any]:
    return {
        "application_id": n, "evaluator_id": evaluator, "stage": "plan", "assigned_by_id": by,
        "assigned_at": utcnow(),
    }  # fmt: skip


def _sheet(i: int, n: int, evaluator: int, call: Call) -> dict[str, Any]:
    now = utcnow()
    return {
        "id": i, "application_id": n, "evaluator_id": evaluator, "rubric_id": call.rubric.id, "stage": "plan",
        "version": 1, "state": "submitted", "comment": "", "saved_at": now, "submitted_at": now,
    }  # fmt: skip


def _score(sheet: int, criterion: int) -> dict[str, Any]:
    return {"sheet_id": sheet, "criterion_id": criterion, "level": secrets.randbelow(5), "comment": ""}
