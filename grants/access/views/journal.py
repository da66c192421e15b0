"""Who did what."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from grants.access import queries
from grants.access.forms import JournalFilterForm
from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.access.verdicts import verdict_sentence
from grants.access.views.blueprint import bp, me
from grants.core import journal as chain
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import page_marker


@bp.get("/journal")
@requires(Permission.VIEW_JOURNAL)
def journal() -> ResponseReturnValue:
    form = JournalFilterForm(request.args)
    action = (form.action.data or "").strip() if form.validate() else None
    page = queries.journal_page(action=action or None, after=page_marker())
    actors = queries.users_named([entry.actor_id for entry in page.items if entry.actor_id is not None])
    # Who reads figures with small cells protected would find them in the details, one record at a time.
    opens_details = me().may(Permission.MANAGE_USERS) or me().may(Permission.VIEW_PERSON)
    return render_template("access/journal.html", page=page, actors=actors, form=form, action=action or None,
                           opens_details=opens_details)  # fmt: skip


@bp.post("/journal/verify")
@requires(Permission.VIEW_JOURNAL)
def verify_journal() -> ResponseReturnValue:
    """Walk the whole chain, and note that somebody did."""
    with transaction():
        verdict = chain.verify()
        chain.record(me(), "journal.verified", "journal", at=utcnow(), holds=verdict.holds, entries=verdict.entries)
    flash(verdict_sentence(verdict), "good" if verdict.holds else "bad")
    return redirect(url_for(".journal"))
