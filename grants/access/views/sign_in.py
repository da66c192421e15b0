"""In and out."""

from datetime import datetime

from flask import redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from grants.access import queries, services
from grants.access.forms import CodeForm, RecoveryForm, SignInForm, typed
from grants.access.guard import requires
from grants.access.models import User
from grants.access.permissions import Permission
from grants.access.second_factor import CODE_LIMIT, LOGIN_CODE, PASSWORD, PASSWORD_LIMIT, charge
from grants.access.sessions import close_session, open_session
from grants.access.views.blueprint import bp, me
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.errors import NotFound
from grants.core.web import errors_to, local_target
from grants.extensions import limiter

PENDING = "pending_sign_in"
PENDING_SECONDS = 300
HOME = "/"


@bp.route("/sign-in", methods=["GET", "POST"])
@requires(Permission.PUBLIC)
@limiter.limit("30/minute", methods=["POST"])
def sign_in() -> ResponseReturnValue:
    if request.method == "GET" and current_user.is_authenticated:
        return redirect(HOME)
    form = SignInForm()
    if form.validate_on_submit():
        with errors_to(form):
            charge(PASSWORD, services.email_subject(typed(form.email)), limit=PASSWORD_LIMIT, now=utcnow())
            with transaction():
                user = services.check_password(typed(form.email), typed(form.password), now=utcnow())
            session[PENDING] = [user.id, int(utcnow().timestamp())]
            return redirect(url_for(".sign_in_code"))
    return render_template("access/sign_in.html", form=form)


@bp.route("/sign-in/code", methods=["GET", "POST"])
@requires(Permission.PUBLIC)
@limiter.limit("30/minute", methods=["POST"])
def sign_in_code() -> ResponseReturnValue:
    user = _pending_user(utcnow())
    if user is None:
        return redirect(url_for(".sign_in"))
    recovery = request.args.get("with") == "recovery"
    form = RecoveryForm() if recovery else CodeForm()
    if form.validate_on_submit():
        with errors_to(form):
            charge(LOGIN_CODE, str(user.id), limit=CODE_LIMIT, now=utcnow())
            target = session.get("next") or HOME
            with transaction():
                services.accept_code(user, typed(form.code), now=utcnow())
                open_session(user, now=utcnow())
            return redirect(local_target(target))
    return render_template("access/sign_in_code.html", form=form, recovery=recovery)


def _pending_user(now: datetime) -> User | None:
    """Whoever gave the right password in this browser within the last five minutes."""
    user_id, at = session.get(PENDING) or (None, 0)
    if user_id is None or int(now.timestamp()) - int(at) > PENDING_SECONDS:
        session.pop(PENDING, None)
        return None
    try:
        return queries.get_user(int(user_id))
    except NotFound:
        return None


@bp.post("/sign-out")
@requires(Permission.PUBLIC)
def sign_out() -> ResponseReturnValue:
    """Open to all: a browser whose session has just ended may sign out too."""
    if current_user.is_authenticated:
        with transaction():
            services.end_session_of(me().session_token, by=me(), now=utcnow())
    close_session()
    return redirect(url_for(".sign_in"))


@bp.post("/account/sign-out-everywhere")
@requires(Permission.SIGNED_IN)
def sign_out_everywhere() -> ResponseReturnValue:
    with transaction():
        services.end_all_sessions(me(), now=utcnow())
    close_session()
    return redirect(url_for(".sign_in"))
