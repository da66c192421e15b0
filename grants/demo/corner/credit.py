"""People referred lately: some wait for an answer, one for a first call, some are stuck; some nobody
took on. And credits that live.

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
    DeclineReason,
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
from grants.credit.services import Movement, Step, reassignment
from grants.credit.services.referrals import Request
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
# Days ago: one expired, one declined, one sent on to an institution whose liaison has no account in the demo.
EXPIRED, DECLINED, SENT_ON = (40, 9), (10, 8), (12, 3)
SENT_ON_TO = "Cooperativa de Ahorro y Crédito San Antonio"


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
    first = setting.staff[Role.LIAISON][0]
    institution = liaison_institution(first)
    if institution is not None:
        _build_ends(setting, rest[:3], institution, first)


def _build_ends(setting: Setting, people: Sequence[Person], at: Institution, liaison: User) -> None:
    """What the coordinator sends on, and somebody whom another institution was asked about already."""
    unanswered, refused, moved = people
    expired = _sent(setting, unanswered, at, EXPIRED[0])
    reassignment.expire(expired.id, now=setting.morning(-EXPIRED[1]))
    declined = _sent(setting, refused, at, DECLINED[0])
    services.decline(declined, DeclineReason.DOCUMENT_NOT_ACCEPTED, by=liaison, now=setting.morning(-DECLINED[1]))
    other = db.session.scalars(select(Institution).where(Institution.name == SENT_ON_TO)).one()
    request = Request(other, [LinkageKind.CREDIT], NEED, consent_text(ConsentPurpose.REFERRAL))
    first, now = _sent(setting, moved, at, SENT_ON[0]), setting.morning(-SENT_ON[1])
    _name(setting, reassignment.reassign(first, request, by=setting.coordinator, now=now))


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
    if first.institution.members_only:
        _join(setting, first.referral, liaison, days=disbursed + 30)
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


def _join(setting: Setting, referral: Referral, liaison: User, *, days: int) -> None:
    """Whoever borrows at a savings bank is a member: logged so many days ago, before the credit."""
    member = services.open_linkage(referral, LinkageKind.MEMBERSHIP, by=liaison, now=setting.morning(-days))
    setting.name(member, "L")
    for state in (LinkageState.CONTACTED, LinkageState.OPENED):
        services.log_step(member, Step(state, setting.day(-days)), by=liaison, now=setting.morning(-days, minutes=60))


def _refer(
    setting: Setting, person: Person, to: Institution, liaison: User, referred: int, accepted: int | None,
    steps: Sequence[tuple[LinkageState, int]],
) -> None:  # fmt: skip
    referral = _sent(setting, person, to, referred)
    if accepted is not None:
        services.accept(referral, by=liaison, now=setting.morning(-accepted))
    _log(setting, referral, liaison, steps)


def _sent(setting: Setting, person: Person, to: Institution, days: int) -> Referral:
    referral = services.refer(
        person, to=to, kinds=[LinkageKind.CREDIT], need=NEED, text=consent_text(ConsentPurpose.REFERRAL),
        by=setting.coordinator, now=setting.morning(-days),
    )  # fmt: skip
    _name(setting, referral)
    return referral


def _name(setting: Setting, referral: Referral) -> None:
    setting.name(referral, "R")
    for linkage in referral.linkages:
        setting.name(linkage, "L")


def _log(setting: Setting, referral: Referral, liaison: User, steps: Sequence[tuple[LinkageState, int]]) -> None:
    (linkage,) = referral.linkages
    for state, days in steps:
        amount = REQUESTED if state is LinkageState.APPLIED else None
        step = Step(to_state=state, happened_on=setting.day(-days), amount_usd=amount)
        services.log_step(linkage, step, by=liaison, now=setting.morning(-days, minutes=60))
