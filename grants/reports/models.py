"""What the donor agreed to, and what was once published. Results themselves are computed, never stored."""

from decimal import Decimal

from sqlalchemy import ForeignKey, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.calls.models import Programme
from grants.core.db import Model


class Indicator(Model):
    """A row of the results framework: its name, baseline and target."""

    __tablename__ = "indicator"
    __table_args__ = (UniqueConstraint("programme_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    programme_id: Mapped[int] = mapped_column(ForeignKey("programme.id"))
    programme: Mapped[Programme] = relationship()
    code: Mapped[str] = mapped_column(String(10))
    position: Mapped[int]
    name_es: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text)
    baseline: Mapped[Decimal] = mapped_column(Numeric(12, 2))
    target: Mapped[Decimal] = mapped_column(Numeric(12, 2))

    published: Mapped[list["PublishedFigure"]] = relationship(back_populates="indicator", order_by="PublishedFigure.id")


class PublishedFigure(Model):
    """A figure that a report printed, to be held against the computed one.

    `dimension` and `value` are empty for a year's or the cumulative total; `year` is NULL for the cumulative.
    `contradiction_*` says in words where the report disagrees with itself.
    """

    __tablename__ = "published_figure"

    id: Mapped[int] = mapped_column(primary_key=True)
    indicator_id: Mapped[int] = mapped_column(ForeignKey("indicator.id"), index=True)
    indicator: Mapped[Indicator] = relationship(back_populates="published")
    year: Mapped[int | None]
    dimension: Mapped[str] = mapped_column(String(40), default="")
    value: Mapped[str] = mapped_column(String(40), default="")
    figure: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    source: Mapped[str] = mapped_column(String(120))
    contradiction_es: Mapped[str] = mapped_column(Text, default="")
    contradiction_en: Mapped[str] = mapped_column(Text, default="")
