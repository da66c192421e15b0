"""The demo's two selections: the best plans by points, and devices for those who completed the course.

Both run through the selection's own services: a simulation of today gives the same order and the same hash.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select

from grants.access.permissions import Role
from grants.applications.models import Application
from grants.calls.models import Call
from grants.core.db import db
from grants.demo.facts import Chance, morning, programme
from grants.demo.scores import build_sheets, draw_scores
from grants.demo.staff import Staff
from grants.people.models import Sex
from grants.selection import services
from grants.selection.models import Award

SELECTED_ON = date(2023, 7, 5)
DEVICES_SELECTED_ON = date(2023, 7, 17)


def build_seed_capital_awards(
    chance: Chance, staff: Staff, call: Call, applications: Sequence[Application]
) -> list[Award]:
    """Score every application, choose the best, publish: the published counts by sex come out of the points."""
    drawn = draw_scores(chance, call, len(applications))
    scored = list(zip(_in_published_order(chance, applications), drawn, strict=True))
    build_sheets(chance, staff, chance.shuffled(scored))
    return select_and_publish(staff, call, at=morning(SELECTED_ON))


def build_device_awards(staff: Staff, call: Call) -> list[Award]:
    """Everyone who completed and applied gets one: no sheets, no order but the lottery's."""
    return select_and_publish(staff, call, at=morning(DEVICES_SELECTED_ON))


def select_and_publish(staff: Staff, call: Call, *, at: datetime) -> list[Award]:
    """Simulate, sign by the two other coordinators the day after, publish a day later."""
    creator, *signers = staff[Role.COORDINATOR]
    selection = services.simulate(call, by=creator, now=at)
    services.propose(selection, by=creator, now=at)
    for number, signer in enumerate(signers[:2]):
        services.approve(selection, by=signer, now=at + timedelta(days=1, hours=number))
    services.publish(selection, by=creator, now=at + timedelta(days=2))
    return list(db.session.scalars(select(Award).where(Award.selection_id == selection.id).order_by(Award.id)))


def _in_published_order(chance: Chance, applications: Sequence[Application]) -> list[Application]:
    """Applications in the order of merit, at random but for how many of each sex are among the chosen."""
    chosen: list[Application] = []
    rest: list[Application] = []
    for sex, places in programme()["awards"]["sex"].items():
        of_sex = chance.shuffled([one for one in applications if one.person.sex is Sex(sex)])
        chosen += of_sex[:places]
        rest += of_sex[places:]
    return [*chance.shuffled(chosen), *chance.shuffled(rest)]
