"""Who works in the corner, under which programme, and on which days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls import services
from grants.calls.models import Call, CallKind, Programme, Stage
from grants.calls.services import CallFields, CriterionFields, ProgrammeFields, QuotaFields
from grants.core.clock import local_day
from grants.core.db import db
from grants.demo.calls import LEVEL_WORDS, PITCH_CRITERIA, PLAN_CRITERIA
from grants.demo.facts import Chance, morning
from grants.demo.staff import Staff
from grants.training.models import CourseKind

VALUE = Decimal("700.00")
REVIEWS = 2


class HasFolio(Protocol):
    folio: str


@dataclass(frozen=True, slots=True)
class Setting:
    """What everything in the corner is built with."""

    chance: Chance
    staff: Staff
    programme: Programme
    now: datetime

    @property
    def coordinator(self) -> User:
        return self.staff[Role.COORDINATOR][0]

    def day(self, days: int) -> date:
        """That many days after the day of loading; before it if negative."""
        return local_day(self.now) + timedelta(days=days)

    def morning(self, days: int, *, minutes: int = 0) -> datetime:
        return morning(self.day(days), minutes=minutes)

    def name(self, row: HasFolio, prefix: str) -> None:
        """Give a row that a service made a folio that the same seed gives again."""
        row.folio = self.chance.folio(prefix)
        db.session.flush()


def build_setting(chance: Chance, staff: Staff, *, now: datetime) -> Setting:
    """A programme of its own, so that the reported one stays as it was published."""
    today, coordinator = local_day(now), staff[Role.COORDINATOR][0]
    fields = ProgrammeFields(
        "PRACTICA", "Programa de práctica", today - timedelta(days=90), today + timedelta(days=275)
    )
    programme = services.create_programme(fields, by=coordinator, now=morning(today - timedelta(days=90)))
    return Setting(chance, staff, programme, now)


def open_a_call(
    setting: Setting,
    *,
    code: str,
    name: str,
    places: int,
    window: tuple[int, int],
    quotas: Sequence[QuotaFields] = (),
) -> Call:
    """A published seed-capital call. `window`: first and last day, counted from the day of loading."""
    first, last = window
    by, written_at = setting.coordinator, setting.morning(first - 3)
    fields = CallFields(
        programme_id=setting.programme.id, code=code, name=name, kind=CallKind.SEED_CAPITAL,
        description="Para practicar: se evalúan el plan y el pitch de quienes culminaron el curso de emprendimiento.",
        opens_at=setting.morning(first), closes_at=setting.morning(last, minutes=480), places=places,
        budget_usd=places * VALUE, value_per_award_usd=VALUE, plan_weight=Decimal(60), pitch_weight=Decimal(40),
        reviews_per_application=REVIEWS, required_course=CourseKind.ENTREPRENEURSHIP, minimum_grade=None,
    )  # fmt: skip
    call = services.create_call(fields, by=by, now=written_at)
    criteria = [*_criteria(Stage.PLAN, PLAN_CRITERIA), *_criteria(Stage.PITCH, PITCH_CRITERIA)]
    services.save_rubric(call, criteria, reason="", by=by, now=written_at)
    services.save_quotas(call, quotas, by=by, now=written_at)
    services.publish(call, by=by, now=setting.morning(first - 2))
    call.tie_seed = f"sorteo público de {setting.day(first).isoformat()}"
    db.session.flush()
    return call


def _criteria(stage: Stage, rows: Sequence[tuple[str, int]]) -> list[CriterionFields]:
    return [CriterionFields(stage, name, "", Decimal(weight), LEVEL_WORDS) for name, weight in rows]
