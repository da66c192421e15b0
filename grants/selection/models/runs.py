"""Selection runs, their rows and approvals."""

import json
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.applications.models import Application
from grants.calls.models import Call
from grants.core.db import Model, state_column


class SelectionState(StrEnum):
    SIMULATED = "simulated"
    PROPOSED = "proposed"  # waits for two approvals
    APPROVED = "approved"
    PUBLISHED = "published"
    DISCARDED = "discarded"


SELECTION_MOVES = {
    SelectionState.SIMULATED: frozenset({SelectionState.PROPOSED, SelectionState.DISCARDED}),
    SelectionState.PROPOSED: frozenset({SelectionState.APPROVED, SelectionState.DISCARDED}),
    SelectionState.APPROVED: frozenset({SelectionState.PUBLISHED, SelectionState.DISCARDED}),
    SelectionState.PUBLISHED: frozenset(),
    SelectionState.DISCARDED: frozenset(),
}


class Selection(Model):
    """One run over a call's scores. Its inputs are hashed and its rows never change."""

    __tablename__ = "selection"
    __table_args__ = (
        Index("uq_selection_published", "call_id", unique=True,
              sqlite_where=text("state = 'published'"), postgresql_where=text("state = 'published'")),
        CheckConstraint("NOT is_what_if OR state IN ('simulated', 'discarded')", name="what_if_binds_nobody"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"), index=True)
    call: Mapped[Call] = relationship()
    state: Mapped[SelectionState] = mapped_column(state_column(SelectionState))
    places: Mapped[int]
    parameters: Mapped[str] = mapped_column(Text)  # JSON: rule versions, weights, tie seed, software version
    inputs_hash: Mapped[str] = mapped_column(String(64))
    created_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    created_by: Mapped[User] = relationship()
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    # Computed with other places, quotas, weights or calibration than the call declares: it can never be proposed.
    is_what_if: Mapped[bool] = mapped_column(default=False, server_default=false())
    # In hundredths; NULL in runs from before quotas.
    cut: Mapped[int | None]  # the points from which somebody without a quota is in
    objective: Mapped[int | None] = mapped_column(BigInteger)  # the points of the selected together

    @property
    def settings(self) -> dict[str, Any]:
        """What the run was computed with."""
        settings: dict[str, Any] = json.loads(self.parameters)
        return settings

    def can_move_to(self, state: SelectionState) -> bool:
        return state in SELECTION_MOVES[self.state] and (not self.is_what_if or state is SelectionState.DISCARDED)

    def can_be_signed_by(self, user: User) -> bool:
        """Two people sign, neither of whom made the run, and nobody twice."""
        signed = {approval.approved_by_id for approval in self.approvals}
        return self.state is SelectionState.PROPOSED and user.id not in {*signed, self.created_by_id}

    rows: Mapped[list["SelectionRow"]] = relationship(back_populates="selection", order_by="SelectionRow.place")
    approvals: Mapped[list["SelectionApproval"]] = relationship(
        back_populates="selection", order_by="SelectionApproval.id"
    )


class Outcome(StrEnum):
    CHOSEN = "chosen"
    WAITING = "waiting"
    NOT_RANKED = "not_ranked"  # sheets are missing, or not eligible


class Reason(StrEnum):
    """Why a row is in, waits or is not ranked. The page makes a sentence of it."""

    BY_POINTS = "by_points"
    ALL_FIT = "all_fit"  # a place for everybody
    BY_LOTTERY = "by_lottery"  # tied at the cut, or nothing but the lottery decides
    BELOW_CUT = "below_cut"
    LOTTERY_LOST = "lottery_lost"
    BY_QUOTA = "by_quota"  # below the cut line, in for a quota's minimum
    QUOTA_AND_LOTTERY = "quota_and_lottery"  # the same, and tied within the quota
    QUOTA_FULL = "quota_full"  # above the cut line, out for a quota's maximum
    DISPLACED = "displaced"  # by points alone it would be in
    QUOTAS_TOGETHER = "quotas_together"  # only all quotas together explain it
    SHEETS_MISSING = "sheets_missing"
    NOT_ELIGIBLE = "not_eligible"


class SelectionRow(Model):
    """One application in a run: its points in hundredths, its place, and why it is in or out."""

    __tablename__ = "selection_row"
    __table_args__ = (
        UniqueConstraint("selection_id", "application_id"),
        UniqueConstraint("selection_id", "place"),
        CheckConstraint("(outcome = 'not_ranked') = (place IS NULL)", name="ranked_has_place"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    selection_id: Mapped[int] = mapped_column(ForeignKey("selection.id"))
    selection: Mapped[Selection] = relationship(back_populates="rows")
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    application: Mapped[Application] = relationship()
    outcome: Mapped[Outcome] = mapped_column(state_column(Outcome))
    place: Mapped[int | None]
    points: Mapped[int | None]  # hundredths of a point, out of 10,000
    plan_points: Mapped[int | None]
    pitch_points: Mapped[int | None]
    reviews: Mapped[int] = mapped_column(default=0)
    tie_key: Mapped[str] = mapped_column(String(64))  # SHA-256(seed | call | application)
    settled_by_lottery: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str] = mapped_column(String(40))  # a Reason
    # In hundredths. `points` is what was ranked: the mean of the rubric, or the measure where calibration decides.
    mean_points: Mapped[int | None]
    measure: Mapped[int | None]  # corrected for strict and lenient evaluators
    measure_se: Mapped[int | None]
    short: Mapped[int | None]  # so many more points would have been enough
    # In hundredths of a percent.
    p_top: Mapped[int | None]  # among the best by points
    p_in: Mapped[int | None]  # selected under the quotas


class SelectionApproval(Model):
    """A person's signature under a run. Two are needed, from two people who did not create it."""

    __tablename__ = "selection_approval"
    __table_args__ = (UniqueConstraint("selection_id", "approved_by_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    selection_id: Mapped[int] = mapped_column(ForeignKey("selection.id"))
    selection: Mapped[Selection] = relationship(back_populates="approvals")
    approved_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    approved_by: Mapped[User] = relationship()
    approved_at: Mapped[datetime]
