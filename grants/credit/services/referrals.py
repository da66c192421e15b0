"""Sending a person to an institution under a consent that names it, and the institution's answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.credit.models import (
    ANSWER_DAYS,
    OPEN_REFERRAL_STATES,
    OPEN_STATES,
    DeclineReason,
    Institution,
    Linkage,
    LinkageEvent,
    LinkageKind,
    LinkageState,
    Product,
    Referral,
    ReferralState,
    WebhookEventKind,
)
from grants.credit.models.referrals import GROUP_ASKED_SINCE
from grants.credit.queries.gone import linkage_in_time, referral_in_time
from grants.credit.queries.matching import has_agreement
from grants.credit.services import webhooks
from grants.credit.services.retain import remove_referral
from grants.credit.sharing import MINIMUM, SharedField
from grants.people.folio import new_folio
from grants.people.models import Consent, ConsentPurpose, ConsentText, Person
from grants.people.services import ends_with_consent


@dataclass(frozen=True, slots=True)
class Request:
    """What a person wants from one institution, and what it learns for that under the text just read out.

    `covers`: beyond MINIMUM only what the person allowed by a box of its own.
    """

    to: Institution
    kinds: Sequence[LinkageKind]
    need: str
    text: ConsentText
    product: Product | None = None
    covers: frozenset[SharedField] = MINIMUM
    answer_days: int = ANSWER_DAYS


def refer(
    person: Person,
    *,
    to: Institution,
    kinds: Sequence[LinkageKind],
    need: str,
    text: ConsentText,
    by: User,
    now: datetime,
    product: Product | None = None,
    covers: frozenset[SharedField] = MINIMUM,
    answer_days: int = ANSWER_DAYS,
) -> Referral:
    """Share the minimum with one institution, under the consent just read out by `by`; one linkage per kind wanted."""
    return send(person, Request(to, kinds, need, text, product, covers, answer_days), by=by, now=now)


def send(
    person: Person, request: Request, *, by: User, now: datetime, reassigned_from: Referral | None = None
) -> Referral:  # fmt: skip
    """Share with one institution what the request says; `reassigned_from`: in the place of this referral."""
    _check(request, now=now)
    kinds = list(dict.fromkeys(request.kinds))
    referral = _keep(person, request, by=by, now=now, reassigned_from=reassigned_from)
    for kind in kinds:
        add_linkage(referral, kind, now=now, product=request.product)
    db.session.flush()
    journal.record(by, "referral.sent", referral, at=now, person_id=person.id, institution_id=request.to.id,
                   consent_id=referral.consent_id, kinds=[kind.value for kind in kinds],
                   product_id=referral.product_id, shared=referral.shared_fields,
                   reassigned_from_id=referral.reassigned_from_id)  # fmt: skip
    webhooks.tell(WebhookEventKind.REFERRAL_SENT, referral, now=now)
    return referral


def acknowledge(referral: Referral, *, by: User, now: datetime) -> bool:
    """Note when the institution first opened it; False when it had done so before."""
    hit = db.session.execute(
        update(Referral)
        .where(Referral.id == referral.id, Referral.acknowledged_at.is_(None))
        .values(acknowledged_at=now)
        .execution_options(synchronize_session=False)
    )
    is_first = rows_hit(hit) == 1
    if is_first:
        journal.record(by, "referral.acknowledged", referral, at=now)
    db.session.refresh(referral, ["acknowledged_at"])
    return is_first


def accept(referral: Referral, *, by: User, now: datetime) -> None:
    """Take the person on; from now on the steps of the linkages can be logged."""
    _answer(referral, ReferralState.ACCEPTED, now=now)
    journal.record(by, "referral.accepted", referral, at=now)


def decline(referral: Referral, reason: DeclineReason, *, by: User, now: datetime) -> None:
    """Refuse with a coded reason, which the coordinator counts; the linkages end with it."""
    _answer(referral, ReferralState.DECLINED, now=now, reason=reason)
    end_linkages(referral, LinkageState.DECLINED, by=by, now=now, reason=reason)
    journal.record(by, "referral.declined", referral, at=now, reason=reason.value)


def withdraw(referral: Referral, *, by: User, now: datetime) -> None:
    """The person takes the consent back: the liaison no longer sees them. What was disbursed or declined stays."""
    # The consent before the referral, as when it is taken back on the person's page: neither waits for the other.
    revoked = db.session.execute(
        update(Consent)
        .where(Consent.id == referral.consent_id, Consent.revoked_at.is_(None))
        .values(revoked_at=now)
        .execution_options(synchronize_session=False)
    )
    if not _end_open(referral) and not rows_hit(revoked):
        raise RuleBroken(_("This referral was withdrawn already."))
    _part(referral, by=by, now=now)


@ends_with_consent
def end_with_consent(consent: Consent, by: User, now: datetime) -> None:
    """The consent was taken back on the person's page: the referral under it is withdrawn all the same."""
    under = select(Referral).where(Referral.consent_id == consent.id, Referral.removed_at.is_(None))
    for referral in db.session.scalars(under.order_by(Referral.id)).all():
        _end_open(referral)
        _part(referral, by=by, now=now)


def _end_open(referral: Referral) -> bool:
    """From open to withdrawn; False where it is not open any more."""
    ended = db.session.execute(
        update(Referral)
        .where(Referral.id == referral.id, Referral.state.in_(OPEN_REFERRAL_STATES))
        .values(state=ReferralState.WITHDRAWN)
        .execution_options(synchronize_session=False)
    )
    return rows_hit(ended) == 1


