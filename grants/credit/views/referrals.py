"""Referring a person, and the institution's answer."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, page_marker
from grants.credit import queries, services
from grants.credit.forms import AddLinkageForm, DeclineForm, ReferForm
from grants.credit.models import LinkageKind, Referral, ReferralState
from grants.credit.sharing import share
from grants.credit.views.blueprint import bp
from grants.people.models import ConsentText, Person


@bp.route("/people/<int:person_id>/refer", methods=["GET", "POST"])
@requires(Permission.REFER_PERSON)
def refer(person_id: int) -> ResponseReturnValue:
    person = queries.get_person(person_id)
    texts, institutions = queries.consent_texts(), queries.active_institutions()
    form = ReferForm(text_id=_own_language(texts, person))
    form.offer(institutions, [(text, _text_name(text)) for text in texts])
    if form.validate_on_submit():
        to = next(one for one in institutions if str(one.id) == form.institution_id.data)
        text = next(one for one in texts if str(one.id) == form.text_id.data)
        with errors_to(form), transaction():
            referral = services.refer(person, to=to, kinds=form.wanted(), need=str(form.need.data), text=text,
                                      by=current_user, now=utcnow())  # fmt: skip
            flash(_("Sent. The institution's liaison sees the person now."), "good")
            return _to_referral(referral)
    return render_template(
        "credit/refer.html",
        form=form,
        person=person,
        texts=texts,
        institutions=institutions,
        referrals=queries.referrals_of_person(person),
        existing=queries.open_referral(person, form.chosen_institution),
        shared=share(person, need=""),
    )


@bp.get("/referrals/<int:referral_id>")
@requires(Permission.SIGNED_IN)
def referral(referral_id: int) -> ResponseReturnValue:
    """Coordinators see all, a liaison those of the own institution; for others there is no such page."""
    found = queries.get_referral(current_user, referral_id)
    return _show(found)


@bp.post("/referrals/<int:referral_id>/withdraw")
@requires(Permission.REFER_PERSON)
def withdraw(referral_id: int) -> ResponseReturnValue:
    referral = queries.get_referral(current_user, referral_id)
    with transaction():
        services.withdraw(referral, by=current_user, now=utcnow())
    flash(_("The consent is withdrawn, and the institution no longer sees the person."), "good")
    return _to_referral(referral)


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
    own = queries.liaison_institution(current_user) if current_user.may(Permission.LOG_LINKAGE) else None
    is_own = own is not None and own.id == referral.institution_id
    return render_template("credit/referral.html", referral=referral, form=form or AddLinkageForm(), is_own=is_own)


def _to_referral(referral: Referral) -> ResponseReturnValue:
    return redirect(url_for(".referral", referral_id=referral.id))


def _state(typed: str | None) -> ReferralState | None:
    known = {state.value: state for state in ReferralState if state is not ReferralState.WITHDRAWN}
    return known.get(typed or "")


def _own_language(texts: list[ConsentText], person: Person) -> str | None:
    """The text in the person's language, else the Spanish one."""
    by_language = {text.language: str(text.id) for text in texts}
    return by_language.get(person.language) or by_language.get("es")


def _text_name(text: ConsentText) -> str:
    language = get_locale().languages.get(text.language, text.language)
    return str(_("%(language)s, version %(version)s", language=language, version=text.version))
