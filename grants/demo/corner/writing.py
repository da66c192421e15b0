"""Applications of the corner, and the sheets that evaluators hand in about them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from grants.access.models import User
from grants.applications import services
from grants.applications.models import Application
from grants.applications.services import ItemFields, PlanFields
from grants.calls.models import Call, Stage
from grants.core.db import db
from grants.demo.applications import business_plan
from grants.demo.corner.setting import VALUE, Setting
from grants.demo.facts import Chance
from grants.demo.scores import draw_level
from grants.evaluation import services as evaluation
from grants.evaluation.models import Assignment
from grants.evaluation.queries import criteria_for
from grants.people.models import Person

# Why a level is the lowest, or the highest.
EXTREME_WORDS = ("El plan no dice nada al respecto.", "Lo explica con cifras y ejemplos propios.")


def begin(setting: Setting, call: Call, person: Person, *, by: User, at: datetime) -> Application:
    """An empty draft."""
    application = services.start(person, call, by=by, now=at)
    setting.name(application, "A")
    return application


def hand_in(setting: Setting, call: Call, person: Person, *, by: User, at: datetime) -> Application:
    """A whole application, written and submitted in half an hour."""
    application = begin(setting, call, person, by=by, at=at)
    services.save_plan(application, whole_plan(setting.chance), revision=0, by=by, now=at + timedelta(minutes=25))
    services.submit(application, consents=True, by=by, now=at + timedelta(minutes=30))
    return application


def whole_plan(chance: Chance) -> PlanFields:
    """An invented plan whose goods fit the award."""
    plan = business_plan(chance, VALUE)
    return PlanFields(
        venture=plan.venture, sector=plan.sector, is_existing=plan.is_existing, description=plan.description,
        customers=plan.customers, monthly_sales_usd=plan.monthly_sales_usd, jobs=plan.jobs,
        items=tuple(ItemFields(item.name, item.quantity, item.unit_price_usd) for item in plan.items),
    )  # fmt: skip


def assignments_of(call: Call, stage: Stage) -> Sequence[Assignment]:
    """The call's tasks at a stage, as they were given."""
    statement = (
        select(Assignment)
        .join(Assignment.application)
        .where(Application.call_id == call.id, Assignment.stage == stage)
        .order_by(Assignment.id)
    )
    return db.session.scalars(statement).all()


def score(setting: Setting, assignment: Assignment, *, at: datetime, whole: bool = True) -> None:
    """A sheet handed in; or, if not whole, a draft with its first criterion scored."""
    opinion = setting.chance.gauss(2.6, 0.6)
    criteria = criteria_for(assignment)
    levels = {one.id: draw_level(setting.chance, opinion) for one in (criteria if whole else criteria[:1])}
    comments = {one.id: EXTREME_WORDS[levels[one.id] > 0] for one in criteria if levels.get(one.id) in one.extremes}
    keep = evaluation.submit if whole else evaluation.save_draft
    keep(assignment, evaluation.Entries(levels, comments), by=assignment.evaluator, now=at)
