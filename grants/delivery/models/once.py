"""Forms that did something, so that one that is sent again does nothing."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from grants.core.db import Model


class SentForm(Model):
    """A form that was sent, by the hash of its key: a double tap, a lost answer or the back button sends it again.

    What it said is kept as a hash made under that key, which is kept nowhere.
    """

    __tablename__ = "sent_form"
    __table_args__ = (UniqueConstraint("user_id", "key_hash"), Index("ix_sent_form_sent", "sent_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    key_hash: Mapped[str] = mapped_column(String(64))
    said_hash: Mapped[str] = mapped_column(String(64))
    sent_at: Mapped[datetime]
