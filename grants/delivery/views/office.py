"""The coordinator's pages: what to plan, what stands where, approvals."""

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.web import Onward, leads_on, page_marker, said_if_refused
from grants.delivery import queries, services
from grants.delivery.forms import CancelForm
from grants.delivery.models import REASON_NAMES, STATE_NAMES, DeliveryState
from grants.delivery.queries import kits
from grants.delivery.queries.photos import photos_of
from grants.delivery.queries.told import told
from grants.delivery.views.blueprint import bp, reads_reasons

S = DeliveryState
RIVER = (S.PLANNED, S.APPROVED, S.PACKED, S.SEALED, S.CLEARED, S.SCHEDULED, S.IN_TRANSIT, S.AT_POINT, S.CONFIRMED)
TONES = {
    S.CONFIRMED: "good", S.RECONCILED: "good", S.MONITORED: "good", S.CLOSED: "good",
    S.IN_TRANSIT: "active", S.AT_POINT: "active", S.NO_SHOW: "warn", S.REFUSED: "warn", S.RETURNING: "warn",
    S.HELD: "warn", S.DISPUTED: "warn", S.REVIEW: "warn",
}  # fmt: skip


@bp.app_context_processor
def state_words() -> dict[str, object]:
    """Names and tones of states, for this feature's templates and for pages that show a delivery."""
    return {"delivery_states": STATE_NAMES, "delivery_tones": TONES, "delivery_reasons": REASON_NAMES}


@leads_on("award")
def delivery_links(award_id: int) -> list[Onward]:
    """The award's delivery, or where it is planned; and the person's card."""
    live = queries.own_handover(award_id, current_user) or queries.live_delivery(award_id)
    links = []
    if live is not None and current_user.may(Permission.VIEW_DELIVERY):
        address = url_for("delivery.show", delivery_id=live.id)
        links.append(Onward(_("Delivery %(folio)s", folio=live.folio), address))
    elif live is None and current_user.may(Permission.PLAN_DELIVERY) and queries.get_award(award_id).is_active:
        links.append(Onward(_("Plan deliveries"), url_for("delivery.to_plan")))
    if links and current_user.may(Permission.ISSUE_CARD):
        links.append(Onward(_("Symbol card"), url_for("delivery.card", award_id=award_id)))
    return links


@bp.get("/")
@requires(Permission.VIEW_DELIVERY)
def index() -> ResponseReturnValue:
    wanted = request.args.get("state", "")
    state = DeliveryState(wanted) if wanted in set(DeliveryState) else None
    page = queries.deliveries(reader=current_user, state=state, after=page_marker())
    return render_template("delivery/index.html", page=page, state=state, states=RIVER)


@bp.get("/to-plan")
@requires(Permission.PLAN_DELIVERY)
def to_plan() -> ResponseReturnValue:
    return render_template(
        "delivery/to_plan.html", page=queries.awards_to_plan(reader=current_user, after=page_marker())
    )


@bp.post("/plan/<int:award_id>")
@requires(Permission.PLAN_DELIVERY)
def plan(award_id: int) -> ResponseReturnValue:
    award = queries.get_award(award_id)
    with said_if_refused():
        delivery = services.plan_delivery(award, by=current_user, now=utcnow())
        return redirect(url_for(".show", delivery_id=delivery.id))
    return redirect(url_for(".to_plan"))


@bp.get("/<int:delivery_id>")
@requires(Permission.VIEW_DELIVERY)
def show(delivery_id: int) -> ResponseReturnValue:
    delivery = queries.get_delivery(delivery_id)
    (shown,) = told([delivery], current_user)
    can_cancel = delivery.can_become(S.CANCELLED) and delivery.carried_since is None
    return render_template(
        "delivery/show.html",
        delivery=shown,
        receipt=queries.receipt_of(delivery),
        substitutions=kits.substitutions_of(delivery),
        photos=photos_of(delivery) if current_user.may(Permission.RECONCILE_DELIVERY) else (),
        river=RIVER,
        at=_place_in_river(shown.state),
        cancel_form=CancelForm(),
        reads_reasons=reads_reasons(),
        can_cancel=can_cancel,
        freed_usd=queries.freed_since_planned(delivery, current_user) if can_cancel else 0,
    )


@bp.post("/<int:delivery_id>/approve")
@requires(Permission.APPROVE_DELIVERY)
def approve(delivery_id: int) -> ResponseReturnValue:
    delivery = queries.get_delivery(delivery_id)
    with said_if_refused():
        services.approve(delivery, by=current_user, now=utcnow())
    return redirect(url_for(".show", delivery_id=delivery_id))


@bp.post("/<int:delivery_id>/cancel")
@requires(Permission.PLAN_DELIVERY)
def cancel(delivery_id: int) -> ResponseReturnValue:
    delivery, form = queries.get_delivery(delivery_id), CancelForm()
    if form.validate_on_submit():
        with said_if_refused():
            services.cancel(delivery, reason=form.chosen, by=current_user, now=utcnow())
    return redirect(url_for(".show", delivery_id=delivery_id))


def _place_in_river(state: DeliveryState) -> int:
    """The step that the delivery is at; all are behind it once it is handed over."""
    if state in (S.CONFIRMED, S.DISPUTED, S.RECONCILED, S.MONITORED, S.CLOSED):
        return len(RIVER)
    if state in (S.NO_SHOW, S.REFUSED, S.RETURNING):
        return RIVER.index(S.AT_POINT)
    return RIVER.index(state) + 1 if state in RIVER else 0
