"""The way into a new account: password, factor, recovery codes. Each step can be reloaded, and gone back to."""

import base64
from typing import NamedTuple

import pyotp
from flask import redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import refresh
from flask_login import current_user

from grants.access import queries, services
from grants.access.forms import CodeForm, PasswordForm, typed
from grants.access.guard import requires
from grants.access.models import Factor, FactorKind, Invitation
from grants.access.passwords import passwords
from grants.access.permissions import Permission
from grants.access.second_factor import CODE_LIMIT, LOGIN_CODE, charge
from grants.access.sessions import open_session
from grants.access.views.blueprint import bp, me, put_aside
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.documents import qr_svg
from grants.core.errors import NotFound
from grants.core.web import errors_to
from grants.extensions import limiter

ISSUERS = {FactorKind.LOGIN: "Semilla", FactorKind.DELIVERY: "Semilla entregas"}
RECOVERY_CODES = "recovery_codes"


class Enrolment(NamedTuple):
    """What a page shows of a seed: a QR, the link for an app on this phone, the letters to type."""

    image: str
    address: str
    letters: str


def enrolment(factor: Factor, email: str) -> Enrolment:
    address = pyotp.TOTP(factor.seed).provisioning_uri(name=email, issuer_name=ISSUERS[factor.kind])
    image = base64.b64encode(qr_svg(address).encode()).decode()
    groups = [factor.seed[at : at + 4] for at in range(0, len(factor.seed), 4)]
    return Enrolment(f"data:image/svg+xml;base64,{image}", address, " ".join(groups))


@bp.route("/invitation/<token>", methods=["GET", "POST"])
@requires(Permission.PUBLIC)
@limiter.limit("30/minute", methods=["POST"])
def invitation(token: str) -> ResponseReturnValue:
    try:
        found = _open(token)
    except NotFound:
        return _closed(token)
    form = PasswordForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.choose_password(found, typed(form.password), now=utcnow())
            return redirect(url_for(".invitation_factor", token=token))
    return render_template("access/invitation.html", form=form, least=passwords().min_length, user=found.user)


@bp.route("/invitation/<token>/factor", methods=["GET", "POST"])
@requires(Permission.PUBLIC)
@limiter.limit("30/minute", methods=["POST"])
def invitation_factor(token: str) -> ResponseReturnValue:
    try:
        found = _open(token)
    except NotFound:
        return _closed(token)
    factor = queries.factor(found.user, FactorKind.LOGIN)
    if factor is None:
        return redirect(url_for(".invitation", token=token))
    form = CodeForm()
    if form.validate_on_submit():
        with errors_to(form):
            charge(LOGIN_CODE, str(found.user_id), limit=CODE_LIMIT, now=utcnow())
            return _finish(found, typed(form.code))
    shown = enrolment(factor, found.user.email)
    return render_template("access/invitation_factor.html", form=form, shown=shown, token=token)


def _finish(found: Invitation, code: str) -> ResponseReturnValue:
    with transaction():
        codes = services.accept_invitation(found, code, now=utcnow())
        open_session(found.user, now=utcnow())
    put_aside(RECOVERY_CODES, "\n".join(codes), now=utcnow())
    return redirect(url_for(".recovery_codes"))


def _open(token: str) -> Invitation:
    """The invitation, its page in the language that was chosen for the person."""
    found = queries.invitation_of_link(token, now=utcnow())
    if "language" not in session:
        session["language"] = found.user.language
        refresh()
    return found


def _closed(token: str) -> ResponseReturnValue:
    """The link has served: its owner goes on, anybody else reads what to do."""
    if current_user.is_authenticated and queries.owner_of_used_link(token) == me().id:
        return redirect(url_for(".recovery_codes"))
    return render_template("access/invitation_closed.html"), 404
