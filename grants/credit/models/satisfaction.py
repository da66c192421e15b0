"""What people say about the process of getting credit, approved or not. Asked by the programme, never by the lender."""

from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.core.crypto import SealedRow, sealed_optional_text
from grants.core.db import Model, state_column
from grants.credit.models.linkages import Linkage
from grants.people.models import Person

SOONEST, LATEST = timedelta(days=7), timedelta(days=60)  # after the decision
SATISFIED_FROM = 4  # of 1 to 5
FIRST_ROUND = 1
PARTS = ("information", "treatment", "time_taken", "requirements")


class Outcome(StrEnum):
    APPROVED = "approved"
    DECLINED = "declined"


class SurveyChannel(StrEnum):
    PHONE = "phone"
    VISIT = "visit"
    MESSAGE = "message"


class CreditAnswer(SealedRow, Model):
    """One person asked about one linkage in one round; without grades, they did not want to answer. Never edited."""

    __tablename__ = "credit_answer"
    __table_args__ = (
        UniqueConstraint("linkage_id", "round"),
        CheckConstraint("round BETWEEN 1 AND 9", name="round"),
        CheckConstraint("refused = (overall IS NULL)", name="refused_has_no_grade"),
        CheckConstraint("NOT refused OR (information IS NULL AND treatment IS NULL AND time_taken IS NULL"
                        " AND requirements IS NULL)", name="refused_has_no_parts"),
        *(CheckConstraint(f"{part} IS NULL OR {part} BETWEEN 1 AND 5", name=part) for part in (*PARTS, "overall")),
        Index("ix_credit_answer_asked_on", "asked_on", "id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    linkage_id: Mapped[int] = mapped_column(ForeignKey("linkage.id"))
    linkage: Mapped[Linkage] = relationship()
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    person: Mapped[Person] = relationship()
    round: Mapped[int] = mapped_column(default=FIRST_ROUND)
    outcome: Mapped[Outcome] = mapped_column(state_column(Outcome))  # as it was decided when they were asked
    refused: Mapped[bool] = mapped_column(default=False)
    information: Mapped[int | None]  # 1 very dissatisfied to 5 very satisfied; None: prefers not to say
    treatment: Mapped[int | None]
    time_taken: Mapped[int | None]
    requirements: Mapped[int | None]
    overall: Mapped[int | None]
    comment = sealed_optional_text()
    channel: Mapped[SurveyChannel] = mapped_column(state_column(SurveyChannel))
    asked_on: Mapped[date]
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    asked_by: Mapped[User] = relationship()
    recorded_at: Mapped[datetime]
