"""The symbol card's pages: issue, print once, choose in private, replace."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.documents import pdf
from grants.core.errors import NotFound, RuleBroken
from grants.core.web import errors_to, public_url, said_if_refused
from grants.delivery import doors, queries, services
from grants.delivery.forms import PictureForm
from grants.delivery.models import Picture, SymbolCard
from grants.delivery.views.blueprint import bp, sent


@bp.get("/cards/<int:award_id>")
@requires(Permission.ISSUE_CARD)
def card(award_id: int) -> ResponseReturnValue:
    award, own = queries.get_award(award_id), queries.own_handover(award_id, current_user)
    found = queries.live_card(award_id) if own is None else queries.card_of_handover(own)
    return render_template(
        "delivery/card.html", award=award, card=found, delivery=own or queries.live_delivery(award_id)
    )


@bp.post("/cards/<int:award_id>/issue")
@requires(Permission.ISSUE_CARD)
def issue_card(award_id: int) -> ResponseReturnValue:
    award = queries.get_award(award_id)
    _refuse_who_handed_over(award_id)
    with said_if_refused():
        services.issue_card(award, cost=doors.card_cost(), by=current_user, now=utcnow())
    return redirect(url_for(".card", award_id=award_id))


@bp.post("/cards/<int:award_id>/print")
@requires(Permission.ISSUE_CARD)
def print_card(award_id: int) -> ResponseReturnValue:
    found = _card(award_id)
    try:
        # Drawn before the codes are wiped: a document that fails to draw loses nothing.
        document = pdf("delivery/card.typ", _page_of(found))
        with transaction():
            services.print_card(found, by=current_user, now=utcnow())
    except RuleBroken as error:
        flash(str(error.message), "bad")
        return redirect(url_for(".card", award_id=award_id))
    return sent(document, f"{found.serial}.pdf")


@bp.route("/cards/<int:award_id>/choose", methods=["GET", "POST"])
@requires(Permission.ISSUE_CARD)
def choose(award_id: int) -> ResponseReturnValue:
    found = _card(award_id)
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
    found = _card(award_id)
    with said_if_refused():
        services.ask_replacement(found, by=current_user, now=utcnow())
    return redirect(url_for(".card", award_id=award_id))


@bp.post("/cards/<int:award_id>/replace")
@requires(Permission.ISSUE_CARD)
def replace_card(award_id: int) -> ResponseReturnValue:
    found = _card(award_id)
    with said_if_refused():
        services.replace_card(found, cost=doors.card_cost(), by=current_user, now=utcnow())
    return redirect(url_for(".card", award_id=award_id))


def _card(award_id: int) -> SymbolCard:
    """The award's live card."""
    _refuse_who_handed_over(award_id)
    return queries.get_card(award_id)


def _refuse_who_handed_over(award_id: int) -> None:
    """For whoever handed the kit over its card is used, for good: a new one is made by others, and not told of."""
    if queries.own_handover(award_id, current_user) is not None:
        raise NotFound


def _page_of(found: SymbolCard) -> dict[str, Any]:
    """What the sheet shows. The number outside is kept first: it verifies the card and says nothing of its owner."""
    with transaction():
        paper = services.card_paper(found, by=current_user, now=utcnow())
    return services.card_data(found, paper, public_url("delivery.verify", number=paper.number), doors.contact())