def _part(referral: Referral, *, by: User, now: datetime) -> None:
    """End what is under a referral whose consent was taken back, and say so to the institution."""
    end_linkages(referral, LinkageState.WITHDRAWN, by=by, now=now)
    db.session.refresh(referral)
    db.session.refresh(referral.consent)
    journal.record(by, "referral.withdrawn", referral, at=now, consent_id=referral.consent_id)
    webhooks.tell(WebhookEventKind.REFERRAL_WITHDRAWN, referral, now=now)


def add_linkage(
    referral: Referral, kind: LinkageKind, *, now: datetime, product: Product | None = None
) -> Linkage:  # fmt: skip
    """A linkage of this kind at the start of its way; with the product, if that is of this kind."""
    linkage = Linkage(
        folio=new_folio("L"),
        referral_id=referral.id,
        person_id=referral.person_id,
        institution_id=referral.institution_id,
        kind=kind,
        product_id=product.id if product is not None and product.kind is kind else None,
        state=LinkageState.REFERRED,
        created_at=now,
        last_step_on=local_day(now),
    )
    db.session.add(linkage)
    return linkage


def _check(request: Request, *, now: datetime) -> None:
    if not request.to.is_active:
        raise RuleBroken(_("This institution is not active. Choose another."), field="institution_id")
    if not has_agreement(request.to.id, local_day(now)):
        raise RuleBroken(_("No agreement with this institution is in force today. Record the one that was signed, or "
                           "choose another institution."), field="institution_id")  # fmt: skip
    if not request.kinds:
        raise RuleBroken(_("Choose at least one thing that the person wants."), field="kinds")
    if request.text.purpose is not ConsentPurpose.REFERRAL:
        raise RuleBroken(_("Read out the text about sharing with an institution."), field="text_id")
    if SharedField.GROUP in request.covers and request.text.version < GROUP_ASKED_SINCE:
        raise RuleBroken(_("This text promises not to share it. Read out a newer version, or leave the box empty."),
                         field="shares_group")  # fmt: skip
    product = request.product
    if product is not None and product.institution_id != request.to.id:
        raise RuleBroken(_("This product is another institution's. Choose one of the institution above, or none."),
                         field="product_id")  # fmt: skip
    if product is not None and product.kind not in request.kinds:
        raise RuleBroken(_("Tick what this product is as well: a credit, a savings account or a membership."),
                         field="kinds")  # fmt: skip


def _keep(
    person: Person, request: Request, *, by: User, now: datetime, reassigned_from: Referral | None
) -> Referral:  # fmt: skip
    """The referral and its consent, or the sentence that one is open already."""
    _make_room(person, request.to, now=now)
    consent = Consent(
        person_id=person.id, text_id=request.text.id, institution_id=request.to.id, read_out_by_id=by.id, given_at=now
    )
    referral = Referral(
        folio=new_folio("R"),
        person_id=person.id,
        institution_id=request.to.id,
        state=ReferralState.SENT,
        need=request.need,
        product_id=request.product.id if request.product is not None else None,
        shared_fields=[one.value for one in SharedField if one in request.covers],
        expires_on=local_day(now) + timedelta(days=request.answer_days),
        reassigned_from_id=reassigned_from.id if reassigned_from is not None else None,
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
        # The unique indexes decide, also between two people who press at once.
        message = _("This person has an open referral to this institution. Go on with that one.")
        if reassigned_from is not None:
            message = _("This person was sent on already, or has an open referral to this institution. Look at the "
                        "person's referrals before going on.")  # fmt: skip
        raise RuleBroken(message, field="institution_id") from None
    return referral


def _make_room(person: Person, institution: Institution, *, now: datetime) -> None:
    """An open one that may no longer be shown stands in nobody's way, whether the job has come to it or not."""
    over = select(Referral.id).where(
        Referral.person_id == person.id,
        Referral.institution_id == institution.id,
        Referral.state.in_(OPEN_REFERRAL_STATES),
        Referral.removed_at.is_(None),
        ~referral_in_time(local_day(now)),
    )
    for referral_id in db.session.scalars(over.order_by(Referral.id)).all():
        remove_referral(referral_id, now=now)


def _answer(
    referral: Referral, state: ReferralState, *, now: datetime, reason: DeclineReason | None = None
) -> None:  # fmt: skip
    in_time = or_(Referral.expires_on.is_(None), Referral.expires_on >= local_day(now))
    hit = db.session.execute(
        update(Referral)
        .where(Referral.id == referral.id, Referral.state == ReferralState.SENT, in_time)
        .values(
            state=state,
            answered_at=now,
            acknowledged_at=func.coalesce(Referral.acknowledged_at, now),
            decline_reason=reason.value if reason else None,
        )
        .execution_options(synchronize_session=False)
    )
    if not rows_hit(hit):
        raise RuleBroken(_("This referral was answered already, or its time is over. Look at its current state before "
                           "going on."))  # fmt: skip
    db.session.refresh(referral)


def end_linkages(
    referral: Referral, state: LinkageState, *, by: User, now: datetime, reason: DeclineReason | None = None
) -> None:
    """End what is still on its way; each by a guarded update, so that a step logged meanwhile is not overwritten.

    Read after the referral's own row was changed: what was added to it at this moment ends too.
    """
    today = local_day(now)
    under = select(Linkage).where(Linkage.referral_id == referral.id, linkage_in_time(today)).order_by(Linkage.id)
    for linkage in db.session.scalars(under.execution_options(populate_existing=True)).all():
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
