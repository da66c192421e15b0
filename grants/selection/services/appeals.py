"""Appeals: filed once, heard by people who had no part in the outcome, proposed by one and confirmed by another.

A decision changes no run: an upheld appeal may be scored again, or be given a place that is free.
"""

from collections.abc import Collection
from datetime import datetime

from flask_babel import force_locale, gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.access.permissions import Permission
from grants.applications.models import Application
from grants.core import journal, outbox
from grants.core.clock import local_day
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.people.folio import new_folio
from grants.selection import queries
from grants.selection.models import (
    PANEL_LEAST,
    PANEL_MOST,
    Appeal,
    AppealOutcome,
    AppealPanelist,
    Award,
    LetterRelease,
)
from grants.selection.services.awards import give_free_place
from grants.selection.services.letters import end_of_day, language_of, tell_change
from grants.selection.services.sentences import when


def file_appeal(application: Application, *, text: str, by: User | None, now: datetime) -> Appeal:
    """Receive an appeal: from the person's own page (`by` None), or written down for them. A late one says so."""
    letter = queries.letter_of(application.id)
    if letter is None:
        raise RuleBroken(_("The letters have not been released yet. An appeal comes after them."))
    if not text.strip():
        raise RuleBroken(_("Write what you think is wrong, in your own words."), field="text")
    release = letter.release
    appeal = Appeal(
        folio=new_folio("Q"),
        selection_id=release.selection_id,
        application_id=application.id,
        filed_by_id=by.id if by else None,
        filed_at=now,
        is_late=release.is_late(now),
        decide_by=end_of_day(now, release.decision_days),
    )
    appeal.text = text.strip()
    try:
        with db.session.begin_nested():
            db.session.add(appeal)
    except IntegrityError:
        raise RuleBroken(
            _("An appeal of this application was received already. There is one for each result.")
        ) from None
    journal.record(by, "appeal.filed", appeal, at=now, application=application.id, late=appeal.is_late)
    _acknowledge(appeal, application, release, now)
    return appeal


def _acknowledge(appeal: Appeal, application: Application, release: LetterRelease, now: datetime) -> None:
    with force_locale(language_of(application.person.language)):
        body = gettext(
            "Your appeal %(folio)s was received on %(filed)s. It will be answered by %(deadline)s. You read the "
            "answer on %(address)s with your folio and a new one-time code.",
            folio=appeal.folio, filed=when(now), deadline=when(appeal.decide_by), address=release.address,
        )  # fmt: skip
        _write_to(application, gettext("We received your appeal"), body, now)


def _write_to(application: Application, subject: str, body: str, now: datetime) -> None:
    mailbox = queries.mailbox_of(application.person, local_day(now))
    if mailbox:
        outbox.add("appeal", address=mailbox, subject=subject, body=body, now=now)


def name_panel(appeal: Appeal, people: Collection[User], *, by: User, now: datetime) -> None:
    """Choose the two or three who hear it; they may be changed until one of them proposes a decision."""
    if not PANEL_LEAST <= len({one.id for one in people}) <= PANEL_MOST:
        raise RuleBroken(_("Choose two or three people."), field="people")
    _refuse_partial(appeal, people)
    _claim_undecided(appeal)
    keep = {one.user_id: one for one in appeal.panel}
    for panelist in appeal.panel:
        if panelist.user_id not in {one.id for one in people}:
            db.session.delete(panelist)
    for one in people:
        if one.id not in keep:
            db.session.add(AppealPanelist(appeal_id=appeal.id, user_id=one.id, named_by_id=by.id, named_at=now))
    db.session.flush()
    db.session.expire(appeal, ["panel"])
    journal.record(by, "appeal.panel_named", appeal, at=now, panel=sorted(str(one.id) for one in people))


def _refuse_partial(appeal: Appeal, people: Collection[User]) -> None:
    excluded = queries.had_a_part(appeal)
    if any(one.id in excluded for one in people):
        raise RuleBroken(_("Somebody of these scored this application, wrote it down, made or signed the run, or has a "
                           "conflict. Choose people who had no part in it."), field="people")  # fmt: skip
    if not all(one.may(Permission.DECIDE_APPEAL) and one.is_active for one in people):
        raise RuleBroken(_("Choose coordinators or evaluators with an active account."), field="people")


