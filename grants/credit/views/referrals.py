"""A referral, and the institution's answer."""

from flask import current_app, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import local_day, utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, page_marker
from grants.credit import queries, services
from grants.credit.forms import AddLinkageForm, DeclineForm
from grants.credit.models import LinkageKind, Referral, ReferralState
from grants.credit.queries import matching, reassignment
from grants.credit.services import receipts
from grants.credit.services import referrals as referral_services
from grants.credit.views.blueprint import bp
from grants.people.models import GROUP_NAMES
from grants.people.words import DOCUMENT_NAMES


@bp.get("/referrals/<int:referral_id>")
@requires(Permission.VIEW_LINKAGE, Permission.LOG_LINKAGE, writes=True)
def referral(referral_id: int) -> ResponseReturnValue:
    """Coordinators see all, a liaison those of the own institution; for others there is no such page."""
    found = queries.get_referral(current_user, referral_id)
    if _is_own(found):
        with transaction():
            referral_services.acknowledge(found, by=current_user, now=utcnow())
    return _show(found)


@bp.post("/referrals/<int:referral_id>/withdraw")
@requires(Permission.REFER_PERSON)
def withdraw(referral_id: int) -> ResponseReturnValue:
    referral = queries.get_referral(current_user, referral_id)
    with transaction():
        services.withdraw(referral, by=current_user, now=utcnow())
    flash(_("The consent is withdrawn, and the institution no longer sees the person."), "good")
    return _to_referral(referral)


@bp.get("/referrals/<int:referral_id>/receipt")
@requires(Permission.REFER_PERSON, writes=True)
def receipt(referral_id: int) -> ResponseReturnValue:
    referral = queries.get_referral(current_user, referral_id)
    with transaction():
        document = receipts.make_receipt(referral, contact=str(current_app.config["SUPPORT_CONTACT"]), by=current_user,
                                         now=utcnow())  # fmt: skip
    answer = make_response(document)
    answer.headers["Content-Type"] = "application/pdf"
    answer.headers["Content-Disposition"] = f'attachment; filename="{referral.folio}.pdf"'
    return answer


@bp.get("/my-referrals")
@requires(Permission.LOG_LINKAGE)
def my_referrals() -> ResponseReturnValue:
    institution = queries.liaison_institution(current_user)
    if institution is None:
        post = queries.liaison_post(current_user)
        return render_template("credit/my_referrals.html", institution=None, post=post)
    state = _state(request.args.get("state"))
    page = queries.own_referrals_page(institution, state=state, after=page_marker())
    return render_template("credit/my_referrals.html", institution=institution, page=page, state=state)


@bp.post("/referrals/<int:referral_id>/accept")
@requires(Permission.LOG_LINKAGE)
def accept(referral_id: int) -> ResponseReturnValue:
    referral = queries.get_own_referral(current_user, referral_id)
    with transaction():
        services.accept(referral, by=current_user, now=utcnow())
    flash(_("Accepted. Log each step when it happens."), "good")
    if len(referral.linkages) == 1:
        return redirect(url_for(".linkage", linkage_id=referral.linkages[0].id))
    return _to_referral(referral)


@bp.route("/referrals/<int:referral_id>/decline", methods=["GET", "POST"])
@requires(Permission.LOG_LINKAGE)
def decline(referral_id: int) -> ResponseReturnValue:
    referral = queries.get_own_referral(current_user, referral_id)
    form = DeclineForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.decline(referral, form.reason(), by=current_user, now=utcnow())
            flash(_("Declined. The coordinator sees the reason."), "good")
            return _to_referral(referral)
    return render_template("credit/decline.html", form=form, referral=referral)


@bp.post("/referrals/<int:referral_id>/add")
@requires(Permission.LOG_LINKAGE)
def add_linkage(referral_id: int) -> ResponseReturnValue:
    referral = queries.get_own_referral(current_user, referral_id)
    form = AddLinkageForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            linkage = services.open_linkage(referral, LinkageKind(form.kind.data), by=current_user, now=utcnow())
            flash(_("Added. Log each step when it happens."), "good")
            return redirect(url_for(".linkage", linkage_id=linkage.id))
    return _show(referral, form)


def _show(referral: Referral, form: AddLinkageForm | None = None) -> ResponseReturnValue:
    follows = current_user.may(Permission.VIEW_LINKAGE)
    return render_template(
        "credit/referral.html",
        referral=referral,
        form=form or AddLinkageForm(),
        is_own=_is_own(referral),
        document=matching.document_answer(referral, day=local_day(utcnow())),
        document_names=DOCUMENT_NAMES,
        group_names=GROUP_NAMES,
        # Another institution has its part in these: they are for who follows all.
        chain=reassignment.chain_of(referral) if follows else None,
        receipt_code=receipts.verification_code(referral) if follows else None,
    )


def _is_own(referral: Referral) -> bool:
    own = queries.liaison_institution(current_user) if current_user.may(Permission.LOG_LINKAGE) else None
    return own is not None and own.id == referral.institution_id


def _to_referral(referral: Referral) -> ResponseReturnValue:
    return redirect(url_for(".referral", referral_id=referral.id))


def _state(typed: str | None) -> ReferralState | None:
    known = {state.value: state for state in ReferralState if state is not ReferralState.WITHDRAWN}
    return known.get(typed or "")
