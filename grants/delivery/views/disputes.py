"""Disputes: opened, proposed, signed."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.errors import NotFound
from grants.core.web import errors_to, page_marker, said_if_refused
from grants.delivery import queries, services
from grants.delivery.forms import DisputeForm, ProposalForm, SignForm
from grants.delivery.models import Dispute, DisputeOutcome, Reason
from grants.delivery.models.outcomes import DISPUTE_NAMES
from grants.delivery.views.blueprint import bp


@bp.route("/<int:delivery_id>/dispute", methods=["GET", "POST"])
@requires(Permission.DISPUTE_DELIVERY)
def open_dispute(delivery_id: int) -> ResponseReturnValue:
    delivery, form = queries.get_delivery(delivery_id), DisputeForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            reason = Reason(form.reason.data)
            services.open_dispute(delivery, reason=reason, said=str(form.said.data), by=current_user, now=utcnow())
            flash(_("The dispute is open. Two other people decide it."), "good")
            return redirect(url_for(".show", delivery_id=delivery_id))
    return render_template("delivery/open_dispute.html", form=form, delivery=delivery)


@bp.get("/disputes")
@requires(Permission.DECIDE_DISPUTE, Permission.DISPUTE_DELIVERY)
def disputes() -> ResponseReturnValue:
    open_ones = request.args.get("show") != "decided"
    page = queries.disputes_page(reader=current_user, open_ones=open_ones, after=page_marker())
    return render_template("delivery/disputes.html", page=page, open_ones=open_ones, outcomes=DISPUTE_NAMES)


@bp.get("/disputes/<int:dispute_id>")
@requires(Permission.DECIDE_DISPUTE, Permission.DISPUTE_DELIVERY)
def dispute(dispute_id: int) -> ResponseReturnValue:
    found = _visible(dispute_id)
    return _page(found, ProposalForm.for_lines(found.delivery.lines, formdata=None, data=_known(found)))


@bp.post("/disputes/<int:dispute_id>/propose")
@requires(Permission.DECIDE_DISPUTE)
def propose(dispute_id: int) -> ResponseReturnValue:
    found = _visible(dispute_id)
    form = ProposalForm.for_lines(found.delivery.lines)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.propose(
                found, outcome=form.chosen, answer=str(form.answer.data), kept=form.kept, by=current_user, now=utcnow()
            )
            flash(_("Proposed. Another person signs."), "good")
            return redirect(url_for(".dispute", dispute_id=dispute_id))
    return _page(found, form)


@bp.post("/disputes/<int:dispute_id>/sign")
@requires(Permission.DECIDE_DISPUTE)
def sign(dispute_id: int) -> ResponseReturnValue:
    found, form = _visible(dispute_id), SignForm()
    with said_if_refused():
        services.sign(found, proposal=form.number, by=current_user, now=utcnow())
        flash(_("The dispute is decided."), "good")
    return redirect(url_for(".dispute", dispute_id=dispute_id))


def _visible(dispute_id: int) -> Dispute:
    """A dispute. Whoever carried the kit does not read what the person says of its handover."""
    found = queries.get_dispute(dispute_id)
    if queries.was_on_the_team(found.delivery, current_user):
        raise NotFound
    return found


def _known(found: Dispute) -> dict[str, int]:
    """What the proposal that stands says of each line; where the person received nothing, nothing."""
    if found.outcome is not DisputeOutcome.REPLACEMENT and found.reason is not Reason.NOT_RECEIVED:
        return {}
    kept = {one.line_id: one.units for one in queries.kept_in(found)}
    return {f"with_person_{line.position}": kept.get(line.id, 0) for line in found.delivery.lines}


def _page(found: Dispute, form: ProposalForm) -> str:
    involved = queries.holds_duty(found.delivery, current_user)
    decides = current_user.may(Permission.DECIDE_DISPUTE) and not involved and found.opened_by_id != current_user.id
    return render_template(
        "delivery/dispute.html",
        dispute=found,
        form=form,
        decides=decides and not found.is_decided,
        signs=decides and found.can_be_signed_by(current_user),
        outcomes=DISPUTE_NAMES,
        kept=queries.kept_in(found),
        again=found.outcome is DisputeOutcome.REPLACEMENT,
    )
