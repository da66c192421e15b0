"""What is due at the liaisons' institutions these days: referrals that expire, an approved credit, credits to report.

The money is that of the credits of 2022, restructured lately: nobody receives a credit here, and no indicator moves.
"""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import select

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.db import db
from grants.credit import services
from grants.credit.models import (
    ACTIVE_STATES,
    Amortization,
    Frequency,
    Institution,
    Linkage,
    LinkageKind,
    LinkageState,
    MovementKind,
    RateKind,
    Referral,
    ReferralState,
)
from grants.credit.queries import liaison_institution
from grants.credit.schedules import Terms
from grants.credit.services import Movement, Step
from grants.credit.services.retain import fill
from grants.demo.corner.setting import Setting
from grants.demo.people import consent_text
from grants.people.models import ConsentPurpose, Person

S = LinkageState
NEED = "Mercadería para el local"
TO_APPROVAL = ((S.CONTACTED, 20), (S.APPLIED, 14), (S.APPROVED, 6))
APPROVED = Decimal("600.00")
# Days until the referrals that wait for an answer expire, the one listed first last.
EXPIRE_IN = (9, 2)
# Each credit: how many days ago it was restructured, in how many days its first instalment falls due, and how many
# days ago somebody paid. None: nobody has.
RESTRUCTURED = ((75, -40, 38), (52, 4, None), (12, 20, None))
RATE = Decimal("15.00")


def build_due(setting: Setting, people: Sequence[Person]) -> None:
    """Something of each kind for the home page of each liaison. `people`: some of them, not referred there yet."""
    rest = list(people)
    for liaison in setting.staff[Role.LIAISON]:
        institution = liaison_institution(liaison)
        if institution is None:
            continue
        _let_expire(setting, institution)
        person = next(one for one in rest if institution.canton_code in (None, one.canton_code))
        rest.remove(person)
        _approve(setting, person, institution, liaison)
        _report(setting, institution, liaison)
    while fill(now=setting.now):
        db.session.flush()


def _let_expire(setting: Setting, institution: Institution) -> None:
    waiting = db.session.scalars(
        select(Referral)
        .where(Referral.institution_id == institution.id, Referral.state == ReferralState.SENT)
        .order_by(Referral.id.desc())
    ).all()
    for referral, days in zip(waiting, EXPIRE_IN, strict=False):
        referral.expires_on = setting.day(days)
    db.session.flush()


def _approve(setting: Setting, person: Person, to: Institution, liaison: User) -> None:
    referral = services.refer(
        person, to=to, kinds=[LinkageKind.CREDIT], need=NEED, text=consent_text(ConsentPurpose.REFERRAL),
        by=setting.coordinator, now=setting.morning(-24),
    )  # fmt: skip
    setting.name(referral, "R")
    services.accept(referral, by=liaison, now=setting.morning(-22))
    (linkage,) = referral.linkages
    setting.name(linkage, "L")
    for state, days in TO_APPROVAL:
        amount = None if state is S.CONTACTED else APPROVED
        step = Step(to_state=state, happened_on=setting.day(-days), amount_usd=amount)
        services.log_step(linkage, step, by=liaison, now=setting.morning(-days, minutes=60))


def _report(setting: Setting, institution: Institution, liaison: User) -> None:
    """Some of the institution's credits as they stand now; the others have not been reported for long."""
    lately = db.session.scalars(
        select(Linkage)
        .where(
            Linkage.institution_id == institution.id,
            Linkage.state.in_(ACTIVE_STATES),
            Linkage.reported_on < setting.day(-RESTRUCTURED[0][0]),  # nothing later than what is logged here
        )
        .order_by(Linkage.disbursed_on.desc(), Linkage.id)
        .limit(len(RESTRUCTURED))
    ).all()
    for linkage, (restructured, first_due, paid) in zip(lately, RESTRUCTURED, strict=False):
        terms = Terms(RATE, RateKind.NOMINAL, Amortization.FRENCH, Frequency.MONTHLY, 12, setting.day(first_due))
        owed = linkage.outstanding_usd or linkage.amount_usd or APPROVED
        _log(setting, linkage, liaison, Movement(MovementKind.RESTRUCTURE, setting.day(-restructured),
                                                 balance_usd=owed, terms=terms))  # fmt: skip
        if paid is not None:
            part = (owed / 12).quantize(Decimal("0.01"))
            _log(setting, linkage, liaison, Movement(MovementKind.REPAYMENT, setting.day(-paid), amount_usd=part))


def _log(setting: Setting, linkage: Linkage, liaison: User, movement: Movement) -> None:
    now = setting.morning((movement.happened_on - setting.day(0)).days, minutes=90)
    services.log_movement(linkage, movement, by=liaison, now=now)
