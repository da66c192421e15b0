"""Applications with a complete plan, for tests."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications.models import Application, ApplicationState, BusinessPlan, PlanItem
from grants.calls.models import Call
from grants.core.clock import utcnow
from grants.core.db import db
from grants.people.folio import new_folio
from grants.people.models import Person
from tests.factories.access import make_user
from tests.factories.calls import make_call
from tests.factories.people import make_person

# What the award should buy: 1 × 450.00 + 10 × 15.50 + 1 × 95.00 = USD 700.00.
ITEMS = (
    ("Horno industrial", 1, Decimal("450.00")),
    ("Quintal de harina", 10, Decimal("15.50")),
    ("Balanza digital", 1, Decimal("95.00")),
)


def make_plan(application: Application, *, now: datetime, complete: bool = True) -> BusinessPlan:
    """A complete plan for USD 700.00, or an empty one."""
    plan = BusinessPlan(application=application, saved_at=now)
    if complete:
        plan.venture, plan.sector, plan.is_existing = "Panadería La Espiga", "C", True
        plan.description = "Pan y bollería para el barrio, horneados cada mañana."
        plan.customers = "Familias del barrio y dos tiendas."
        plan.monthly_sales_usd, plan.jobs = Decimal("320.00"), 2
        plan.items = [
            PlanItem(position=position, name=name, quantity=quantity, unit_price_usd=price)
            for position, (name, quantity, price) in enumerate(ITEMS, 1)
        ]
    db.session.add(plan)
    return plan


def make_application(
    call: Call | None = None,
    person: Person | None = None,
    submitted: bool = True,
    *,
    created_by: User | None = None,
    complete: bool = True,
    **overrides: Any,
) -> Application:
    """An application to an open call with a complete plan of USD 700.00; `submitted=False` leaves it a draft."""
    call, person, now = call or make_call(), person or make_person(), utcnow()
    creator = created_by or make_user(Role.ENUMERATOR)
    values: dict[str, Any] = {
        "folio": new_folio("A"),
        "state": ApplicationState.SUBMITTED if submitted else ApplicationState.DRAFT,
        "submitted_at": now if submitted else None,
        "created_at": now,
        **overrides,
    }
    application = Application(call=call, person=person, rubric=call.rubric, created_by=creator, **values)
    db.session.add(application)
    make_plan(application, now=now, complete=complete)
    db.session.flush()
    return application
