"""People referred lately: some wait for an answer, one for a first call, some are stuck. And credits that live.

The living credits are second ones of people whose credit of 2022 is repaid, so they add nobody to the published counts.
"""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.db import db
from grants.credit import services
from grants.credit.models import (
    Institution,
    Linkage,
    LinkageKind,
    LinkageState,
    MovementKind,
    RateKind,
    Referral,
    Source,
)
from grants.credit.queries import liaison_institution
from grants.credit.schedules import schedule
from grants.credit.services import Movement, Step
from grants.demo.corner.setting import Setting
from grants.demo.facts import morning
from grants.demo.people import consent_text
from grants.people.models import ConsentPurpose, Person

# One person each: how many days ago they were referred and accepted, and each step with its day. None: not answered.
FATES: Sequence[tuple[int, int | None, Sequence[tuple[LinkageState, int]]]] = (
    (1, None, ()),
    (2, None, ()),
    (6, 4, ()),
    (40, 38, ((LinkageState.CONTACTED, 35),)),
    (52, 50, ((LinkageState.CONTACTED, 45), (LinkageState.APPLIED, 30))),
)
# One living credit each: how many days ago it was disbursed, how many instalments were paid, and when the liaison last
# logged what is owed. The first is up to date, the second late, and of the third nobody reported for long.
LIVES: Sequence[tuple[int, int, int | None]] = ((160, 5, None), (195, 3, 12), (135, 2, None))
LENT, MONTHS = Decimal("900.00"), 12
REQUESTED = Decimal("800.00")
NEED = "Capital de trabajo"


def build_referrals(setting: Setting, people: Sequence[Person]) -> None:
    """As many for each liaison as there are fates; a caja gets people of its own canton."""
    rest = list(people)
    for liaison in setting.staff[Role.LIAISON]:
        institution = liaison_institution(liaison)
        if institution is None:
            continue
        near = [one for one in rest if institution.canton_code in (None, one.canton_code)][: len(FATES)]
        rest = [one for one in rest if one not in near]
        for person, fate in zip(near, FATES, strict=True):
            _refer(setting, person, institution, liaison, *fate)


def build_living(setting: Setting) -> None:
    """A second credit for as many people of each liaison's institution as there are lives."""
    for liaison in setting.staff[Role.LIAISON]:
        institution = liaison_institution(liaison)
        if institution is None:
            continue
        repaid = (
            select(Linkage)
            .options(joinedload(Linkage.referral))
            .where(Linkage.institution_id == institution.id, Linkage.state == LinkageState.REPAID)
            .order_by(Linkage.id)
            .limit(len(LIVES))
        )
        for number, (first, life) in enumerate(zip(db.session.scalars(repaid).all(), LIVES, strict=False), 1):
            _live(setting, first, liaison, f"{institution.id:02d}{number:03d}", *life)


def _live(
    setting: Setting, first: Linkage, liaison: User, number: str, disbursed: int, paid: int, stated: int | None
) -> None:
    opened = setting.morning(-disbursed - 30)
    linkage = services.open_linkage(first.referral, LinkageKind.CREDIT, by=liaison, now=opened)
    setting.name(linkage, "L")
    steps = (Step(LinkageState.CONTACTED, setting.day(-disbursed - 28)),
             Step(LinkageState.APPLIED, setting.day(-disbursed - 20), LENT),
             Step(LinkageState.APPROVED, setting.day(-disbursed - 6), LENT),
             Step(LinkageState.DISBURSED, setting.day(-disbursed), LENT, MONTHS, first.rate_percent or Decimal(12),
                  RateKind.NOMINAL, f"DEMO-V{number}"))  # fmt: skip
    for step in steps:
        services.log_step(linkage, step, by=liaison, now=morning(step.happened_on, minutes=90))
    due = schedule(LENT, services.terms_of(linkage))
    told = [Movement(MovementKind.REPAYMENT, one.due_on, one.total, reference=f"R-{number}-{place}")
            for place, one in enumerate(due[:paid], 1)]  # fmt: skip
    if stated is not None:
        owed = sum((one.principal for one in due[paid:]), Decimal(0))
        told.append(Movement(MovementKind.BALANCE, setting.day(-stated), balance_usd=owed, source=Source.CALL))
    for movement in told:
        services.log_movement(linkage, movement, by=liaison, now=morning(movement.happened_on, minutes=90))


def _refer(
    setting: Setting, person: Person, to: Institution, liaison: User, referred: int, accepted: int | None,
    steps: Sequence[tuple[LinkageState, int]],
) -> None:  # fmt: skip
    referral = services.refer(
        person, to=to, kinds=[LinkageKind.CREDIT], need=NEED, text=consent_text(ConsentPurpose.REFERRAL),
        by=setting.coordinator, now=setting.morning(-referred),
    )  # fmt: skip
    setting.name(referral, "R")
    if accepted is not None:
        services.accept(referral, by=liaison, now=setting.morning(-accepted))
    _log(setting, referral, liaison, steps)


def _log(setting: Setting, referral: Referral, liaison: User, steps: Sequence[tuple[LinkageState, int]]) -> None:
    (linkage,) = referral.linkages
    setting.name(linkage, "L")
    for state, days in steps:
        amount = REQUESTED if state is LinkageState.APPLIED else None
        step = Step(to_state=state, happened_on=setting.day(-days), amount_usd=amount)
        services.log_step(linkage, step, by=liaison, now=setting.morning(-days, minutes=60))
