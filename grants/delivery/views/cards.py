"""The symbol card's pages: issue, print once, choose in private, replace."""

import io

from flask import flash, redirect, render_template, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.documents import pdf, qr_svg
from grants.core.errors import RuleBroken
from grants.core.web import errors_to
from grants.delivery import doors, queries, services
from grants.delivery.forms import PictureForm
from grants.delivery.models import PICTURES, Picture, SymbolCard
from grants.delivery.symbols import grouped
from grants.delivery.views.blueprint import bp, said_if_refused


@bp.get("/cards/<int:award_id>")
@requires(Permission.ISSUE_CARD)
def card(award_id: int) -> ResponseReturnValue:
    award = queries.get_award(award_id)
    return render_template(
        "delivery/card.html", award=award, card=queries.live_card(award_id), delivery=queries.live_delivery(award_id)
    )


@bp.post("/cards/<int:award_id>/issue")
@requires(Permission.ISSUE_CARD)
def issue_card(award_id: int) -> ResponseReturnValue:
    award = queries.get_award(award_id)
    with said_if_refused():
        services.issue_card(award, cost=doors.card_cost(), by=current_user, now=utcnow())
    return redirect(url_for(".card", award_id=award_id))


@bp.post("/cards/<int:award_id>/print")
@requires(Permission.ISSUE_CARD)
def print_card(award_id: int) -> ResponseReturnValue:
    found = queries.get_card(award_id)
    try:
        # Drawn before the codes are wiped: a document that fails to draw loses nothing.
        document = _document(found)
        with transaction():
            services.print_card(found, by=current_user, now=utcnow())
    except RuleBroken as error:
        flash(str(error.message), "bad")
        return redirect(url_for(".card", award_id=award_id))
    return send_file(io.BytesIO(document), mimetype="application/pdf", as_attachment=True, max_age=0,
                     download_name=f"{found.serial}.pdf")  # fmt: skip


@bp.route("/cards/<int:award_id>/choose", methods=["GET", "POST"])
@requires(Permission.ISSUE_CARD)
def choose(award_id: int) -> ResponseReturnValue:
    found = queries.get_card(award_id)
    form = PictureForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.choose_picture(found, Picture(form.picture.data), by=current_user, now=utcnow())
            flash(_("The choice is kept. Nobody can see it, and it is not to be told to anybody."), "good")
            return redirect(url_for(".card", award_id=award_id))
    return render_template("delivery/choose.html", form=form, card=found, award_id=award_id)


@bp.post("/cards/<int:award_id>/ask-replacement")
@requires(Permission.ISSUE_CARD)
def ask_replacement(award_id: int) -> ResponseReturnValue:
    found = queries.get_card(award_id)
    with said_if_refused():
        services.ask_replacement(found, by=current_user, now=utcnow())
    return redirect(url_for(".card", award_id=award_id))


@bp.post("/cards/<int:award_id>/replace")
@requires(Permission.ISSUE_CARD)
def replace_card(award_id: int) -> ResponseReturnValue:
    found = queries.get_card(award_id)
    with said_if_refused():
        services.replace_card(found, cost=doors.card_cost(), by=current_user, now=utcnow())
    return redirect(url_for(".card", award_id=award_id))


def _document(found: SymbolCard) -> bytes:
    if found.codes is None:
        raise RuleBroken(_("This card was already printed. If it was lost, it must be replaced by two people."))
    codes = [
        {"picture": picture.value, "code": grouped(code), "qr": qr_svg(code)}
        for picture, code in zip(PICTURES, found.codes, strict=True)
    ]
    return pdf("delivery/card.typ", {"serial": found.serial, "codes": codes})
