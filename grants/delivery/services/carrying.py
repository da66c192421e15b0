"""What a team carries: added in the transaction of dispatch, taken off when a kit is handed over, back or taken."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import ScalarSelect, case, func, select, update

from grants.access.models import User
from grants.core import journal
from grants.core.db import db, hold_row, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import Delivery, Run, RunState, Team


def take_out(run: Run, kits: Sequence[Delivery]) -> None:
    """Add the kits' value to what the team carries, unless the cap would be passed. Of two at once one gets through."""
    value = int(sum(kit.value_usd for kit in kits) * 100)
    # What another dispatch sends out meanwhile is read by the statements after this one.
    hold_row(Team.value_out_cents, run.team_id)
    cap = queries.lowest_cap_usd(kits)
    lowest = min(cap, queries.caps_on_the_road_usd([run.team_id]).get(run.team_id, cap))
    taken = db.session.execute(
        update(Team)
        .where(Team.id == run.team_id, Team.value_out_cents + value <= lowest * 100)
        .values(value_out_cents=Team.value_out_cents + value, cap_out_cents=lowest * 100)
        .execution_options(synchronize_session=False)
    )
    db.session.refresh(run.team)
    if rows_hit(taken) != 1:
        raise RuleBroken(
            _("The team would carry more than USD %(cap)s. Take stops off this run, or send it later.", cap=lowest)
        )


def give_back_value(delivery: Delivery) -> None:
    """The team no longer carries this kit: its value counts no more against the team's cap. Once only."""
    put_down = db.session.execute(
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.carried_since.is_not(None))
        .values(carried_since=None)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(put_down) != 1:
        return
    team = update(Team).where(Team.id == select(Run.team_id).where(Run.id == delivery.run_id).scalar_subquery())
    unsaid = {"synchronize_session": False}
    left = Team.value_out_cents - int(delivery.value_usd * 100)
    db.session.execute(team.values(value_out_cents=left), execution_options=unsaid)
    # A statement of its own: it sees what was sent out while the one before waited for the team's row.
    db.session.execute(team.values(cap_out_cents=_lowest_cap_cents()), execution_options=unsaid)


def end_run_if_done(delivery: Delivery, *, by: User | None, now: datetime) -> None:
    """The run ends with the last of its kits that was handed over, came back or was taken."""
    carried = select(Delivery.id).where(Delivery.run_id == Run.id, Delivery.carried_since.is_not(None))
    ended = db.session.execute(
        update(Run)
        .where(Run.id == delivery.run_id, Run.state == RunState.OUT, ~carried.exists())
        .values(state=RunState.ENDED, ended_at=now)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(ended) == 1 and delivery.run is not None:
        db.session.refresh(delivery.run)
        journal.record(by, "run.ended", delivery.run, at=now)


def _lowest_cap_cents() -> ScalarSelect[int]:
    """The lowest cap among the kits that the team of the statement around it carries; NULL when it carries none."""
    cents = {level: cap * 100 for level, cap in queries.caps_usd().items()}
    carried = select(func.min(case(cents, value=Delivery.level))).join(Run, Run.id == Delivery.run_id)
    return carried.where(Run.team_id == Team.id, Delivery.carried_since.is_not(None)).scalar_subquery()
