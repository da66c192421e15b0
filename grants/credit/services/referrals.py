"""Sending a person to an institution under a consent that names it, and the institution's answer."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.credit.models import (
    OPEN_REFERRAL_STATES,
    OPEN_STATES,
    DeclineReason,
    Institution,
    Linkage,
    LinkageEvent,
    LinkageKind,
    LinkageState,
    Referral,
    ReferralState,
    WebhookEventKind,
)
from grants.credit.services import webhooks
from grants.people.folio import new_folio
from grants.people.models import Consent, ConsentPurpose, ConsentText, Person


def refer(
    person: Person,
    *,
    to: Institution,
    kinds: Sequence[LinkageKind],
    need: str,
    text: ConsentText,
    by: User,
    now: datetime,
) -> Referral:
    """Share the minimum with one institution, under the consent just read out by `by`; one linkage per kind wanted."""
    if not to.is_active:
        raise RuleBroken(_("This institution is not active. Choose another."), field="institution_id")
    if not kinds:
        raise RuleBroken(_("Choose at least one thing that the person wants."), field="kinds")
    if text.purpose is not ConsentPurpose.REFERRAL:
        raise RuleBroken(_("Read out the text about sharing with an institution."), field="text_id")
    referral = _send(person, to=to, need=need, text=text, by=by, now=now)
    for kind in dict.fromkeys(kinds):
        add_linkage(referral, kind, now=now)
    db.session.flush()
    journal.record(by, "referral.sent", referral, at=now, person_id=person.id, institution_id=to.id,
                   consent_id=referral.consent_id, kinds=[kind.value for kind in kinds])  # fmt: skip
    webhooks.tell(WebhookEventKind.REFERRAL_SENT, referral, now=now)
    return referral


def accept(referral: Referral, *, by: User, now: datetime) -> None:
    """Take the person on; from now on the steps of the linkages can be logged."""
    _answer(referral, ReferralState.ACCEPTED, now=now)
    journal.record(by, "referral.accepted", referral, at=now)


def decline(referral: Referral, reason: DeclineReason, *, by: User, now: datetime) -> None:
    """Refuse with a coded reason, which the coordinator counts; the linkages end with it."""
    _answer(referral, ReferralState.DECLINED, now=now, reason=reason)
    _end_linkages(referral, LinkageState.DECLINED, by=by, now=now, reason=reason)
    journal.record(by, "referral.declined", referral, at=now, reason=reason.value)


def withdraw(referral: Referral, *, by: User, now: datetime) -> None:
    """The person takes the consent back: the liaison no longer sees them. What was disbursed or declined stays."""
    ended = db.session.execute(
        update(Referral)
        .where(Referral.id == referral.id, Referral.state.in_(OPEN_REFERRAL_STATES))
        .values(state=ReferralState.WITHDRAWN)
        .execution_options(synchronize_session=False)
    )
    revoked = db.session.execute(
        update(Consent)
        .where(Consent.id == referral.consent_id, Consent.revoked_at.is_(None))
        .values(revoked_at=now)
        .execution_options(synchronize_session=False)
    )
    if not rows_hit(ended) and not rows_hit(revoked):
        raise RuleBroken(_("This referral was withdrawn already."))
    _end_linkages(referral, LinkageState.WITHDRAWN, by=by, now=now)
    db.session.refresh(referral)
    db.session.refresh(referral.consent)
    journal.record(by, "referral.withdrawn", referral, at=now, consent_id=referral.consent_id)
    webhooks.tell(WebhookEventKind.REFERRAL_WITHDRAWN, referral, now=now)


def add_linkage(referral: Referral, kind: LinkageKind, *, now: datetime) -> Linkage:
    """A linkage of this kind at the start of its way."""
    linkage = Linkage(
        folio=new_folio("L"),
        referral_id=referral.id,
        person_id=referral.person_id,
        institution_id=referral.institution_id,
        kind=kind,
        state=LinkageState.REFERRED,
        created_at=now,
        last_step_on=local_day(now),
    )
    db.session.add(linkage)
    return linkage


def _send(
    person: Person, *, to: Institution, need: str, text: ConsentText, by: User, now: datetime
) -> Referral:  # fmt: skip
    """The referral and its consent, or the sentence that one is open already."""
    consent = Consent(
        person_id=person.id, text_id=text.id, institution_id=to.id, read_out_by_id=by.id, given_at=now
    )  # fmt: skip
    referral = Referral(
        folio=new_folio("R"),
        person_id=person.id,
        institution_id=to.id,
        state=ReferralState.SENT,
        need=need,
        referred_by_id=by.id,
        referred_at=now,
    )
    try:
        with db.session.begin_nested():
            db.session.add(consent)
            db.session.flush()
            referral.consent_id = consent.id
            db.session.add(referral)
    except IntegrityError:
        # The partial unique index decides, also between two people who press at once.
        raise RuleBroken(_("This person has an open referral to this institution. Go on with that one."),
                         field="institution_id") from None  # fmt: skip
    return referral


def _answer(
    referral: Referral, state: ReferralState, *, now: datetime, reason: DeclineReason | None = None
) -> None:  # fmt: skip
    hit = db.session.execute(
        update(Referral)
        .where(Referral.id == referral.id, Referral.state == ReferralState.SENT)
        .values(state=state, answered_at=now, decline_reason=reason.value if reason else None)
        .execution_options(synchronize_session=False)
    )
    if not rows_hit(hit):
        raise RuleBroken(_("This referral was answered already. Look at its current state before going on."))
    db.session.refresh(referral)


def _end_linkages(
    referral: Referral, state: LinkageState, *, by: User, now: datetime, reason: DeclineReason | None = None
) -> None:
    """End what is still on its way; each by a guarded update, so that a step logged meanwhile is not overwritten."""
    today = local_day(now)
    for linkage in referral.linkages:
        before = linkage.state
        if before not in OPEN_STATES:
            continue
        hit = db.session.execute(
            update(Linkage)
            .where(Linkage.id == linkage.id, Linkage.state == before)
            .values(state=state, decline_reason=reason, last_step_on=today)
            .execution_options(synchronize_session=False)
        )
        if not rows_hit(hit):
            raise RuleBroken(_("Somebody logged a step at this moment. Look at it, then try again."))
        db.session.add(LinkageEvent(linkage_id=linkage.id, from_state=before, to_state=state, happened_on=today,
                                    logged_at=now, logged_by_id=by.id))  # fmt: skip
        db.session.refresh(linkage)
