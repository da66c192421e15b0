"""The security desk's pages: clear sealed kits, hold, and ask that held deliveries go on. And the hubs."""

from collections.abc import Sequence

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, page_marker, said_if_refused
from grants.delivery import queries, services
from grants.delivery.forms import ActionForm
from grants.delivery.forms.risk import HubForm, ReceiveForm, TickForm, WayForm
from grants.delivery.levels import LEVELS
from grants.delivery.models import Delivery, PermitKind
from grants.delivery.queries import areas, permits
from grants.delivery.queries import risk as risks
from grants.delivery.views.blueprint import bp


@bp.route("/clearance", methods=["GET", "POST"])
@requires(Permission.DECIDE_RISK)
def clearance() -> ResponseReturnValue:
    page, now = areas.to_clear(after=page_marker()), utcnow()
    form = TickForm().offer([one.id for one in page.items])
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.clear_all(_ticked(page.items, form), by=current_user, now=now)
            cleared = len(form.chosen.data or ())
            flash(ngettext("%(num)d kit is cleared.", "%(num)d kits are cleared.", cleared), "good")
            return redirect(url_for(".clearance"))
    return render_template("delivery/clearance.html", page=page, form=form, now=now, **_known(page.items))


@bp.route("/<int:delivery_id>/way", methods=["GET", "POST"])
@requires(Permission.DECIDE_RISK)
def way(delivery_id: int) -> ResponseReturnValue:
    delivery, now = queries.get_delivery(delivery_id), utcnow()
    found = risks.hubs(canton_code=delivery.canton_code)
    form = WayForm(data={"hub": str(delivery.hub_id or "")}).offer(found)
    if form.validate_on_submit():
        chosen = next((hub for hub in found if str(hub.id) == form.hub.data), None)
        with errors_to(form), transaction():
            services.choose_hub(delivery, chosen, by=current_user, now=now)
            flash(_("Kept."), "good")
            return redirect(url_for(".way", delivery_id=delivery_id))
    snapshot = queries.snapshot_in_force(delivery.canton_code, now)
    permit = permits.permit_of(delivery, PermitKind.FIELD, snapshot.id) if snapshot else None
    needs_way = snapshot is not None and queries.rules(snapshot.level).hold_by_default
    return render_template("delivery/way.html", form=form, delivery=delivery, snapshot=snapshot, permit=permit,
                           hubs=found, needs_way=needs_way)  # fmt: skip


@bp.post("/<int:delivery_id>/ask-field")
@requires(Permission.DECIDE_RISK)
def ask_field(delivery_id: int) -> ResponseReturnValue:
    delivery = queries.get_delivery(delivery_id)
    if ActionForm().validate_on_submit():
        with said_if_refused():
            services.ask_field(delivery, by=current_user, now=utcnow())
            flash(_("Signed by you. It waits for the director's signature."), "good")
    return redirect(url_for(".way", delivery_id=delivery_id))


@bp.post("/<int:delivery_id>/hold")
@requires(Permission.DECIDE_RISK)
def hold(delivery_id: int) -> ResponseReturnValue:
    delivery = queries.get_delivery(delivery_id)
    if ActionForm().validate_on_submit():
        with said_if_refused():
            services.hold(delivery, by=current_user, now=utcnow())
    return redirect(url_for(".show", delivery_id=delivery_id))


@bp.route("/held", methods=["GET", "POST"])
@requires(Permission.DECIDE_RISK)
def held() -> ResponseReturnValue:
    page, now = areas.held(after=page_marker()), utcnow()
    form = TickForm().offer([one.id for one in page.items])
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.ask_resume_of_all(_ticked(page.items, form), by=current_user, now=now)
            flash(_("Signed by you. It waits for the director's signature."), "good")
            return redirect(url_for(".held"))
    return render_template(
        "delivery/held.html", page=page, form=form, now=now, held_at=areas.held_at(page.items), **_known(page.items)
    )


@bp.route("/<int:delivery_id>/receive", methods=["GET", "POST"])
@requires(Permission.PACK_KIT)
def receive(delivery_id: int) -> ResponseReturnValue:
    delivery, form = queries.get_delivery(delivery_id), ReceiveForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.receive_held(delivery, seal_number=str(form.seal_number.data), by=current_user, now=utcnow())
            flash(_("Received. Keep the kit sealed until the delivery goes on."), "good")
            return redirect(url_for(".show", delivery_id=delivery_id))
    return render_template("delivery/receive.html", form=form, delivery=delivery)


@bp.route("/hubs", methods=["GET", "POST"])
@requires(Permission.DECIDE_RISK)
def hubs() -> ResponseReturnValue:
    form = HubForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            canton = risks.get_canton(form.canton.data)
            services.add_hub(canton, name=str(form.name.data), address=str(form.address.data), by=current_user,
                             now=utcnow())  # fmt: skip
            return redirect(url_for(".hubs"))
    return render_template("delivery/hubs.html", form=form, hubs=risks.hubs())


@bp.post("/hubs/<int:hub_id>/end")
@requires(Permission.DECIDE_RISK)
def end_hub(hub_id: int) -> ResponseReturnValue:
    hub = risks.get_hub(hub_id)
    if ActionForm().validate_on_submit():
        with said_if_refused():
            services.end_hub(hub, by=current_user, now=utcnow())
    return redirect(url_for(".hubs"))


def _ticked(found: Sequence[Delivery], form: TickForm) -> list[Delivery]:
    return [one for one in found if str(one.id) in (form.chosen.data or ())]


def _known(found: Sequence[Delivery]) -> dict[str, object]:
    """What the desk's lists say beside each delivery: the canton's risk, and the permits asked and signed."""
    table = queries.levels_of(queries.protocol_in_force())
    return {
        "newest": risks.newest_snapshots(),
        "permits": permits.permits_for(found),
        "holding_levels": [level for level in LEVELS if table[level].hold_by_default],
    }
