"""Programmes, calls and their rubrics."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.core.db import Model, Usd, state_column
from grants.training.models import CourseKind

if TYPE_CHECKING:
    from grants.calls.models.quotas import CallQuota


class Programme(Model):
    """What a donor finances: calls, courses and indicators belong to one."""

    __tablename__ = "programme"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(300))
    starts_on: Mapped[date]
    ends_on: Mapped[date]


class CallKind(StrEnum):
    SEED_CAPITAL = "seed_capital"
    DEVICES = "devices"


KIND_NAMES = {CallKind.SEED_CAPITAL: _("Seed capital"), CallKind.DEVICES: _("Electronic devices")}
COURSE_KIND_NAMES = {
    CourseKind.ENTREPRENEURSHIP: _("Entrepreneurship course"),
    CourseKind.DIGITAL: _("Digital livelihoods course"),
    CourseKind.FINANCIAL_EDUCATION: _("Financial education course"),
}


class CallState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"  # its window decides whether people may apply
    CLOSED = "closed"


CALL_MOVES = {
    CallState.DRAFT: frozenset({CallState.PUBLISHED}),
    CallState.PUBLISHED: frozenset({CallState.CLOSED}),
    CallState.CLOSED: frozenset(),
}


class Phase(StrEnum):
    """Where a call stands at a moment: its state together with its window."""

    DRAFT = "draft"
    ANNOUNCED = "announced"
    OPEN = "open"
    ENDED = "ended"
    CLOSED = "closed"


PHASE_NAMES = {
    Phase.DRAFT: _("Draft"),
    Phase.ANNOUNCED: _("Opens soon"),
    Phase.OPEN: _("Open"),
    Phase.ENDED: _("Window over"),
    Phase.CLOSED: _("Closed"),
}


class ExtensionReason(StrEnum):
    """Why a window was extended: a fixed word, because the journal keeps no free text."""

    EMERGENCY = "state_of_emergency"
    SECURITY = "security"
    WEATHER = "weather"
    CONNECTIVITY = "connectivity"
    FEW_APPLICATIONS = "few_applications"
    WORKSHOP_MOVED = "workshop_moved"


EXTENSION_REASON_NAMES = {
    ExtensionReason.EMERGENCY: _("State of emergency or curfew"),
    ExtensionReason.SECURITY: _("Security in the area"),
    ExtensionReason.WEATHER: _("Weather or closed roads"),
    ExtensionReason.CONNECTIVITY: _("Power cuts or no connection"),
    ExtensionReason.FEW_APPLICATIONS: _("Fewer applications than places"),
    ExtensionReason.WORKSHOP_MOVED: _("A workshop was moved"),
}


class Calibration(StrEnum):
    """What becomes of the strictness of evaluators: nothing, a measure beside the points, or the ranking itself."""

    OFF = "off"
    ADVISORY = "advisory"
    BINDING = "binding"


CALIBRATION_NAMES = {
    Calibration.OFF: _("Not used: the mean of the sheets decides"),
    Calibration.ADVISORY: _("Shown beside the points: the mean of the sheets decides"),
    Calibration.BINDING: _("Decides: points are corrected for strict and lenient evaluators"),
}


class Call(Model):
    """An invitation to apply, with its window, places, budget and value per award."""

    __tablename__ = "call"
    __table_args__ = (
        CheckConstraint("closes_at > opens_at", name="window"),
        CheckConstraint("places > 0", name="places"),
        CheckConstraint("value_per_award_usd > 0", name="value"),
        CheckConstraint("budget_usd >= places * value_per_award_usd", name="budget_covers_places"),
        CheckConstraint("plan_weight + pitch_weight = 100", name="stage_weights"),
        CheckConstraint("plan_weight >= 0 AND pitch_weight >= 0", name="stage_weights_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("programme.id"))
    programme: Mapped[Programme] = relationship()
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(160))
    description: Mapped[str] = mapped_column(Text, default="")
    kind: Mapped[CallKind] = mapped_column(state_column(CallKind))
    state: Mapped[CallState] = mapped_column(state_column(CallState), default=CallState.DRAFT)
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    places: Mapped[int]
    budget_usd: Mapped[Decimal] = mapped_column(Usd)
    value_per_award_usd: Mapped[Decimal] = mapped_column(Usd)
    # Shares of the total in percent: the declared weight of a stage is its effective weight.
    plan_weight: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    pitch_weight: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    reviews_per_application: Mapped[int] = mapped_column(default=2)
    calibration: Mapped[Calibration] = mapped_column(
        state_column(Calibration), default=Calibration.ADVISORY, server_default=Calibration.ADVISORY.value
    )
    # Eligibility: a completed course of this kind, with at least this grade (percent) where one is asked.
    required_course: Mapped[CourseKind | None] = mapped_column(state_column(CourseKind))
    minimum_grade: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    # Public seed of the lottery that settles ties, committed to when the call is published.
    tie_seed: Mapped[str] = mapped_column(String(64))
    created_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime]

    rubrics: Mapped[list["Rubric"]] = relationship(back_populates="call", order_by="Rubric.version")
    quotas: Mapped[list["CallQuota"]] = relationship(back_populates="call", order_by="CallQuota.position")

    def is_open(self, now: datetime) -> bool:
        return self.state is CallState.PUBLISHED and self.opens_at <= now < self.closes_at

    def phase(self, now: datetime) -> Phase:
        if self.state is not CallState.PUBLISHED:
            return Phase(self.state.value)
        if now < self.opens_at:
            return Phase.ANNOUNCED
        return Phase.OPEN if now < self.closes_at else Phase.ENDED

    @property
    def has_rubric(self) -> bool:
        return any(rubric.is_current for rubric in self.rubrics)

    @property
    def rubric(self) -> "Rubric":
        """The version in force."""
        return next(rubric for rubric in reversed(self.rubrics) if rubric.is_current)

    def stage_weight(self, stage: "Stage") -> Decimal:
        """The stage's share of the total in percent."""
        return self.plan_weight if stage is Stage.PLAN else self.pitch_weight

    @property
    def stages(self) -> list["Stage"]:
        """The stages that count."""
        return [stage for stage in Stage if self.stage_weight(stage) > 0]


