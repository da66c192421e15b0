"""Pitch sessions and their slots for tests."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications.models import Application
from grants.calls.models import Call, Stage
from grants.core.clock import utcnow
from grants.core.db import db
from grants.evaluation.models import PitchSession, PitchSlot, PitchState, SlotState
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.evaluation import make_assignment
from tests.factories.people import make_canton


def make_pitch_session(
    call: Call | None = None, *, panel: Sequence[User] | None = None, **overrides: Any
) -> PitchSession:
    """A planned session in Ibarra tomorrow: ten slots of 8 minutes with 4 between them, before a panel of two."""
    call, now = call or make_call(), utcnow()
    members = [make_user(Role.EVALUATOR), make_user(Role.EVALUATOR)] if panel is None else list(panel)
    values: dict[str, Any] = {
        "canton": make_canton("1001"), "starts_at": now + timedelta(days=1), "turns": 10, "slot_minutes": 8,
        "break_minutes": 4, "state": PitchState.PLANNED, "created_by_id": call.created_by_id, "created_at": now,
        **overrides,
    }  # fmt: skip
    if values["state"] is not PitchState.PLANNED:
        values.setdefault("opened_at", now)
    if values["state"] is PitchState.CLOSED:
        values.setdefault("closed_at", now)
    session = PitchSession(call=call, **values)
    session.place, session.panel = "Casa comunal El Olivo", sorted(members, key=lambda one: one.id)
    db.session.add(session)
    db.session.flush()
    return session


def make_running(call: Call | None = None, **overrides: Any) -> PitchSession:
    """A session that has begun."""
    return make_pitch_session(call, state=PitchState.RUNNING, starts_at=utcnow(), **overrides)


def make_slot(
    session: PitchSession | None = None,
    application: Application | None = None,
    state: SlotState = SlotState.PLANNED,
    position: int | None = None,
) -> PitchSlot:
    """A slot at the end of the session, with a sheet to write for each member of its panel."""
    session = session or make_running()
    application, now = application or make_application(session.call), utcnow()
    if position is None:
        position = db.session.query(PitchSlot).filter_by(session_id=session.id).count() + 1
    here = state in (SlotState.PRESENT, SlotState.PITCHING, SlotState.DONE)
    begun = state in (SlotState.PITCHING, SlotState.DONE)
    slot = PitchSlot(
        session=session, application=application, position=position, state=state,
        arrived_at=now if here else None, started_at=now if begun else None,
        ended_at=now if state is SlotState.DONE else None,
    )  # fmt: skip
    db.session.add(slot)
    db.session.flush()
    for evaluator in session.panel:
        ended_at = now if state is SlotState.ABSENT else None
        make_assignment(application, evaluator, Stage.PITCH, ended_at=ended_at)
    return slot
