"""Referring a person, and sending on one whom no institution took on: both read out a text and name one institution."""

from dataclasses import dataclass

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import local_day, utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, page_marker
from grants.credit import (
    queries,
)
from grants.credit.forms import ReferForm
from grants.credit.matching import Offer
from grants.credit.models import Institution, Referral
from grants.credit.queries import matching, reassignment
from grants.credit.services import reassignment as reassigning
from grants.credit.services import referrals as services
from grants.credit.services.referrals import Request
from grants.credit.sharing import share
from grants.credit.views.blueprint import bp
from grants.people.models import ConsentText, Person


@dataclass(frozen=True, slots=True)
class Choices:
    """What the form offers."""

    institutions: list[Institution]
    products: list[Offer]
    texts: list[ConsentText]


@bp.route("/people/<int:person_id>/refer", methods=["GET", "POST"])
@requires(Permission.REFER_PERSON)
def refer(person_id: int) -> ResponseReturnValue:
    person, offered = queries.get_person(person_id), _choices()
    form = _form(person, offered, **_chosen(offered))
    if form.validate_on_submit():
        with errors_to(form), transaction():
            referral = services.send(person, _request(form, offered), by=current_user, now=utcnow())
            flash(_("Sent. The institution's liaison sees the person now."), "good")
            return redirect(url_for(".referral", referral_id=referral.id))
    return _page(form, person, offered, url_for(".refer", person_id=person.id))


@bp.get("/referrals/to-send-on")
@requires(Permission.VIEW_LINKAGE)
def to_send_on() -> ResponseReturnValue:
    """Whom nobody took on: a reason came back, or no answer."""
    return render_template("credit/to_send_on.html", page=reassignment.to_send_on(after=page_marker()))


@bp.route("/referrals/<int:referral_id>/reassign", methods=["GET", "POST"])
@requires(Permission.REFER_PERSON)
def reassign(referral_id: int) -> ResponseReturnValue:
    old, offered = reassignment.to_reassign(referral_id), _choices()
    offered.institutions[:] = [one for one in offered.institutions if one.id != old.institution_id]
    offered.products[:] = [one for one in offered.products if one.institution.id != old.institution_id]
    form = _form(old.person, offered, need=old.need, kinds=[one.kind.value for one in old.linkages])
    if form.validate_on_submit():
        with errors_to(form), transaction():
            referral = reassigning.reassign(old, _request(form, offered), by=current_user, now=utcnow())
            flash(_("Sent on. The new institution sees the person now, and learns nothing of the one before."), "good")
            return redirect(url_for(".referral", referral_id=referral.id))
    return _page(form, old.person, offered, url_for(".reassign", referral_id=old.id), old)


def _choices() -> Choices:
    day = local_day(utcnow())
    return Choices(queries.active_institutions(), matching.products_to_choose(day), queries.consent_texts())


def _form(person: Person, offered: Choices, **known: object) -> ReferForm:
    form = ReferForm(text_id=_own_language(offered.texts, person), **known)
    return form.offer(offered.institutions, offered.products, [(text, _text_name(text)) for text in offered.texts])


def _chosen(offered: Choices) -> dict[str, object]:
    """What the page of what is open has chosen; nothing where the address names nothing that is offered."""
    typed = request.args.get("product", "")
    product = next((one for one in offered.products if str(one.product_id) == typed), None)
    if product is None:
        return {"institution_id": request.args.get("institution", "")}
    return {"institution_id": str(product.institution.id), "product_id": typed, "kinds": [product.kind.value]}


def _request(form: ReferForm, offered: Choices) -> Request:
    return Request(
        to=next(one for one in offered.institutions if str(one.id) == form.institution_id.data),
        kinds=form.wanted(),
        need=str(form.need.data),
        text=next(one for one in offered.texts if str(one.id) == form.text_id.data),
        product=matching.product_on_offer(form.chosen_product),
        covers=form.covers(),
        answer_days=int(current_app.config["REFERRAL_ANSWER_DAYS"]),
    )


def _page(
    form: ReferForm, person: Person, offered: Choices, action: str, old: Referral | None = None
) -> ResponseReturnValue:  # fmt: skip
    return render_template(
        "credit/refer.html",
        form=form,
        person=person,
        action=action,
        old=old,
        texts=offered.texts,
        institutions=offered.institutions,
        referrals=queries.referrals_of_person(person),
        existing=queries.open_referral(person, form.chosen_institution),
        shared=share(person, need=""),
    )


def _own_language(texts: list[ConsentText], person: Person) -> str | None:
    """The text in the person's language, else the Spanish one."""
    by_language = {text.language: str(text.id) for text in texts}
    return by_language.get(person.language) or by_language.get("es")


def _text_name(text: ConsentText) -> str:
    language = get_locale().languages.get(text.language, text.language)
    return str(_("%(language)s, version %(version)s", language=language, version=text.version))
