"""The coordinator's board across institutions: who is stuck, where and for how long, and what nobody reports."""

from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import local_day, utcnow
from grants.core.web import page_marker
from grants.credit import queries
from grants.credit.models import LinkageState
from grants.credit.queries import queues
from grants.credit.queries.queues import BOARD_QUEUES, OF_REFERRALS, Queue
from grants.credit.queries.referrals import visible_to
from grants.credit.views.blueprint import bp


@bp.get("/linkages/board")
@requires(Permission.VIEW_LINKAGE)
def board() -> ResponseReturnValue:
    """Counts on top; each leads to its list below, one institution or one step on request."""
    today, seen = local_day(utcnow()), visible_to(current_user)
    queue = {one.value: one for one in BOARD_QUEUES}.get(request.args.get("show", ""), Queue.STUCK)
    institution_id, state = _number(request.args.get("institution", "")), _step(request.args.get("step", ""))
    narrowed: dict[str, Any] = {"institution_id": institution_id}
    if queue in OF_REFERRALS:
        page: Any = queues.referrals_in(queue, seen, today, after=page_marker(), **narrowed)
    else:
        page = queues.linkages_in(queue, seen, today, after=page_marker(), state=state, **narrowed)
    return render_template(
        "credit/board.html", counted=queues.counts(seen, BOARD_QUEUES, today), queue=queue, page=page,
        of_referrals=queue in OF_REFERRALS, institutions=queries.all_institutions(), institution_id=institution_id,
        step=state, steps=queues.stuck_by_step(seen, today),
        kept={name: value for name in ("show", "institution", "step") if (value := request.args.get(name))},
    )  # fmt: skip


def _number(typed: str) -> int | None:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else None


def _step(typed: str) -> LinkageState | None:
    return {one.value: one for one in LinkageState}.get(typed)
