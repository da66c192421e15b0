"""Load the whole demo in one transaction, into a database that holds nothing else."""

from collections.abc import Callable
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from flask_babel import lazy_gettext as _
from sqlalchemy import exists, select

from grants.access.permissions import Role
from grants.calls.models import Call
from grants.core.clock import local_day
from grants.core.db import Model, db
from grants.core.errors import RuleBroken
from grants.delivery.signals import Desk
from grants.demo.applications import build_applications, window_days
from grants.demo.awards import build_device_awards, build_seed_capital_awards
from grants.demo.calls import build_devices_call, build_programme, build_seed_capital_call
from grants.demo.corner import build_corner
from grants.demo.credit import build_credit
from grants.demo.credit_offers import build_offers
from grants.demo.credit_voices import build_credit_voices
from grants.demo.deliveries import DEVICES_FROM, KITS_FROM, build_deliveries, build_pins
from grants.demo.facts import Chance, programme
from grants.demo.people import Cohort, build_entrepreneurs, build_learners, build_places
from grants.demo.staff import Staff, build_staff
from grants.demo.training import build_training
from grants.people.models import Person
from grants.reports.services import adopt_framework
from grants.selection.models import Award

# What an installation may hold before anybody works with it.
REFERENCE_TABLES = frozenset({"province", "canton", "consent_text", "rate_ceiling", "journal_head", "alembic_version"})
STEPS = 9
Progress = Callable[[str], None]


def refuse_unless_empty() -> None:
    """RuleBroken when any table but those of reference holds a row."""
    for table in Model.metadata.sorted_tables:
        if table.name not in REFERENCE_TABLES and db.session.scalar(select(exists().select_from(table))):
            raise RuleBroken(
                _("This database already holds records. Load the demo into an empty one: set GRANTS_DATABASE_URL or "
                  "GRANTS_INSTANCE_PATH to a new place.")
            )  # fmt: skip


def load(*, seed: int, hasher: PasswordHasher, desk: Desk, now: datetime, progress: Progress) -> None:
    """Build the programme of the source report, and beside it work of these days to try out.

    Deterministic by seed and day but for keys, codes and nonces. `desk`: to whom signals are sealed.
    """
    refuse_unless_empty()
    chance = Chance(seed)
    build_places()
    staff = build_staff(hasher)
    build_pins(staff)
    progress("accounts")
    without_award = _build_reported(chance, staff, desk, progress, now=now)
    # The session would look through all that was built at each step of what follows.
    db.session.flush()
    db.session.expunge_all()
    people = db.session.scalars(select(Person).where(Person.id.in_(without_award)).order_by(Person.id)).all()
    build_corner(Chance(seed + 1), staff.read_again(), people, desk, now=now)
    db.session.flush()
    progress("work of these days")


def _build_reported(chance: Chance, staff: Staff, desk: Desk, progress: Progress, *, now: datetime) -> list[int]:
    """The programme as it was reported; who of those trained got no award."""
    entrepreneurs, learners = build_entrepreneurs(chance, staff), build_learners(chance, staff)
    progress("people")
    build_training(chance, staff, entrepreneurs, learners)
    progress("courses")
    owner = build_programme(staff)
    call = build_seed_capital_call(owner, staff)
    applications = build_applications(chance, staff, call, entrepreneurs, between=window_days(call))
    progress("applications")
    awards = build_seed_capital_awards(chance, staff, call, applications)
    progress("score sheets and selection")
    build_deliveries(chance, staff, awards, desk, first=KITS_FROM)
    progress("kits")
    devices = build_devices_call(owner, staff)
    build_deliveries(chance, staff, _device_awards(chance, staff, devices, learners), desk, first=DEVICES_FROM)
    progress("devices")
    build_credit(chance, staff, learners, now=now)
    build_offers(staff)
    build_credit_voices(staff)
    adopt_framework(owner, by=staff[Role.COORDINATOR][0], now=awards[0].awarded_at)
    progress("credits and indicators")
    awarded = {award.application.person_id for award in awards}
    return [one.id for one in entrepreneurs if one.id not in awarded]


def _device_awards(chance: Chance, staff: Staff, call: Call, learners: list[Cohort]) -> list[Award]:
    """Of those who completed the digital course, as many per canton as the report counts devices."""
    people: list[Person] = []
    for canton, places in programme()["devices"]["canton"].items():
        completed = [p for cohort in learners if cohort.digital for p in cohort.people if p.canton_code == canton]
        people += chance.sample(completed, places)
    last = local_day(call.closes_at)
    between = (last - timedelta(days=9), last - timedelta(days=1))
    build_applications(chance, staff, call, people, between=between)
    return build_device_awards(staff, call)
