"""What is open to a person, and why not the rest."""

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import local_day, utcnow
from grants.core.web import Onward, leads_on
from grants.credit import queries
from grants.credit.forms.matching import NeedForm
from grants.credit.matching import Need, joinable, match
from grants.credit.models import LinkageKind
from grants.credit.queries import matching
from grants.credit.reason_words import REASON_WORDS
from grants.credit.views.blueprint import bp
from grants.people.words import DOCUMENT_NAMES


@leads_on("person")
def open_products_link(person_id: int) -> list[Onward]:
    if not current_user.may(Permission.REFER_PERSON):
        return []
    return [Onward(_("What is open to this person"), url_for("credit.open_products", person_id=person_id))]


@bp.get("/people/<int:person_id>/open-products")
@requires(Permission.REFER_PERSON)
def open_products(person_id: int) -> ResponseReturnValue:
    person, day = queries.get_person(person_id), local_day(utcnow())
    form = NeedForm(request.args if "kind" in request.args else None)
    asked = form.need() if "kind" in request.args and form.validate() else Need()
    offers = matching.offers_on(day)
    asker = matching.asker_of(person, asked, day=day)
    found = match(asker, offers, day=day)
    is_open = any(one.is_open for one in found)
    return render_template(
        "credit/open_products.html",
        person=person,
        form=form,
        need=asked,
        found=found,
        joinable=() if is_open or asked.kind is LinkageKind.MEMBERSHIP else joinable(asker, offers, day=day),
        reason_words=REASON_WORDS,
        document_names=DOCUMENT_NAMES,
    )