def _claim_undecided(appeal: Appeal) -> None:
    """Hold the row while its panel changes, and refuse once a decision stands or is proposed."""
    open_one = update(Appeal).where(Appeal.id == appeal.id, Appeal.decided_at.is_(None), Appeal.outcome.is_(None))
    if rows_hit(db.session.execute(open_one.values(proposal=Appeal.proposal))) == 0:
        raise RuleBroken(_("A decision is proposed or taken: the panel stays as it is."))


def propose_decision(appeal: Appeal, *, outcome: AppealOutcome, answer: str, by: User, now: datetime) -> None:
    """One of the panel puts a decision before the others. A newer proposal takes the place of an older one."""
    _refuse_strangers(appeal, by)
    if not answer.strip():
        raise RuleBroken(_("Write the reason in words that the applicant understands."), field="answer")
    newer = update(Appeal).where(
        Appeal.id == appeal.id, Appeal.decided_at.is_(None), Appeal.proposal == appeal.proposal
    )
    values = {"outcome": outcome, "proposed_by_id": by.id, "proposal": Appeal.proposal + 1}
    if rows_hit(db.session.execute(newer.values(**values))) == 0:
        raise RuleBroken(_("Somebody of the panel was faster. Reload the page and read their proposal."))
    appeal.answer = answer.strip()
    db.session.flush()
    journal.record(by, "appeal.proposed", appeal, at=now, outcome=outcome.value)


def _refuse_strangers(appeal: Appeal, by: User) -> None:
    if not appeal.is_heard_by(by):
        raise RuleBroken(_("Only the panel of this appeal decides it."))
    if by.id in queries.had_a_part(appeal):
        raise RuleBroken(
            _("You had a part in this application or its result. Ask the coordinator to change the panel.")
        )
    if not appeal.has_panel:
        raise RuleBroken(_("An appeal needs a panel of two or three. Ask the coordinator to complete it."))


def confirm_decision(appeal: Appeal, *, proposal: int, by: User, now: datetime) -> None:
    """Another of the panel agrees with the proposal that they read: the appeal is decided, once."""
    _refuse_strangers(appeal, by)
    if appeal.proposed_by_id == by.id:
        raise RuleBroken(_("Whoever proposes a decision cannot confirm it. Another of the panel must."))
    same = update(Appeal).where(
        Appeal.id == appeal.id,
        Appeal.decided_at.is_(None),
        Appeal.outcome.is_not(None),
        Appeal.proposal == proposal,
        Appeal.proposed_by_id != by.id,
    )
    if rows_hit(db.session.execute(same.values(decided_at=now, decided_by_id=by.id))) == 0:
        raise RuleBroken(_("The proposal has changed, or the appeal is decided. Reload the page and read it again."))
    db.session.refresh(appeal)
    journal.record(by, "appeal.decided", appeal, at=now, outcome=str(appeal.outcome), application=appeal.application_id)
    _tell_decision(appeal, now)


def _tell_decision(appeal: Appeal, now: datetime) -> None:
    release = queries.release_of(appeal.selection_id)
    application = appeal.application
    with force_locale(language_of(application.person.language)):
        body = gettext(
            "Your appeal %(folio)s was decided. You read the answer on %(address)s with your folio and a new one-time "
            "code.", folio=appeal.folio, address=release.address if release else "",
        )  # fmt: skip
        _write_to(application, gettext("There is an answer to your appeal"), body, now)


def grant_place(appeal: Appeal, *, by: User, now: datetime) -> Award:
    """Give a free place to an application whose appeal was upheld. The run itself stays as it was published."""
    if not appeal.is_decided or appeal.outcome is not AppealOutcome.UPHELD:
        raise RuleBroken(_("A place follows only from an appeal that was upheld."))
    award = give_free_place(appeal.selection, appeal.application, by=by, now=now)
    db.session.execute(update(Appeal).where(Appeal.id == appeal.id).values(award_id=award.id))
    journal.record(by, "appeal.place_given", appeal, at=now, award=award.id)
    tell_change(appeal.application_id, appeal.selection, now=now)
    return award
