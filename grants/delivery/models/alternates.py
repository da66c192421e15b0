"""Who may receive in the beneficiary's place, registered in advance."""

from datetime import datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.core.crypto import SealedRow, sealed_text
from grants.core.db import Model, state_column
from grants.selection.models import Award

_LIVE = text("revoked_at IS NULL")


class Relation(StrEnum):
    """What the alternate is to the beneficiary."""

    SPOUSE = "spouse"
    CHILD = "child"
    PARENT = "parent"
    SIBLING = "sibling"
    OTHER_RELATIVE = "other_relative"
    NEIGHBOUR = "neighbour"
    FRIEND = "friend"


RELATION_NAMES = {
    Relation.SPOUSE: _("Spouse or partner"),
    Relation.CHILD: _("Son or daughter"),
    Relation.PARENT: _("Father or mother"),
    Relation.SIBLING: _("Brother or sister"),
    Relation.OTHER_RELATIVE: _("Another relative"),
    Relation.NEIGHBOUR: _("Neighbour"),
    Relation.FRIEND: _("Friend"),
}


class AlternateCollector(SealedRow, Model):
    """One other person who may receive an award's kit. Codes are bound to their folio instead of the beneficiary's."""

    __tablename__ = "alternate_collector"
    __table_args__ = (
        Index("uq_alternate_collector_live", "award_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
        CheckConstraint("(revoked_at IS NULL) = (revoked_by_id IS NULL)", name="revoked"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    folio: Mapped[str] = mapped_column(String(12), unique=True)
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), index=True)
    award: Mapped[Award] = relationship()
    name = sealed_text()
    document = sealed_text()
    phone = sealed_text()
    relation: Mapped[Relation] = mapped_column(state_column(Relation))
    registered_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    registered_at: Mapped[datetime]
    revoked_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    revoked_at: Mapped[datetime | None]
