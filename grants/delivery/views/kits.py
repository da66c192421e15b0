"""Pages about one kit: which articles its lines are, substitutions, the check at the point."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, said_if_refused
from grants.delivery import doors, queries
from grants.delivery.forms.kits import NO_ITEM, MatchForm, SubstituteForm
from grants.delivery.models import SUBSTITUTION_NAMES, SUBSTITUTION_REASONS, SubstitutionState
from grants.delivery.queries import goods, kits
from grants.delivery.services import substitution
from grants.delivery.views.blueprint import bp


@bp.app_context_processor
def substitution_words() -> dict[str, object]:
    """Names of substitutions' reasons and states."""
    return {"substitution_names": SUBSTITUTION_NAMES, "substitution_reasons": SUBSTITUTION_REASONS}


@bp.route("/<int:delivery_id>/articles", methods=["GET", "POST"])
@requires(Permission.PACK_KIT, Permission.PLAN_DELIVERY)
def match_articles(delivery_id: int) -> ResponseReturnValue:
    delivery, items = queries.get_delivery(delivery_id), goods.offered_items()
    form = MatchForm.for_lines(delivery.lines, items)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            chosen = form.chosen(delivery.lines, items)
            substitution.match_items(delivery, chosen, percent=doors.substitution_percent(), by=current_user,
                                     now=utcnow())  # fmt: skip
            flash(_("Written down. These articles are taken from the shelf when the kit is packed."), "good")
            return redirect(url_for(".show", delivery_id=delivery_id))
    return render_template("delivery/match_articles.html", form=form, delivery=delivery)


@bp.route("/lines/<int:line_id>/substitute", methods=["GET", "POST"])
@requires(Permission.PACK_KIT, Permission.PLAN_DELIVERY)
def substitute(line_id: int) -> ResponseReturnValue:
    line, items = kits.get_line(line_id), list(goods.offered_items())
    if line.item is not None and line.item not in items:
        items.append(line.item)
    form, percent = SubstituteForm(obj=line), doors.substitution_percent()
    form.offer(items)
    if request.method == "GET":
        form.item.data = str(line.item_id) if line.item_id else NO_ITEM[0]
    if form.validate_on_submit():
        with errors_to(form), transaction():
            made = substitution.substitute(line, form.instead(line, items), form.chosen, percent=percent,
                                           by=current_user, now=utcnow())  # fmt: skip
            waits = made.state is SubstitutionState.OPEN
            sentence = _("Proposed. Somebody else agrees before the kit is packed.") if waits else _("Replaced.")
            flash(sentence, "warn" if waits else "good")
            return redirect(url_for(".show", delivery_id=line.delivery_id))
    return render_template("delivery/substitute.html", form=form, line=line, delivery=line.delivery, percent=percent)


@bp.get("/substitutions")
@requires(Permission.APPROVE_SUBSTITUTION, Permission.MANAGE_STOCK)
def substitutions() -> ResponseReturnValue:
    return render_template("delivery/substitutions.html", found=kits.open_substitutions())


@bp.post("/substitutions/<int:substitution_id>/approve")
@requires(Permission.APPROVE_SUBSTITUTION)
def approve_substitution(substitution_id: int) -> ResponseReturnValue:
    found = kits.get_substitution(substitution_id)
    with said_if_refused():
        substitution.approve_substitution(found, by=current_user, now=utcnow())
    return redirect(url_for(".show", delivery_id=found.delivery_id))


@bp.post("/substitutions/<int:substitution_id>/refuse")
@requires(Permission.APPROVE_SUBSTITUTION)
def refuse_substitution(substitution_id: int) -> ResponseReturnValue:
    found = kits.get_substitution(substitution_id)
    with said_if_refused():
        substitution.refuse_substitution(found, by=current_user, now=utcnow())
    return redirect(url_for(".show", delivery_id=found.delivery_id))
