"""What is due at the liaisons' institutions these days: referrals that expire, and an approved credit.

Nobody receives a credit here, and no indicator moves.
"""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import select

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.db import db
from grants.credit import services
from grants.credit.models import (
    Institution,
    LinkageKind,
    LinkageState,
    Referral,
    ReferralState,
)
from grants.credit.queries import liaison_institution
from grants.credit.services import Step
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
