"""A review that was lost finds another reader at once; an evaluator who stops loses no sheet."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update

from grants.access.models import User
from grants.applications.models import Application
from grants.calls.models import Call, Stage
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.evaluation import queries
from grants.evaluation.models import Assignment, ChangeReason, Panelist
from grants.evaluation.services.giving import give, note_change, task_of
from grants.evaluation.services.panel import seat_everyone
from grants.evaluation.services.proposing import Desk, Proposal, lay_out, plan_assignments


def replace_reader(lost: Assignment, *, reason: ChangeReason, by: User, now: datetime) -> bool:
    """Give a lost review to the best of those who may read: nobody to ask first, same panel, then fewest sheets.

    False when nobody may: the board then says what is missing. Nothing happens while enough reviews stand.
    """
    application = lost.application
    try:
        desk = lay_out(application.call, lost.stage, {application.id})
    except RuleBroken:
        return False
    if not desk.demand.get(application.id):
        return True
    best = _best(desk, lost)
    if best is None:
        return False
    _hand_over(lost, best, reason, by=by, now=now)
    return True


def _best(desk: Desk, lost: Assignment) -> int | None:
    app, panels = lost.application_id, desk.panels
    loads = Counter(who for _app, who in desk.counting)
    seat = queries.get_seat(lost.application.call, lost.evaluator_id)
    home = seat.panel if seat else ""
    room = [
        who
        for who, member in desk.members.items()
        if (app, who) not in desk.barred and (member is None or member.load_max is None or loads[who] < member.load_max)
    ]
    order = sorted(room, key=lambda who: ((app, who) in desk.to_ask, panels.get(who, home) != home, loads[who], who))
    return order[0] if order else None


def _hand_over(lost: Assignment, who: int, reason: ChangeReason, *, by: User, now: datetime) -> None:
    application, stage = lost.application, lost.stage
    give([(application.id, who)], stage, due_on=lost.due_on, by_id=lost.assigned_by_id, now=now)
    note_change(task_of(application, who, stage), reason, "", given=True, by=by, now=now)
    journal.record(
        by, "assignment.replaced", application, at=now, stage=stage.value, evaluator=who, reason=reason.value
    )


def stop_evaluator(call: Call, evaluator: User, *, note: str, by: User, now: datetime) -> Proposal:
    """End an evaluator's part in a call. Submitted sheets stay and count, drafts stay on record and do not.

    Their open tasks go to the others by assignment; what finds nobody is missing on the board. Sheets begun as an
    amendment go on counting in their submitted version.
    """
    if not queries.panel_of(call):
        seat_everyone(call, by=by, now=now)
    stopped = update(Panelist).where(
        Panelist.call_id == call.id, Panelist.evaluator_id == evaluator.id, Panelist.stopped_at.is_(None)
    )
    if rows_hit(db.session.execute(stopped.values(stopped_at=now))) == 0:
        raise RuleBroken(_("This evaluator already stopped, or is not on the panel of this call."))
    db.session.expire_all()
    lost = _open_tasks(call, evaluator)
    for task in lost:
        _end(task, note, by=by, now=now)
    journal.record(by, "panelist.stopped", call, at=now, evaluator=evaluator.id, tasks=len(lost))
    return _share_out(call, lost, by=by, now=now)


def _open_tasks(call: Call, evaluator: User) -> Sequence[Assignment]:
    """Tasks without a submitted sheet."""
    statement = (
        select(Assignment)
        .join(Assignment.application)
        .where(
            Application.call_id == call.id,
            Assignment.evaluator_id == evaluator.id,
            Assignment.ended_at.is_(None),
            ~queries.is_in(),
        )
        .order_by(Assignment.id)
    )
    return db.session.scalars(statement).all()


def _end(task: Assignment, note: str, *, by: User, now: datetime) -> None:
    ended = update(Assignment).where(Assignment.id == task.id, Assignment.ended_at.is_(None)).values(ended_at=now)
    if rows_hit(db.session.execute(ended)) == 1:
        note_change(task.id, ChangeReason.STOPPED, note, given=False, by=by, now=now)


def _share_out(call: Call, lost: Sequence[Assignment], *, by: User, now: datetime) -> Proposal:
    made = short = 0
    for stage in Stage:
        tasks = {task.application_id: task for task in lost if task.stage is stage}
        if not tasks:
            continue
        try:
            plan = plan_assignments(call, stage=stage, bridge=0, only=set(tasks))
        except RuleBroken:  # nobody is left to read
            short += len(tasks)
            continue
        for app, who in plan.pairs:
            _hand_over(tasks[app], who, ChangeReason.STOPPED, by=by, now=now)
        made, short = made + len(plan.pairs), short + plan.missing
    return Proposal(made, short)
