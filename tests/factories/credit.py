"""Institutions, liaisons, referrals and linkages for tests."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.credit.models import (
    CREDITED_STATES,
    Agreement,
    AgreementKind,
    CreditMovement,
    DeclineReason,
    Institution,
    InstitutionKind,
    LiaisonPost,
    Linkage,
    LinkageEvent,
    LinkageKind,
    LinkageState,
    MovementKind,
    RateKind,
    Referral,
    ReferralState,
)
from grants.people.folio import new_folio
from grants.people.models import ConsentPurpose, Person
from tests.factories.access import make_user
from tests.factories.people import make_consent, make_person

_numbers = count(1)


TOMORROW = "tomorrow"


def spelled(changes: dict[str, Any]) -> dict[str, Any]:
    """What is typed, with TOMORROW as a day. Asked within the test: the day may have changed since tests were read."""
    tomorrow = (local_day(utcnow()) + timedelta(days=1)).isoformat()
    return {name: tomorrow if typed == TOMORROW else typed for name, typed in changes.items()}


def make_institution(
    name: str = "", *, kind: InstitutionKind = InstitutionKind.COOPERATIVE, is_active: bool = True, agreed: bool = True
) -> Institution:
    """An institution, active and with an agreement unless told otherwise."""
    institution = Institution(
        name=name or f"Cooperativa {next(_numbers)}", kind=kind, is_active=is_active, created_at=utcnow()
    )
    db.session.add(institution)
    db.session.flush()
    if agreed:
        _agree(institution)
    return institution


def _agree(institution: Institution) -> None:
    """What was signed a year ago and has no end."""
    day = local_day(utcnow()) - timedelta(days=365)
    agreement = Agreement(institution_id=institution.id, kind=AgreementKind.AGREEMENT, signed_on=day, valid_from=day,
                          recorded_by_id=make_user(Role.COORDINATOR).id, recorded_at=utcnow())  # fmt: skip
    db.session.add(agreement)
    db.session.flush()


def make_liaison(institution: Institution | None, **overrides: Any) -> User:
    """A liaison of this institution; None: without a post."""
    user = make_user(Role.LIAISON, **overrides)
    if institution is not None:
        db.session.add(LiaisonPost(user_id=user.id, institution_id=institution.id))
        db.session.flush()
    return user


def make_referral(
    person: Person | None = None,
    institution: Institution | None = None,
    *,
    state: ReferralState = ReferralState.ACCEPTED,
    need: str = "Un horno para la panadería",
    referred_at: datetime | None = None,
    referred_by: User | None = None,
) -> Referral:
    """A referral with its consent and without linkages, 30 days old and accepted unless told otherwise."""
    person, institution = person or make_person(), institution or make_institution()
    at = referred_at or utcnow() - timedelta(days=30)
    consent = make_consent(person, ConsentPurpose.REFERRAL, institution_id=institution.id, given_at=at)
    referral = Referral(
        folio=new_folio("R"),
        person_id=person.id,
        institution_id=institution.id,
        consent_id=consent.id,
        state=state,
        need=need,
        referred_by_id=(referred_by or make_user(Role.COORDINATOR)).id,
        referred_at=at,
        answered_at=None if state is ReferralState.SENT else at,
        decline_reason=DeclineReason.NO_GUARANTOR.value if state is ReferralState.DECLINED else None,
    )
    db.session.add(referral)
    db.session.flush()
    return referral


def make_linkage(
    referral: Referral | None = None,
    *,
    person: Person | None = None,
    institution: Institution | None = None,
    kind: LinkageKind = LinkageKind.CREDIT,
    state: LinkageState = LinkageState.REFERRED,
    happened_on: date | None = None,
    amount_usd: Decimal = Decimal("850.00"),
    reference: str | None = None,
) -> Linkage:
    """A linkage in a state, with the terms that the state needs and the event that led to it."""
    referral = referral or make_referral(person, institution)
    credited = state in CREDITED_STATES
    day = happened_on or local_day(referral.referred_at)
    linkage = Linkage(
        folio=new_folio("L"),
        referral_id=referral.id,
        person_id=referral.person_id,
        institution_id=referral.institution_id,
        kind=kind,
        state=state,
        amount_usd=amount_usd if credited else None,
        disbursed_on=day if credited else None,
        term_months=12 if credited else None,
        rate_percent=Decimal("25.12") if credited else None,
        rate_kind=RateKind.NOMINAL if credited else None,
        reference=reference or (f"OP-{next(_numbers)}" if credited else None),
        decline_reason=DeclineReason.CREDIT_BUREAU if state is LinkageState.DECLINED else None,
        created_at=referral.referred_at,
        last_step_on=day,
    )
    db.session.add(linkage)
    db.session.flush()
    if state is not LinkageState.REFERRED:
        _note(linkage, referral, day)
    if credited:
        _move(linkage, referral, day)
    return linkage


def make_member(person: Person, institution: Institution) -> Linkage:
    """A membership of this person that is open."""
    return make_linkage(person=person, institution=institution, kind=LinkageKind.MEMBERSHIP, state=LinkageState.OPENED)


def make_movement(
    linkage: Linkage, kind: MovementKind, *, happened_on: date | None = None, **facts: Any
) -> CreditMovement:
    """A movement as it stands in the database; the linkage is not settled by it."""
    movement = CreditMovement(
        linkage_id=linkage.id,
        institution_id=linkage.institution_id,
        kind=kind,
        happened_on=happened_on or linkage.disbursed_on,
        logged_at=utcnow(),
        logged_by_id=linkage.referral.referred_by_id,
        **facts,
    )
    db.session.add(movement)
    db.session.flush()
    return movement


def _move(linkage: Linkage, referral: Referral, day: date) -> None:
    """What must have happened for the credit to be in its state."""
    amount = linkage.amount_usd
    assert amount is not None
    make_movement(linkage, MovementKind.DISBURSEMENT, amount_usd=amount)
    linkage.outstanding_usd, linkage.reported_on = amount, day
    if linkage.state is LinkageState.REPAYING:
        make_movement(linkage, MovementKind.REPAYMENT, amount_usd=Decimal(100), principal_usd=Decimal(90),
                      interest_usd=Decimal(10))  # fmt: skip
        linkage.outstanding_usd = amount - 90
    elif linkage.state is LinkageState.REPAID:
        make_movement(linkage, MovementKind.BALANCE, balance_usd=Decimal(0))
        linkage.outstanding_usd = Decimal(0)
    elif linkage.state is LinkageState.WRITTEN_OFF:
        make_movement(linkage, MovementKind.WRITE_OFF, amount_usd=amount)
        linkage.outstanding_usd = Decimal(0)
    db.session.flush()


def _note(linkage: Linkage, referral: Referral, day: date) -> None:
    db.session.add(
        LinkageEvent(
            linkage_id=linkage.id,
            from_state=LinkageState.REFERRED,
            to_state=linkage.state,
            happened_on=day,
            logged_at=referral.referred_at,
            logged_by_id=referral.referred_by_id,
        )
    )
    db.session.flush()
