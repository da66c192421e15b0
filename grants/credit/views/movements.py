"""Movements of a credit: logging one, and taking one back by two people."""

from decimal import Decimal
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import local_day, utcnow
from grants.core.db import transaction
from grants.core.errors import NotFound
from grants.core.web import errors_to, page_marker
from grants.credit import movement_words as said
from grants.credit import queries, services
from grants.credit.forms.movements import MOVEMENT_FORMS, ReversalForm
from grants.credit.forms.quick import keyed
from grants.credit.models import Linkage, LinkageKind, MovementKind
from grants.credit.progress import progress_of
from grants.credit.queries import movements as movement_queries
from grants.credit.services import reversals
from grants.credit.services.movement_rules import possible_now
from grants.credit.services.quick import log_once
from grants.credit.standing import Standing
from grants.credit.views.blueprint import bp


@bp.route("/linkages/<int:linkage_id>/movements/<kind>/log", methods=["GET", "POST"])
@requires(Permission.LOG_LINKAGE)
def log_movement(linkage_id: int, kind: str) -> ResponseReturnValue:
    linkage = queries.get_own_linkage(current_user, linkage_id)
    named = _kind_named(kind)
    found = services.standing_of(linkage, local_day(utcnow()))
    # What is sent stands by itself: a second tap says the same as the first, whatever that one has changed.
    filled = _likely(named, linkage, found) if request.method == "GET" else {}
    form = keyed(MOVEMENT_FORMS[named])(happened_on=local_day(utcnow()), **filled)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            is_new = log_once(linkage, form.movement(named), key=form.form_key.data, by=current_user, now=utcnow())
            flash(_("Logged.") if is_new else _("This was logged already; it stands once."), "good")
            return redirect(url_for(".linkage", linkage_id=linkage.id))
        if form.form_key.errors:
            form.form_key.renew()
    return render_template("credit/log_movement.html", form=form, linkage=linkage, kind=named, found=found, said=said)


@bp.route("/linkages/<int:linkage_id>/movements/<int:movement_id>/reverse", methods=["GET", "POST"])
@requires(Permission.DECIDE_REVERSAL)
def reverse_movement(linkage_id: int, movement_id: int) -> ResponseReturnValue:
    """Propose that a movement is taken back. Somebody else decides."""
    movement = movement_queries.get_movement(current_user, linkage_id, movement_id)
    form = ReversalForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            reversals.propose_reversal(movement, str(form.reason.data), by=current_user, now=utcnow())
            flash(_("Proposed. It counts until somebody else agrees."), "good")
            return redirect(url_for(".linkage", linkage_id=linkage_id))
    return render_template("credit/reverse_movement.html", form=form, movement=movement, said=said)


@bp.get("/reversals")
@requires(Permission.DECIDE_REVERSAL)
def waiting_reversals() -> ResponseReturnValue:
    """What waits for a second person: across institutions for a coordinator, the own institution's for a liaison."""
    page = movement_queries.reversals_page(current_user, after=page_marker())
    return render_template("credit/reversals.html", page=page, said=said)


@bp.post("/reversals/<int:reversal_id>/confirm")
@requires(Permission.DECIDE_REVERSAL)
def confirm_reversal(reversal_id: int) -> ResponseReturnValue:
    proposal = movement_queries.get_reversal(current_user, reversal_id)
    with transaction():
        reversals.confirm_reversal(proposal, by=current_user, now=utcnow())
    flash(_("Taken back. The credit stands as if it had never been logged."), "good")
    return redirect(url_for(".linkage", linkage_id=proposal.movement.linkage_id))


@bp.post("/reversals/<int:reversal_id>/refuse")
@requires(Permission.DECIDE_REVERSAL)
def refuse_reversal(reversal_id: int) -> ResponseReturnValue:
    proposal = movement_queries.get_reversal(current_user, reversal_id)
    with transaction():
        reversals.refuse_reversal(proposal, by=current_user, now=utcnow())
    flash(_("Refused. The movement stays as it was logged."), "good")
    return redirect(url_for(".waiting_reversals"))


def facts_of(linkage: Linkage, *, is_own: bool) -> dict[str, Any]:
    """What the page of a linkage shows about its life after the approval."""
    if linkage.kind is not LinkageKind.CREDIT or not linkage.movements:
        return {"said": said, "found": None}
    found = services.standing_of(linkage, local_day(utcnow()))
    may_refinance = is_own and linkage.is_active_credit and linkage.refinances_id is None
    return {
        "said": said,
        "found": found if found.disbursed else None,
        "rows": progress_of(found),
        "kinds": possible_now(linkage),
        "reversals": movement_queries.live_reversals(linkage),
        "earlier": movement_queries.earlier_credits(linkage) if may_refinance else [],
        "successor": movement_queries.successor_of(linkage),
    }


def _likely(kind: MovementKind, linkage: Linkage, found: Standing) -> dict[str, Any]:
    """What stands in the form before anybody types."""
    if kind is MovementKind.DISBURSEMENT:
        return {"amount_usd": linkage.undisbursed_usd}
    if kind is MovementKind.WRITE_OFF:
        return {"amount_usd": found.owed}
    if kind is MovementKind.RESTRUCTURE:
        return {
            "balance_usd": found.owed,
            "rate_percent": f"{(linkage.rate_percent or Decimal(0)).normalize():f}",
            "rate_kind": linkage.rate_kind,
            "method": linkage.method,
            "frequency": linkage.frequency,
        }
    return {}


def _kind_named(word: str) -> MovementKind:
    from_word = {kind.value.replace("_", "-"): kind for kind in MovementKind}
    if word not in from_word:
        raise NotFound
    return from_word[word]
