"""One's own second factors: recovery codes, and the seed for deliveries."""

from flask import flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from grants.access import queries, services
from grants.access.forms import CodeForm, typed
from grants.access.guard import requires
from grants.access.models import FactorKind
from grants.access.permissions import Permission
from grants.access.second_factor import CODE_LIMIT, DELIVERY_CODE, LOGIN_CODE, charge
from grants.access.views.blueprint import KEPT_SECONDS, bp, look_aside, me, put_aside
from grants.access.views.invitations import RECOVERY_CODES, enrolment
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to

ENROLLING = "delivery_enrolment"


@bp.route("/account/recovery-codes", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def recovery_codes() -> ResponseReturnValue:
    """Fresh codes are shown until their owner says they are written down; after that, only new ones can be made."""
    fresh = look_aside(RECOVERY_CODES, now=utcnow(), keep=True)
    form = CodeForm()
    if fresh is None and form.validate_on_submit():
        with errors_to(form):
            charge(LOGIN_CODE, str(me().id), limit=CODE_LIMIT, now=utcnow())
            with transaction():
                codes = services.renew_recovery_codes(me(), typed(form.code), now=utcnow())
            put_aside(RECOVERY_CODES, "\n".join(codes), now=utcnow())
            return redirect(url_for(".recovery_codes"))
    codes_left = len(queries.unused_recovery_codes(me()))
    return render_template(
        "access/recovery_codes.html", form=form, codes=(fresh or "").split(), codes_left=codes_left, user=me()
    )


@bp.post("/account/recovery-codes/written-down")
@requires(Permission.SIGNED_IN)
def recovery_codes_written() -> ResponseReturnValue:
    session.pop(RECOVERY_CODES, None)
    factor = queries.factor(me(), FactorKind.DELIVERY)
    if me().needs_delivery_factor and (factor is None or factor.confirmed_at is None):
        return redirect(url_for(".delivery_factor"))
    return redirect("/")


@bp.route("/account/delivery-factor", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def delivery_factor() -> ResponseReturnValue:
    """First step: the code for signing in. Without it, a phone left open would give a seed away."""
    factor = queries.factor(me(), FactorKind.DELIVERY)
    form = CodeForm()
    if form.validate_on_submit():
        with errors_to(form):
            charge(LOGIN_CODE, str(me().id), limit=CODE_LIMIT, now=utcnow())
            with transaction():
                services.start_delivery_factor(me(), typed(form.code), now=utcnow())
            session[ENROLLING] = int(utcnow().timestamp())
            return redirect(url_for(".delivery_factor_seed"))
    return render_template("access/delivery_factor.html", form=form, factor=factor, user=me())


@bp.route("/account/delivery-factor/seed", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def delivery_factor_seed() -> ResponseReturnValue:
    factor = queries.factor(me(), FactorKind.DELIVERY)
    too_late = int(utcnow().timestamp()) - int(session.get(ENROLLING, 0)) > KEPT_SECONDS
    if factor is None or factor.confirmed_at is not None or too_late:
        return redirect(url_for(".delivery_factor"))
    form = CodeForm()
    if form.validate_on_submit():
        with errors_to(form):
            charge(DELIVERY_CODE, str(me().id), limit=CODE_LIMIT, now=utcnow())
            with transaction():
                services.confirm_delivery_factor(me(), typed(form.code), now=utcnow())
            session.pop(ENROLLING, None)
            flash(_("Your delivery code is set up."), "good")
            return redirect(url_for(".account"))
    shown = enrolment(factor, me().email)
    return render_template("access/delivery_factor_seed.html", form=form, shown=shown)
