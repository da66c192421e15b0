"""The liaison's own pages: what waits, what is owed, whom to look up, and the likely next thing in one tap."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import local_day, utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, page_marker
from grants.credit import queries
from grants.credit.forms.quick import logged, quick_form
from grants.credit.likely import likely_next, named
from grants.credit.models import Linkage, LinkageState, ReferralState
from grants.credit.queries import own_search, queues
from grants.credit.queries.movements import credit_products
from grants.credit.queries.queues import OF_REFERRALS, OWN_QUEUES, Queue
from grants.credit.queries.referrals import own_and_consented
from grants.credit.services import own as services
from grants.credit.services.quick import log_once
from grants.credit.views.blueprint import bp


@bp.get("/my-linkages")
@requires(Permission.LOG_LINKAGE)
def my_linkages() -> ResponseReturnValue:
    """What asks for something, one list at a time; the longest waits first."""
    institution = queries.liaison_institution(current_user)
    if institution is None:
        return render_template("credit/my_referrals.html", institution=None, post=queries.liaison_post(current_user))
    today, seen = local_day(utcnow()), own_and_consented(institution)
    counted = queues.counts(seen, OWN_QUEUES, today)
    queue = _chosen(counted)
    page = (queues.referrals_in if queue in OF_REFERRALS else queues.linkages_in)(
        queue, seen, today, after=page_marker()
    )  # fmt: skip
    return render_template("credit/my_linkages.html", institution=institution, counted=counted, queue=queue, page=page,
                           of_referrals=queue in OF_REFERRALS)  # fmt: skip


@bp.get("/my-linkages/search")
@requires(Permission.LOG_LINKAGE)
def search_own() -> ResponseReturnValue:
    """Within the own institution. Whether another one knows the person makes no difference to the answer."""
    typed = request.args.get("q", "")[:60]
    institution = queries.liaison_institution(current_user)
    found = own_search.find_own(institution, typed) if institution is not None else []
    return render_template("credit/search_own.html", typed=typed, found=found)


@bp.route("/linkages/<int:linkage_id>/quick", methods=["GET", "POST"])
@requires(Permission.LOG_LINKAGE)
def quick(linkage_id: int) -> ResponseReturnValue:
    """The likely next thing with everything filled in. What has no next thing leads to its own page."""
    linkage = queries.get_own_linkage(current_user, linkage_id)
    today = local_day(utcnow())
    # The form says what it logs: sent twice, it must not log the step after it.
    likely = named(request.args.get("do", ""), linkage) or likely_next(linkage, today)
    if likely is None or linkage.referral.state is not ReferralState.ACCEPTED:
        return _to_page(linkage)
    if request.method == "GET" and not services.is_possible(linkage, likely):
        flash(_("That is logged already, or does not follow now. This is where it stands."), "info")
        return _to_page(linkage)
    # What is sent stands by itself: a box left empty must not be filled with what the first tap has changed meanwhile.
    form = quick_form(likely, services.filled(linkage, likely, today) if request.method == "GET" else {})
    if likely.step is LinkageState.DISBURSED:
        form.offer(credit_products(linkage.institution), linkage.product_id)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            is_new = log_once(linkage, logged(form, likely), key=form.form_key.data, by=current_user, now=utcnow())
            flash(_("Logged.") if is_new else _("This was logged already; it stands once."), "good")
            return _to_page(linkage)
        if form.form_key.errors:
            form.form_key.renew()
    return render_template("credit/quick.html", form=form, linkage=linkage, likely=likely,
                           today_already=services.logged_on(linkage, likely, today))  # fmt: skip


def _to_page(linkage: Linkage) -> ResponseReturnValue:
    return redirect(url_for(".linkage", linkage_id=linkage.id))


def _chosen(counted: dict[Queue, int]) -> Queue:
    """The list asked for; else the first in which somebody waits."""
    asked = {one.value: one for one in OWN_QUEUES}.get(request.args.get("show", ""))
    return asked or next((one for one, count in counted.items() if count), OWN_QUEUES[0])
