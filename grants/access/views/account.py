"""One's own account."""

from flask import flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import refresh

from grants.access import queries, services
from grants.access.forms import ChangePasswordForm, LanguageForm, typed
from grants.access.guard import requires
from grants.access.models import FactorKind
from grants.access.passwords import passwords
from grants.access.permissions import Permission
from grants.access.second_factor import PASSWORD, PASSWORD_LIMIT, charge
from grants.access.views.blueprint import bp, me
from grants.core.clock import utcnow
from grants.core.crypto import token_hash
from grants.core.db import transaction
from grants.core.web import errors_to


@bp.get("/account")
@requires(Permission.SIGNED_IN)
def account() -> ResponseReturnValue:
    now, user = utcnow(), me()
    return render_template(
        "access/account.html",
        user=user,
        sessions=queries.open_sessions(user, now=now),
        this_session=token_hash(user.session_token),
        tokens=queries.tokens(user),
        codes_left=len(queries.unused_recovery_codes(user)),
        delivery_factor=queries.factor(user, FactorKind.DELIVERY),
        language_form=LanguageForm(language=user.language),
        now=now,
    )


@bp.route("/account/password", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def password() -> ResponseReturnValue:
    form = ChangePasswordForm()
    if form.validate_on_submit():
        with errors_to(form):
            charge(PASSWORD, me().email_lookup_subject, limit=PASSWORD_LIMIT, now=utcnow())
            with transaction():
                services.change_password(me(), old=typed(form.old_password), new=typed(form.password), now=utcnow())
            flash(_("Your password was changed. Other browsers were signed out."), "good")
            return redirect(url_for(".account"))
    return render_template("access/password.html", form=form, least=passwords().min_length)


@bp.post("/account/language")
@requires(Permission.SIGNED_IN)
def language() -> ResponseReturnValue:
    form = LanguageForm()
    if form.validate_on_submit():
        with transaction():
            services.change_language(me(), form.language.data, now=utcnow())
        session["language"] = form.language.data
        refresh()
        flash(_("Your language was changed."), "good")
    return redirect(url_for(".account"))


@bp.post("/account/sessions/<int:session_id>/end")
@requires(Permission.SIGNED_IN)
def end_session(session_id: int) -> ResponseReturnValue:
    found = queries.get_own_session(session_id, me())
    with transaction():
        services.end_session(found, by=me(), now=utcnow())
    flash(_("That browser was signed out."), "good")
    return redirect(url_for(".account"))
