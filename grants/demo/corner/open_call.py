"""A call that is open today: drafts to finish, applications handed in, sheets to score within a week."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle

from grants.access.permissions import Role
from grants.applications import services
from grants.applications.models import Application
from grants.calls.models import Call, QuotaDimension, Stage
from grants.calls.services import QuotaFields
from grants.demo.calls import FOR_WOMEN
from grants.demo.corner.pitches import plan_pitches
from grants.demo.corner.setting import Setting, open_a_call
from grants.demo.corner.writing import assignments_of, begin, hand_in, score, whole_plan
from grants.evaluation import services as evaluation
from grants.people.models import Person

PLACES = 8
WINDOW = (-10, 20)
DRAFTS = 3
BY_HAND = 6  # applications that the first two evaluators read
DUE_ON = 7
# Of each evaluator's sheets as they were given: how many are in, and whether the next one is begun.
HANDED_IN = (2, 1, 1, 1, 1, 1, 0, 0)
BEGUN_BY = 0


def build_open_call(setting: Setting, people: Sequence[Person]) -> None:
    """The second call, in the middle of its window."""
    call = open_a_call(
        setting, code="SEGUNDA", name="Segunda convocatoria", places=PLACES, window=WINDOW, quotas=_quotas()
    )
    _drafts(setting, call, people[:DRAFTS])
    enumerators = cycle(setting.staff[Role.ENUMERATOR])
    handed_in = [
        hand_in(setting, call, person, by=by, at=setting.morning(-9, minutes=40 * number))
        for number, (person, by) in enumerate(zip(people[DRAFTS:], enumerators, strict=False))
    ]
    _assign(setting, call, handed_in)
    _score(setting, call)
    plan_pitches(setting, call)


def _quotas() -> list[QuotaFields]:
    """Three of five places for women, then five more: a list that few could write by hand."""
    return [
        QuotaFields(QuotaDimension.SEX, "female", FOR_WOMEN.at_least(PLACES), None),
        QuotaFields(QuotaDimension.AGE_BAND, "18_35", 2, None),
        QuotaFields(QuotaDimension.POPULATION_GROUP, "host", 2, 4),
        QuotaFields(QuotaDimension.DISABILITY, "yes", 1, None),
        QuotaFields(QuotaDimension.SINGLE_CARER, "yes", 1, None),
        QuotaFields(QuotaDimension.CANTON, "2101", 2, None),
    ]


def _drafts(setting: Setting, call: Call, people: Sequence[Person]) -> None:
    """One ready to hand in, one without its items, one just begun; all of the first enumerator."""
    by, at = setting.staff[Role.ENUMERATOR][0], setting.morning(-2)
    whole, no_items = whole_plan(setting.chance), replace(whole_plan(setting.chance), items=())
    for person, plan in zip(people, (whole, no_items, None), strict=True):
        application = begin(setting, call, person, by=by, at=at)
        if plan is not None:
            services.save_plan(application, plan, revision=0, by=by, now=at)


def _assign(setting: Setting, call: Call, applications: Sequence[Application]) -> None:
    by, now, due_on = setting.coordinator, setting.morning(-4), setting.day(DUE_ON)
    for application in applications[:BY_HAND]:
        for evaluator in setting.staff[Role.EVALUATOR][:2]:
            evaluation.assign(application, evaluator=evaluator, stage=Stage.PLAN, due_on=due_on, by=by, now=now)
    evaluation.propose_assignments(call, stage=Stage.PLAN, due_on=due_on, by=by, now=now)


def _score(setting: Setting, call: Call) -> None:
    given = assignments_of(call, Stage.PLAN)
    for number, (evaluator, count) in enumerate(zip(setting.staff[Role.EVALUATOR], HANDED_IN, strict=True)):
        own = [one for one in given if one.evaluator_id == evaluator.id]
        for assignment in own[:count]:
            score(setting, assignment, at=setting.morning(-3, minutes=20 * number))
        if number == BEGUN_BY:
            score(setting, own[count], at=setting.morning(-1), whole=False)
