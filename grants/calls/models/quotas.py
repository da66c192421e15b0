"""Quotas of a call: how many places are kept for a group, or how many it may get at most."""

from enum import StrEnum

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.calls.models.calls import Call
from grants.core.db import Model, state_column
from grants.people.models import AgeBand, PopulationGroup, Sex


class QuotaDimension(StrEnum):
    """What a quota may count by: what people were asked at registration."""

    SEX = "sex"
    AGE_BAND = "age_band"
    POPULATION_GROUP = "population_group"
    DISABILITY = "disability"
    SINGLE_CARER = "single_carer"
    CANTON = "canton"


DIMENSION_NAMES = {
    QuotaDimension.SEX: _("Sex"),
    QuotaDimension.AGE_BAND: _("Age on the closing day"),
    QuotaDimension.POPULATION_GROUP: _("Population group"),
    QuotaDimension.DISABILITY: _("Disability"),
    QuotaDimension.SINGLE_CARER: _("Care of children alone"),
    QuotaDimension.CANTON: _("Canton"),
}
YES = "yes"
# The values of each dimension; cantons are rows of their own.
QUOTA_VALUES: dict[QuotaDimension, tuple[str, ...]] = {
    QuotaDimension.SEX: tuple(sex.value for sex in Sex),
    QuotaDimension.AGE_BAND: tuple(band.value for band in AgeBand),
    QuotaDimension.POPULATION_GROUP: tuple(group.value for group in PopulationGroup),
    QuotaDimension.DISABILITY: (YES,),
    QuotaDimension.SINGLE_CARER: (YES,),
}
# Everybody has exactly one of these values: maximums for all of them together bound the whole list.
EXHAUSTIVE = (QuotaDimension.SEX, QuotaDimension.AGE_BAND, QuotaDimension.POPULATION_GROUP)


class CallQuota(Model):
    """One quota, in the order in which quotas give way when they cannot all be met. Counts of places."""

    __tablename__ = "call_quota"
    __table_args__ = (
        UniqueConstraint("call_id", "dimension", "value"),
        UniqueConstraint("call_id", "position"),
        CheckConstraint("position > 0", name="position"),
        CheckConstraint("minimum IS NOT NULL OR maximum IS NOT NULL", name="says_something"),
        CheckConstraint("minimum >= 0 AND maximum >= 0", name="not_negative"),
        CheckConstraint("minimum <= maximum", name="in_order"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"))
    call: Mapped[Call] = relationship(back_populates="quotas")
    position: Mapped[int]
    dimension: Mapped[QuotaDimension] = mapped_column(state_column(QuotaDimension))
    value: Mapped[str] = mapped_column(String(20))
    minimum: Mapped[int | None]
    maximum: Mapped[int | None]

    @property
    def group(self) -> str:
        """The group's name in a run: "sex:female", "canton:1001"."""
        return group_name(self.dimension, self.value)


def group_name(dimension: QuotaDimension, value: str) -> str:
    """How a group is written in a run's inputs: "sex:female", "disability:yes"."""
    return f"{dimension.value}:{value}"
