"""The sheets of a session's panel: given with the slot, taken back when somebody does not come."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import update

from grants.access.models import User
from grants.calls.models import Stage
from grants.core.clock import local_day
from grants.core.db import db
from grants.evaluation import queries
from grants.evaluation.models import Assignment, PitchSession


def engage(session: PitchSession, applications: Sequence[int], *, by: User, now: datetime) -> None:
    """Give each member of the panel the pitch sheets of these applications, exactly once.

    Who declared a conflict is left out; a task that was taken away is given back; one that is there stays.
    """
    tasks = queries.pitch_tasks(applications)
    conflicts = queries.conflicts_among(applications)
    due_on, given_back = local_day(session.starts_at), []
    for application in applications:
        for evaluator in session.panel:
            if not evaluator.is_active or evaluator.id in conflicts.get(application, ()):
                continue
            task, _is_in = tasks.get((application, evaluator.id), (None, False))
            if task is None:
                db.session.add(
                    Assignment(
                        application_id=application, evaluator_id=evaluator.id, stage=Stage.PITCH,
                        due_on=due_on, assigned_by_id=by.id, assigned_at=now,
                    )
                )  # fmt: skip
            elif not task.is_open:
                given_back.append(task.id)
    _set(given_back, ended_at=None, due_on=due_on)
    db.session.flush()


def release(panel: Iterable[User], applications: Sequence[int], *, now: datetime) -> None:
    """Take from this panel the pitch sheets of these applications that are not in: nobody owes them now."""
    members = {one.id for one in panel}
    _set(
        [
            task.id
            for (_application, evaluator), (task, is_in) in queries.pitch_tasks(applications).items()
            if evaluator in members and task.is_open and not is_in
        ],
        ended_at=now,
    )


def _set(tasks: Sequence[int], **values: object) -> None:
    if tasks:
        db.session.execute(update(Assignment).where(Assignment.id.in_(tasks)).values(**values))
