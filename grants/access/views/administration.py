"""Other people's accounts, for administrators."""

from collections.abc import Callable

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from grants.access import queries, services
from grants.access.forms import InviteForm, ReasonForm, RolesForm, typed
from grants.access.guard import requires
from grants.access.models import FactorKind, User
from grants.access.permissions import Permission
from grants.access.views.blueprint import bp, invitation_link, look_aside, me, put_aside
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, page_marker

NEW_LINK = "new_link"
MOST_AT_RISK = 25  # the first page stays short; the list below holds them all


@bp.get("/users")
@requires(Permission.MANAGE_USERS)
def users() -> ResponseReturnValue:
    page = queries.users_page(after=page_marker())
    confirmed = queries.confirmed_factors([user.id for user in page.items])
    at_risk = [] if page_marker() else queries.accounts_at_risk(now=utcnow())[:MOST_AT_RISK]
    return render_template(
        "access/users.html", page=page, confirmed=confirmed, at_risk=at_risk, risk_names=queries.RISK_NAMES
    )


@bp.route("/users/invite", methods=["GET", "POST"])
@requires(Permission.MANAGE_USERS)
def invite() -> ResponseReturnValue:
    form = InviteForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            user, link = services.invite(
                email=typed(form.email),
                name=typed(form.name),
                roles=form.chosen,
                language=form.language.data,
                link_for=invitation_link,
                by=me(),
                now=utcnow(),
            )
            put_aside(NEW_LINK, link, now=utcnow())
            return redirect(url_for(".user", user_id=user.id))
    return render_template("access/invite.html", form=form)


@bp.route("/users/<int:user_id>", methods=["GET", "POST"])
@requires(Permission.MANAGE_USERS)
def user(user_id: int) -> ResponseReturnValue:
    """One account; its POST changes the roles."""
    found = queries.get_user(user_id)
    form = RolesForm(roles=[role.value for role in found.roles])
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.change_roles(found, form.chosen, by=me(), now=utcnow())
            flash(_("The roles were changed. They count from now on."), "good")
            return redirect(url_for(".user", user_id=found.id))
    return _show(found, form, ReasonForm(formdata=None))


def _show(found: User, form: RolesForm, reason_form: ReasonForm) -> ResponseReturnValue:
    now = utcnow()
    reset = queries.open_reset(found)
    return render_template(
        "access/user.html",
        user=found,
        form=form,
        reason_form=reason_form,
        fresh_link=look_aside(NEW_LINK, now=now),
        login_factor=queries.factor(found, FactorKind.LOGIN),
        delivery_factor=queries.factor(found, FactorKind.DELIVERY),
        invitation=queries.open_invitation(found, now=now),
        is_locked=queries.is_locked(found, now=now),
        reset=reset,
        asked_by=queries.users_named([reset.requested_by_id] if reset else []),
        is_self=found.id == me().id,
    )


@bp.post("/users/<int:user_id>/deactivate")
@requires(Permission.MANAGE_USERS)
def deactivate(user_id: int) -> ResponseReturnValue:
    return _do(user_id, lambda found: services.deactivate(found, by=me(), now=utcnow()),
               _("The account was deactivated. Its sessions and tokens have ended."))  # fmt: skip


@bp.post("/users/<int:user_id>/reactivate")
@requires(Permission.MANAGE_USERS)
def reactivate(user_id: int) -> ResponseReturnValue:
    return _do(user_id, lambda found: services.reactivate(found, by=me(), now=utcnow()),
               _("The account is active again."))  # fmt: skip


@bp.post("/users/<int:user_id>/unlock")
@requires(Permission.MANAGE_USERS)
def unlock(user_id: int) -> ResponseReturnValue:
    return _do(user_id, lambda found: services.unlock(found, by=me(), now=utcnow()),
               _("The account is unlocked."))  # fmt: skip


@bp.post("/users/<int:user_id>/reinvite")
@requires(Permission.MANAGE_USERS)
def reinvite(user_id: int) -> ResponseReturnValue:
    found = queries.get_user(user_id)
    with transaction():
        link = services.reinvite(found, link_for=invitation_link, by=me(), now=utcnow())
    put_aside(NEW_LINK, link, now=utcnow())
    return redirect(url_for(".user", user_id=user_id))


@bp.post("/users/<int:user_id>/reset")
@requires(Permission.MANAGE_USERS)
def request_reset(user_id: int) -> ResponseReturnValue:
    found, form = queries.get_user(user_id), ReasonForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.request_reset(found, typed(form.reason), by=me(), now=utcnow())
            flash(_("Asked. Another administrator must approve the reset."), "good")
            return redirect(url_for(".user", user_id=user_id))
    return _show(found, RolesForm(formdata=None, roles=[role.value for role in found.roles]), form)


@bp.post("/users/<int:user_id>/reset/<int:reset_id>/approve")
@requires(Permission.MANAGE_USERS)
def approve_reset(user_id: int, reset_id: int) -> ResponseReturnValue:
    reset = queries.get_reset(reset_id, queries.get_user(user_id))
    with transaction():
        link = services.approve_reset(reset, link_for=invitation_link, by=me(), now=utcnow())
    put_aside(NEW_LINK, link, now=utcnow())
    flash(_("The reset was carried out. The person needs the new link."), "good")
    return redirect(url_for(".user", user_id=user_id))


@bp.post("/users/<int:user_id>/reset/<int:reset_id>/withdraw")
@requires(Permission.MANAGE_USERS)
def withdraw_reset(user_id: int, reset_id: int) -> ResponseReturnValue:
    reset = queries.get_reset(reset_id, queries.get_user(user_id))
    with transaction():
        services.withdraw_reset(reset, by=me(), now=utcnow())
    flash(_("The request was withdrawn."), "good")
    return redirect(url_for(".user", user_id=user_id))


def _do(user_id: int, change: Callable[[User], None], done: str) -> ResponseReturnValue:
    found = queries.get_user(user_id)
    with transaction():
        change(found)
    flash(done, "good")
    return redirect(url_for(".user", user_id=user_id))
