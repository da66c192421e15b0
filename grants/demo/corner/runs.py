"""A team, its vehicle, a run that is out today and one that is planned for tomorrow."""

from datetime import datetime, time, timedelta

import pyotp

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import PROGRAMME_ZONE, local_day
from grants.delivery import services
from grants.delivery.models import Delivery, Run, Team, Vehicle
from grants.delivery.queries import delivery_factor
from grants.delivery.services import ReleaseCodes, Stop
from grants.delivery.signals import Desk
from grants.demo.corner.setting import Setting

PLACE, OTHER_PLACE = "Casa comunal, puerta principal", "Escuela, patio de atrás"
LEFT = timedelta(hours=2)  # ago
TEAM_SINCE = -15


def make_team(setting: Setting) -> tuple[Team, Vehicle]:
    """Both officers and the white van."""
    by, now = setting.coordinator, setting.morning(TEAM_SINCE)
    team = services.make_team("Equipo Norte", by=by, now=now)
    for officer in setting.staff[Role.OFFICER]:
        services.join_team(officer, team, by=by, now=now)
    return team, services.add_vehicle("Camioneta blanca", "IBA-0000", by=by, now=now)


def send_out(setting: Setting, team: Team, vehicle: Vehicle, delivery: Delivery, desk: Desk) -> None:
    """Released by the third keeper to the first officer two hours before loading."""
    gate, officer, now = setting.staff[Role.WAREHOUSE][2], setting.staff[Role.OFFICER][0], setting.now - LEFT
    run = _run(setting, team, vehicle, officer, now=now)
    services.schedule(delivery, run, _from_then_on(now), by=setting.coordinator, now=now)
    codes = ReleaseCodes(_code(gate, now), _code(officer, now))
    services.dispatch(run, codes, desk=desk, by=gate, now=now)


def plan_tomorrow(setting: Setting, team: Team, vehicle: Vehicle, delivery: Delivery) -> None:
    """The second officer's run: one stop, in the morning, outside the curfew."""
    officer, tomorrow = setting.staff[Role.OFFICER][1], setting.day(1)
    run = _run(setting, team, vehicle, officer, now=setting.now, days=1)
    begins, ends = (datetime.combine(tomorrow, time(hour), PROGRAMME_ZONE) for hour in (9, 11))
    services.schedule(delivery, run, Stop(OTHER_PLACE, begins, ends), by=setting.coordinator, now=setting.now)


def _run(setting: Setting, team: Team, vehicle: Vehicle, officer: User, *, now: datetime, days: int = 0) -> Run:
    day = local_day(now) + timedelta(days=days)
    run = services.plan_run(team, officer=officer, vehicle=vehicle, day=day, by=setting.coordinator, now=now)
    setting.name(run, "R")
    return run


def _from_then_on(moment: datetime) -> Stop:
    """To the end of the day, so that a newcomer meets it at any hour."""
    evening = moment.astimezone(PROGRAMME_ZONE).replace(hour=23, minute=59, second=59)
    return Stop(PLACE, moment, evening)


def _code(user: User, at: datetime) -> str:
    """What the user's phone showed at that moment."""
    factor = delivery_factor(user)
    return "" if factor is None else pyotp.TOTP(factor.seed).at(at)
