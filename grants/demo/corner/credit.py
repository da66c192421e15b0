"""People referred lately: some wait for an answer, one for a first call, some are stuck."""

from collections.abc import Sequence
from decimal import Decimal

from grants.access.models import User
from grants.access.permissions import Role
from grants.credit import services
from grants.credit.models import Institution, LinkageKind, LinkageState, Referral
from grants.credit.queries import liaison_institution
from grants.credit.services import Step
from grants.demo.corner.setting import Setting
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
