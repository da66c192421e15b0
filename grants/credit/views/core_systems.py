"""An institution's core system: its tokens, and where it is told about what concerns it."""

from flask import current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.access.views.blueprint import look_aside, put_aside
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.errors import NotFound
from grants.core.outbox import MessageState
from grants.core.web import errors_to
from grants.credit import queries
from grants.credit.forms.core_systems import AddressForm
from grants.credit.models import Institution, Webhook, WebhookEventKind, WebhookProblem
from grants.credit.queries import tokens as token_queries
from grants.credit.queries import webhooks as webhook_queries
from grants.credit.services import tokens as token_services
from grants.credit.services import webhooks as services
from grants.credit.views.blueprint import bp
from grants.extensions import limiter

SECRET = "webhook_secret"  # noqa: S105 -- where it is kept, not what it is
EVENT_NAMES = {
    WebhookEventKind.REFERRAL_SENT: lazy_gettext("Referral sent"),
    WebhookEventKind.REFERRAL_WITHDRAWN: lazy_gettext("Referral withdrawn"),
    WebhookEventKind.REFERRAL_ENDED: lazy_gettext("Referral ended"),
    WebhookEventKind.REVERSAL_DECIDED: lazy_gettext("Reversal decided"),
    WebhookEventKind.TEST: lazy_gettext("Test"),
}
MESSAGE_NAMES = {
    MessageState.WAITING: lazy_gettext("Under way"),
    MessageState.SENT: lazy_gettext("Arrived"),
    MessageState.FAILED: lazy_gettext("Not sent"),
}
TONES = {MessageState.WAITING: "active", MessageState.SENT: "good", MessageState.FAILED: "bad"}
PROBLEM_NAMES = {
    WebhookProblem.STATUS: lazy_gettext("It answered with an error."),
    WebhookProblem.GONE: lazy_gettext("It asked to be told nothing more."),
    WebhookProblem.SILENT: lazy_gettext("It did not answer."),
    WebhookProblem.CERTIFICATE: lazy_gettext("Its certificate is not valid."),
    WebhookProblem.ADDRESS: lazy_gettext("The address leads into a private network."),
}


@bp.route("/my-core-system", methods=["GET", "POST"])
@requires(Permission.LOG_LINKAGE)
def core_system() -> ResponseReturnValue:
    institution = _own()
    webhook = webhook_queries.webhook_of(institution)
    form = AddressForm(address=webhook.address if webhook else "")
    if form.validate_on_submit():
        with errors_to(form), transaction():
            _webhook, secret = services.register(institution, str(form.address.data), plain_at_home=_plain_at_home(),
                                                 by=current_user, now=utcnow())  # fmt: skip
            if secret:
                put_aside(SECRET, secret, now=utcnow())
            flash(_("Saved. Send a test to see that it arrives."), "good")
            return _back()
    return render_template(
        "credit/core_system.html",
        form=form,
        institution=institution,
        webhook=webhook,
        fresh=look_aside(SECRET, now=utcnow()),
        events=webhook_queries.last_events(webhook) if webhook else [],
        names=EVENT_NAMES, states=MESSAGE_NAMES, tones=TONES, problems=PROBLEM_NAMES, now=utcnow(),
    )  # fmt: skip


@bp.post("/my-core-system/secret/replace")
@requires(Permission.LOG_LINKAGE)
def replace_webhook_secret() -> ResponseReturnValue:
    webhook = _own_webhook()
    with transaction():
        secret = services.replace_secret(webhook, by=current_user, now=utcnow())
    put_aside(SECRET, secret, now=utcnow())
    flash(_("Replaced. For 24 hours both secrets sign, so that your system can change over."), "good")
    return _back()


@bp.post("/my-core-system/test")
@requires(Permission.LOG_LINKAGE)
@limiter.limit("30/minute")
def test_webhook() -> ResponseReturnValue:
    webhook = _own_webhook()
    with transaction():
        services.send_test(webhook, by=current_user, now=utcnow())
    flash(_("The test leaves within a minute. Load this page again to see how it went."), "good")
    return _back()


@bp.post("/my-core-system/stop")
@requires(Permission.LOG_LINKAGE)
def stop_webhook() -> ResponseReturnValue:
    webhook = _own_webhook()
    with transaction():
        services.stop(webhook, by=current_user, now=utcnow())
    flash(_("Nothing more is sent to this address."), "good")
    return _back()


@bp.get("/institutions/<int:institution_id>/programs")
@requires(Permission.MANAGE_INSTITUTION)
def institution_programs(institution_id: int) -> ResponseReturnValue:
    """The coordinator sees what opens an institution's people to programs, and can end it, but holds no secret."""
    institution = queries.get_institution(institution_id)
    webhook = webhook_queries.webhook_of(institution)
    return render_template(
        "credit/institution_programs.html",
        institution=institution,
        tokens=token_queries.tokens_of(institution),
        webhook=webhook,
        events=webhook_queries.last_events(webhook) if webhook else [],
        names=EVENT_NAMES, states=MESSAGE_NAMES, tones=TONES, problems=PROBLEM_NAMES, now=utcnow(),
    )  # fmt: skip


@bp.post("/institutions/<int:institution_id>/programs/<int:token_id>/revoke")
@requires(Permission.MANAGE_INSTITUTION)
def revoke_institution_token(institution_id: int, token_id: int) -> ResponseReturnValue:
    token = token_queries.get_token(queries.get_institution(institution_id), token_id)
    with transaction():
        token_services.end_token(token, by=current_user, now=utcnow())
    flash(_("The token was revoked. It opens nothing any more."), "good")
    return redirect(url_for(".institution_programs", institution_id=institution_id))


def _own() -> Institution:
    institution = queries.liaison_institution(current_user)
    if institution is None:
        raise NotFound
    return institution


def _own_webhook() -> Webhook:
    webhook = webhook_queries.webhook_of(_own())
    if webhook is None:
        raise NotFound
    return webhook


def _plain_at_home() -> bool:
    return bool(current_app.config["ENVIRONMENT"] != "production")


def _back() -> ResponseReturnValue:
    return redirect(url_for(".core_system"))
