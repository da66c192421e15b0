"""What is known of the cantons these days: one calm, one under a curfew, one that nobody has looked at for a week."""

from dataclasses import replace
from datetime import datetime, time, timedelta

from grants.access.permissions import Role
from grants.core.db import db
from grants.delivery import services
from grants.delivery.models import Incident, IncidentKind, RiskSnapshot, Urgency
from grants.delivery.services import Assessment, Report
from grants.demo.corner.setting import Setting
from grants.people.models import Canton

CALM, TENSE, UNKNOWN = "1001", "2101", "1004"
UNKNOWN_NAME = "Otavalo"
KNOWN_ON = -1  # the calm canton, and known for a week from there
LOOKED_AT = {"before": timedelta(hours=30), "today": timedelta(hours=3)}  # how long ago, for the tense one
HAPPENED = timedelta(hours=5)

QUIET = Assessment(1, "Sin novedades en la semana", "Líderes del barrio; Policía comunitaria")
CURFEW = Assessment(
    2, "Cobros a comercios en dos barrios; control en la vía principal", "Líderes del barrio; prensa local",
    decree="Decreto de práctica", curfew_from=time(22), curfew_until=time(5),
)  # fmt: skip
SAID = "Dos desconocidos preguntaron por la fecha y el lugar de la próxima entrega."


def look_at_cantons(setting: Setting) -> None:
    """Level 1 for the week, and one whose week has ended."""
    _record(setting, CALM, QUIET, at=setting.morning(KNOWN_ON))
    _place(UNKNOWN, UNKNOWN_NAME)
    _record(setting, UNKNOWN, QUIET, at=setting.now - timedelta(days=9))


def look_at_tense_canton(setting: Setting, when: str) -> datetime:
    """Level 2, which holds for a day; when it was recorded."""
    at = setting.now - LOOKED_AT[when]
    _record(setting, TENSE, replace(CURFEW, hours=24), at=at)
    return at


def report_incident(setting: Setting) -> None:
    """An officer heard something; nobody has taken it up."""
    happened_at = setting.now - HAPPENED
    told = Report(IncidentKind.THREAT, Urgency.TODAY, TENSE, happened_at, SAID)
    by = setting.staff[Role.OFFICER][1]
    incident: Incident = services.report(told, by=by, now=happened_at + timedelta(minutes=20))
    setting.name(incident, "I")


def _place(code: str, name: str) -> None:
    """Where the cantons of the country are not loaded yet."""
    if db.session.get(Canton, code) is None:
        db.session.add(Canton(code=code, name=name, province_code=code[:2]))
        db.session.flush()


def _record(setting: Setting, canton_code: str, said: Assessment, *, at: datetime) -> RiskSnapshot:
    canton = db.session.get_one(Canton, canton_code)
    snapshot = services.record_snapshot(canton, said, by=setting.staff[Role.DESK][0], now=at)
    setting.name(snapshot, "Z")
    return snapshot