class Stage(StrEnum):
    PLAN = "plan"
    PITCH = "pitch"


STAGE_NAMES = {Stage.PLAN: _("Business plan"), Stage.PITCH: _("Pitch")}


class Rubric(Model):
    """One version of a call's criteria. A version that people have applied under never changes."""

    __tablename__ = "rubric"
    __table_args__ = (
        UniqueConstraint("call_id", "version"),
        Index("uq_rubric_current", "call_id", unique=True,
              sqlite_where=text("is_current = 1"), postgresql_where=text("is_current")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"))
    call: Mapped[Call] = relationship(back_populates="rubrics")
    version: Mapped[int]
    is_current: Mapped[bool] = mapped_column(default=True)
    reason: Mapped[str] = mapped_column(String(300), default="")
    created_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime]

    criteria: Mapped[list["Criterion"]] = relationship(
        back_populates="rubric", order_by="(Criterion.stage, Criterion.position)"
    )

    def criteria_of(self, stage: Stage) -> list["Criterion"]:
        return sorted((c for c in self.criteria if c.stage is stage), key=lambda c: c.position)


class Criterion(Model):
    """What is judged at one stage. `weight` is its share of the stage in percent; the shares add up to 100."""

    __tablename__ = "criterion"
    __table_args__ = (
        UniqueConstraint("rubric_id", "stage", "position"),
        CheckConstraint("weight > 0 AND weight <= 100", name="weight"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    rubric_id: Mapped[int] = mapped_column(ForeignKey("rubric.id"))
    rubric: Mapped[Rubric] = relationship(back_populates="criteria")
    stage: Mapped[Stage] = mapped_column(state_column(Stage))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(120))
    description: Mapped[str] = mapped_column(Text, default="")
    weight: Mapped[Decimal] = mapped_column(Numeric(5, 2))

    @property
    def share_of_total(self) -> Decimal:
        """Stage share times criterion share, in percent of the total: 60 % of 25 % is 15 %."""
        return self.rubric.call.stage_weight(self.stage) * self.weight / 100

    levels: Mapped[list["Level"]] = relationship(back_populates="criterion", order_by="Level.value")

    @property
    def extremes(self) -> frozenset[int]:
        """The lowest and the highest level: whoever gives one of them says why."""
        return frozenset({self.levels[0].value, self.levels[-1].value})


class Level(Model):
    """One level of a criterion, from 0 (nothing) upwards, with the words that describe it."""

    __tablename__ = "level"
    __table_args__ = (
        UniqueConstraint("criterion_id", "value"),
        CheckConstraint("value >= 0", name="value"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    criterion_id: Mapped[int] = mapped_column(ForeignKey("criterion.id"))
    criterion: Mapped[Criterion] = relationship(back_populates="levels")
    value: Mapped[int]
    descriptor: Mapped[str] = mapped_column(String(400))
