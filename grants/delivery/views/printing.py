"""Many papers in one file: ask, approve, follow, download once."""

from flask import jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, page_marker, public_url, said_if_refused
from grants.delivery import press, queries, services
from grants.delivery.forms import PrintForm
from grants.delivery.models import BATCH_NAMES, BATCH_STATES, BatchState
from grants.delivery.queries.printing import calls_with_awards, kinds_for
from grants.delivery.views.blueprint import bp, sent

P = Permission
TONES = {BatchState.ASKED: "warn", BatchState.MAKING: "active", BatchState.READY: "good"}


@bp.route("/prints", methods=["GET", "POST"])
@requires(P.ISSUE_CARD, P.PLAN_DELIVERY, P.PACK_KIT)
def prints() -> ResponseReturnValue:
    form = PrintForm()
    offered = calls_with_awards()
    form.offer(kinds_for(current_user), offered)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            call = next((one for one in offered if one.id == form.call.data), None)
            batch = services.ask_batch(form.chosen, call, address=_address(), by=current_user, now=utcnow())
            return redirect(url_for(".print_batch", batch_id=batch.id))
    page = queries.print_batches(current_user, after=page_marker())
    return render_template("delivery/prints.html", form=form, page=page, **_words())


@bp.get("/prints/<int:batch_id>")
@requires(P.ISSUE_CARD, P.PLAN_DELIVERY, P.PACK_KIT)
def print_batch(batch_id: int) -> ResponseReturnValue:
    batch = queries.get_batch(batch_id, current_user)
    left_out = queries.left_out(batch.id)
    return render_template("delivery/print_batch.html", batch=batch, left_out=left_out, **_words())


@bp.post("/prints/<int:batch_id>/approve")
@requires(P.ISSUE_CARD, P.PLAN_DELIVERY, P.PACK_KIT)
def approve_print(batch_id: int) -> ResponseReturnValue:
    batch = queries.get_batch(batch_id, current_user)
    with said_if_refused():
        services.approve_batch(batch, by=current_user, now=utcnow())
    return redirect(url_for(".print_batch", batch_id=batch_id))


@bp.post("/prints/<int:batch_id>/end")
@requires(P.ISSUE_CARD, P.PLAN_DELIVERY, P.PACK_KIT)
def end_print(batch_id: int) -> ResponseReturnValue:
    batch = queries.get_batch(batch_id, current_user)
    with said_if_refused():
        services.end_batch(batch, by=current_user, now=utcnow())
    return redirect(url_for(".print_batch", batch_id=batch_id))


@bp.post("/prints/<int:batch_id>/go-on")
@requires(P.ISSUE_CARD, P.PLAN_DELIVERY, P.PACK_KIT)
def go_on(batch_id: int) -> ResponseReturnValue:
    """Make the next pages. The page's script asks for JSON; a press of the button comes back to the page."""
    press.go_on(queries.get_batch(batch_id, current_user).id, now=utcnow())
    if request.accept_mimetypes.best == "application/json":
        batch = queries.get_batch(batch_id, current_user)
        return jsonify(made=batch.made, total=batch.total, state=batch.state.value)
    return redirect(url_for(".print_batch", batch_id=batch_id))


@bp.post("/prints/<int:batch_id>/download")
@requires(P.ISSUE_CARD, P.PLAN_DELIVERY, P.PACK_KIT)
def download_print(batch_id: int) -> ResponseReturnValue:
    batch = queries.get_batch(batch_id, current_user)
    with said_if_refused():
        whole = services.take_file(batch, by=current_user, now=utcnow())
        return sent(whole, f"tanda-{batch.folio}.pdf")
    return redirect(url_for(".print_batch", batch_id=batch_id))


def _address() -> str:
    """Where papers are verified, up to their number."""
    return public_url("delivery.verify", number="0").removesuffix("0")


def _words() -> dict[str, object]:
    return {"batch_kinds": BATCH_NAMES, "batch_states": BATCH_STATES, "batch_tones": TONES}
