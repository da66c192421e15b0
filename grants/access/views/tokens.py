"""One's own API tokens."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from grants.access import queries, services
from grants.access.forms import TokenForm, typed
from grants.access.guard import requires
from grants.access.permissions import PERMISSION_NAMES, Permission
from grants.access.views.blueprint import bp, look_aside, me, put_aside
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to

NEW_TOKEN = "new_token"  # noqa: S105 -- where it is kept, not what it is


@bp.route("/account/tokens", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def api_tokens() -> ResponseReturnValue:
    form = TokenForm()
    own = [permission for permission in PERMISSION_NAMES if permission in me().permissions]
    form.scopes.choices = [(permission.value, PERMISSION_NAMES[permission]) for permission in own]
    if form.validate_on_submit():
        with errors_to(form), transaction():
            _token, text = services.create_token(
                me(),
                label=typed(form.label),
                scopes=frozenset(Permission(word) for word in form.scopes.data or ()),
                days=form.days.data or 0,
                now=utcnow(),
            )
            put_aside(NEW_TOKEN, text, now=utcnow())
            return redirect(url_for(".api_tokens"))
    fresh = look_aside(NEW_TOKEN, now=utcnow())
    return render_template(
        "access/tokens.html", form=form, fresh=fresh, tokens=queries.tokens(me()), names=PERMISSION_NAMES, now=utcnow()
    )


@bp.post("/account/tokens/<int:token_id>/revoke")
@requires(Permission.SIGNED_IN)
def revoke_token(token_id: int) -> ResponseReturnValue:
    token = queries.get_own_token(token_id, me())
    with transaction():
        services.revoke_token(token, by=me(), now=utcnow())
    flash(_("The token was revoked. It opens nothing any more."), "good")
    return redirect(url_for(".api_tokens"))
