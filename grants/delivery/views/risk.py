"""The risk of areas: who may read it, raise it, record it, hold an area, and sign."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, page_marker, said_if_refused
from grants.delivery import (
    risk_jobs,  # noqa: F401 -- registers its job
    services,
)
from grants.delivery.forms import ActionForm
from grants.delivery.forms.risk import AssessmentForm, RaiseForm
from grants.delivery.levels import LEVEL_NAMES
from grants.delivery.models import PERMIT_NAMES, DeliveryState, PermitKind
from grants.delivery.queries import areas, permits
from grants.delivery.queries import risk as queries
from grants.delivery.queries.current import levels_in_force
from grants.delivery.views.blueprint import bp, reads_reasons
from grants.delivery.views.protocol import proposed

S = DeliveryState
ON_THE_WAY = (S.IN_TRANSIT, S.AT_POINT)


@bp.app_context_processor
def level_words() -> dict[str, object]:
    return {"risk_levels": LEVEL_NAMES}


@bp.get("/risk")
@requires(Permission.VIEW_RISK)
def risk() -> ResponseReturnValue:
    found = areas.areas(utcnow(), with_signs=reads_reasons())
    signs = [str(sign.name) for sign in queries.risk_signs] if reads_reasons() else []
    return render_template("delivery/risk.html", areas=found, signs=signs, reads_reasons=reads_reasons())


@bp.get("/risk/areas/<canton_code>")
@requires(Permission.VIEW_RISK)
def canton_risk(canton_code: str) -> ResponseReturnValue:
    canton, now = queries.get_canton(canton_code), utcnow()
    newest = queries.newest_snapshot(canton.code)
    reads, counts = reads_reasons(), areas.counts_of(canton.code)
    page = queries.history(canton.code, after=page_marker()) if reads else None
    on_the_way = areas.deliveries_of(canton.code, *ON_THE_WAY) if current_user.may(Permission.DECIDE_RISK) else ()
    return render_template(
        "delivery/canton_risk.html",
        canton=canton,
        snapshot=newest,
        is_current=newest is not None and newest.is_live(now),
        is_rescheduled=bool(counts.get(S.HELD)) or newest is None or not newest.is_live(now),
        page=page,
        now=now,
        people=queries.names_of([*page.items, *([newest] if newest else [])]) if page else {},
        reads_reasons=reads,
        on_the_way=on_the_way,
        without_way=permits.without_way(on_the_way, {canton.code: newest}, levels_in_force()) if newest else (),
        counts=counts if current_user.may(Permission.VIEW_DELIVERY) else {},
    )


@bp.route("/risk/raise", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def raise_risk() -> ResponseReturnValue:
    form = RaiseForm(data={"canton": request.args.get("canton", "")})
    if form.validate_on_submit():
        with errors_to(form), transaction():
            canton = queries.get_canton(form.canton.data)
            raised = services.raise_level(canton, form.said, by=current_user, now=utcnow())
            holds = _("Thank you. It holds at once, and the security desk sees what you wrote.")
            kept = _("Thank you. The security desk reads what you wrote before a delivery goes out there.")
            flash(holds if raised.in_force_at else kept, "good")
            return redirect(url_for("home.show"))
    return render_template("delivery/raise_risk.html", form=form)


@bp.route("/risk/areas/<canton_code>/record", methods=["GET", "POST"])
@requires(Permission.DECIDE_RISK)
def record_risk(canton_code: str) -> ResponseReturnValue:
    canton, form = queries.get_canton(canton_code), AssessmentForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            taken = services.record_snapshot(canton, form.said, by=current_user, now=utcnow())
            waits = _("The level is lower than the last one: it waits for the director's signature.")
            flash(_("Recorded, and in force.") if taken.in_force_at else waits, "good")
            return redirect(url_for(".canton_risk", canton_code=canton.code))
    newest = queries.newest_snapshot(canton.code)
    return render_template("delivery/record_risk.html", form=form, canton=canton, snapshot=newest, now=utcnow())


@bp.post("/risk/areas/<canton_code>/hold")
@requires(Permission.DECIDE_RISK)
def hold_area(canton_code: str) -> ResponseReturnValue:
    canton = queries.get_canton(canton_code)
    if ActionForm().validate_on_submit():
        with said_if_refused():
            held = services.hold_area(canton, by=current_user, now=utcnow())
            flash(ngettext("%(num)d delivery is held.", "%(num)d deliveries are held.", held), "good")
    return redirect(url_for(".canton_risk", canton_code=canton.code))


@bp.get("/signatures")
@requires(Permission.SIGN_RISK)
def signatures() -> ResponseReturnValue:
    now = utcnow()
    return render_template(
        "delivery/signatures.html",
        lowerings=queries.lowerings_to_sign(now),
        newest=queries.newest_snapshots(),
        permits=permits.permits_to_sign(now),
        permit_names=PERMIT_NAMES,
        **proposed(),
    )


@bp.post("/signatures/levels/<int:snapshot_id>")
@requires(Permission.SIGN_RISK)
def sign_lowering(snapshot_id: int) -> ResponseReturnValue:
    snapshot = queries.get_snapshot(snapshot_id)
    if ActionForm().validate_on_submit():
        with said_if_refused():
            services.sign_lowering(snapshot, by=current_user, now=utcnow())
            flash(_("Signed. The lower level is in force."), "good")
    return redirect(url_for(".signatures"))


@bp.post("/signatures/permits/<int:permit_id>")
@requires(Permission.SIGN_RISK)
def sign_permit(permit_id: int) -> ResponseReturnValue:
    permit = permits.get_permit(permit_id)
    if ActionForm().validate_on_submit():
        with said_if_refused():
            verb = services.sign_resume if permit.kind is PermitKind.RESUME else services.sign_permit
            verb(permit, by=current_user, now=utcnow())
            flash(_("Signed."), "good")
    return redirect(url_for(".signatures"))
