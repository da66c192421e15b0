"""The demo's applications and business plans."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from grants.access.permissions import Role
from grants.applications.models import Application, ApplicationState, BusinessPlan, PlanItem
from grants.calls.models import Call
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db
from grants.demo.facts import Chance, morning, words
from grants.demo.staff import Staff
from grants.people.models import Person


def build_applications(
    chance: Chance, staff: Staff, call: Call, people: Sequence[Person], *, between: tuple[date, date]
) -> list[Application]:
    """One submitted application per person, with a plan whose goods fit the award."""
    found = [_application(chance, staff, call, person, chance.day(*between)) for person in people]
    db.session.add_all(found)
    db.session.flush()
    for application in found:
        journal.record(
            application.created_by, "application.submitted", application, at=application.submitted_at or call.opens_at
        )
    return found


def window_days(call: Call) -> tuple[date, date]:
    """The days on which people applied: all but the last, which is for those who came late."""
    return local_day(call.opens_at), local_day(call.closes_at) - timedelta(days=1)


def _application(chance: Chance, staff: Staff, call: Call, person: Person, day: date) -> Application:
    at = morning(day, minutes=chance.randint(0, 420))
    application = Application(
        folio=chance.folio("A"), call=call, person=person, rubric=call.rubrics[0], state=ApplicationState.SUBMITTED,
        created_by=chance.choice(staff[Role.ENUMERATOR]), created_at=at, submitted_at=at + timedelta(minutes=35),
    )  # fmt: skip
    plan = _device_plan(call) if call.kind == "devices" else business_plan(chance, call.value_per_award_usd)
    plan.saved_at = at + timedelta(minutes=34)
    application.plan = plan
    return application


def _device_plan(call: Call) -> BusinessPlan:
    plan = BusinessPlan(
        venture="Medio de vida digital", sector="J", is_existing=False, revision=1, jobs=1,
        description="Usará el dispositivo para vender y trabajar en línea, como practicó en el curso.",
        customers="Clientes que compran por redes sociales.", monthly_sales_usd=Decimal("0.00"),
    )  # fmt: skip
    plan.items = [PlanItem(position=1, name="Tableta", quantity=1, unit_price_usd=call.value_per_award_usd)]
    return plan


def business_plan(chance: Chance, value: Decimal) -> BusinessPlan:
    kind = chance.choice(words()["ventures"])
    surname, exists = chance.choice(words()["surnames"]), chance.random() < 0.6
    plan = BusinessPlan(
        venture=f"{kind['name']} «{surname}»", sector=kind["sector"], is_existing=exists, revision=1,
        description=f"{kind['name']} atendida por la familia, con venta en el barrio y por encargo.",
        customers="Familias del barrio, compañeras del curso y pedidos por mensajería.",
        monthly_sales_usd=Decimal(chance.randrange(40, 420)) if exists else Decimal("0.00"),
        jobs=chance.choice((1, 1, 2, 3)),
    )  # fmt: skip
    plan.items = _items(chance, kind["goods"], value)
    return plan


def _items(chance: Chance, goods: Sequence[Any], value: Decimal) -> list[PlanItem]:
    """Goods up to the award's value, dear ones once, cheap ones as often as they fit."""
    left = value
    items: list[PlanItem] = []
    for name, price in goods:
        unit = Decimal(price)
        fits = int(left // unit)
        if not fits:
            continue
        quantity = 1 if unit > value / 5 else min(fits, chance.randint(1, 6))
        items.append(PlanItem(position=len(items) + 1, name=name, quantity=quantity, unit_price_usd=unit))
        left -= quantity * unit
    return items
