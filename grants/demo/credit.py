"""The demo's nine institutions, the people referred to them, and the credits of 2022.

Who got credit where, how much and on which terms is invented: the report gives counts only.
"""

from collections import deque
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from grants.access.models import User
from grants.access.permissions import Role
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db
from grants.credit.models import (
    Amortization,
    CreditMovement,
    DeclineReason,
    Frequency,
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
from grants.credit.schedules import months_later
from grants.demo.credit_life import Lives
from grants.demo.facts import Chance, morning, programme
from grants.demo.people import Cohort, consent_text
from grants.demo.staff import ARRIVED, Staff
from grants.people.models import Consent, ConsentPurpose, ConsentText, Person

LIAISONS_AT = ("Banco Codesarrollo", "Funda Esfuerzo")
S = LinkageState
# The ways a linkage of the demo went: from the referral to where it stands, one state a step.
TO_CREDIT = (S.REFERRED, S.CONTACTED, S.APPLIED, S.APPROVED, S.DISBURSED)
TO_ACCOUNT = (S.REFERRED, S.CONTACTED, S.OPENED)
TO_REFUSAL = (S.REFERRED, S.CONTACTED, S.APPLIED, S.DECLINED)
# How those without a credit fared, in percent. The report tells nothing of them: invented.
OTHER_WAYS = ((TO_ACCOUNT, 50), (TO_REFUSAL, 30), (TO_CREDIT[:4], 4), (TO_CREDIT[:3], 4), (TO_CREDIT[:2], 6),
              (TO_CREDIT[:1], 6))  # fmt: skip
REFUSALS = (DeclineReason.NO_GUARANTOR, DeclineReason.CAPACITY_TO_PAY, DeclineReason.DOCUMENT_NOT_ACCEPTED)
REFERRED_FROM, REFERRED_UNTIL = date(2022, 8, 8), date(2022, 10, 28)
NEEDS = ("Capital de trabajo", "Compra de mercadería", "Herramientas", "Arreglo del local", "Cuenta de ahorro")
RATES = {InstitutionKind.BANK: "21.50", InstitutionKind.COOPERATIVE: "19.75", InstitutionKind.SAVINGS_BANK: "12.00"}


def build_credit(chance: Chance, staff: Staff, learners: Sequence[Cohort], *, now: datetime) -> None:
    """Institutions and liaisons, the published counts of people referred and of credits, and what became of them."""
    institutions = _institutions(staff)
    borrowers = _borrowers(learners)
    others = _others(chance, learners, {person.id for person in borrowers})
    turn, text, lives = deque(institutions), consent_text(ConsentPurpose.REFERRAL), Lives(local_day(now))
    for person in chance.shuffled([*borrowers, *others]):
        while turn[0].canton_code not in (None, person.canton_code):  # a caja serves its own canton
            turn.rotate(-1)
        referral = _refer(chance, staff, person, turn[0], text)
        way = TO_CREDIT if person in borrowers else _other_way(chance)
        linkage = _link(chance, referral, turn[0], way, _logged_by(staff, turn[0]))
        if way is TO_CREDIT:
            lives.live(linkage, _logged_by(staff, turn[0]))
        turn.rotate(-1)
    db.session.flush()


def _institutions(staff: Staff) -> list[Institution]:
    found = [
        Institution(
            name=facts["name"], kind=InstitutionKind(facts["kind"]), network=facts["network"],
            canton_code=facts["canton"], created_at=ARRIVED,
        )
        for facts in programme()["institutions"]
    ]  # fmt: skip
    db.session.add_all(found)
    for institution in found:
        journal.record(staff[Role.COORDINATOR][0], "institution.created", institution, at=ARRIVED)
    by_name = {institution.name: institution for institution in found}
    for liaison, name in zip(staff[Role.LIAISON], LIAISONS_AT, strict=True):
        db.session.add(LiaisonPost(user_id=liaison.id, institution=by_name[name]))
    db.session.flush()
    return found


def _borrowers(learners: Sequence[Cohort]) -> list[Person]:
    """People with the published sex and nationality, from the two cohorts that a credit in 2022 could reach."""
    found: list[Person] = []
    known = [person for cohort in learners for person in cohort.people if person.registered_at.year == 2022]
    for group in programme()["credits"]["groups"]:
        for nationality, count in group["nationality"].items():
            wanted = (group["canton"], group["sex"], nationality)
            found += [p for p in known if (p.canton_code, p.sex.value, p.nationality) == wanted][:count]
    return found


def _others(chance: Chance, learners: Sequence[Cohort], taken: set[int]) -> list[Person]:
    """The rest of those referred, by canton."""
    found: list[Person] = []
    everyone = [person for cohort in learners for person in cohort.people]
    for canton, total in programme()["referrals"]["canton"].items():
        here = [p for p in everyone if p.canton_code == canton and p.registered_at.year == 2022]
        already = sum(person.id in taken for person in here)
        found += chance.sample([person for person in here if person.id not in taken], total - already)
    return found


def _refer(chance: Chance, staff: Staff, person: Person, institution: Institution, text: ConsentText) -> Referral:
    by, at = chance.choice(staff[Role.COORDINATOR]), morning(chance.day(REFERRED_FROM, REFERRED_UNTIL))
    consent = Consent(
        person_id=person.id, text_id=text.id, institution_id=institution.id, read_out_by_id=by.id, given_at=at
    )
    referral = Referral(
        folio=chance.folio("R"), person_id=person.id, institution=institution, consent=consent, referred_by_id=by.id,
        state=ReferralState.ACCEPTED, need=chance.choice(NEEDS), referred_at=at, answered_at=at + timedelta(days=3),
    )  # fmt: skip
    db.session.add(referral)
    journal.record(by, "referral.sent", referral, at=at)
    return referral


def _other_way(chance: Chance) -> Sequence[LinkageState]:
    ways, weights = zip(*OTHER_WAYS, strict=True)
    way: Sequence[LinkageState] = chance.choices(ways, weights)[0]
    return way


def _link(
    chance: Chance, referral: Referral, institution: Institution, way: Sequence[LinkageState], by: User
) -> Linkage:
    """A linkage that went this way, a step every few days."""
    amount, days = Decimal(chance.randrange(150, 1501, 50)), _days(chance, referral)[: len(way) - 1]
    linkage = Linkage(
        folio=chance.folio("L"), referral=referral, person_id=referral.person_id, institution=institution,
        kind=LinkageKind.SAVINGS_ACCOUNT if way is TO_ACCOUNT else LinkageKind.CREDIT, state=way[-1],
        requested_usd=amount if S.APPLIED in way else None, approved_usd=amount if S.APPROVED in way else None,
        decline_reason=chance.choice(REFUSALS) if way is TO_REFUSAL else None, created_at=referral.answered_at,
        last_step_on=days[-1] if days else local_day(referral.referred_at),
    )  # fmt: skip
    if way is TO_CREDIT:
        _disburse(chance, linkage, amount, days[-1], by)
    linkage.events = _events(way, days, by)
    db.session.add(linkage)
    journal.record(by, "linkage.opened", linkage, at=linkage.created_at)
    for event in linkage.events:
        journal.record(by, "linkage.moved", linkage, at=event.logged_at, to=event.to_state.value)
    return linkage


def _disburse(chance: Chance, linkage: Linkage, amount: Decimal, day: date, by: User) -> None:
    linkage.amount_usd, linkage.disbursed_on = amount, day
    linkage.outstanding_usd, linkage.reported_on = amount, day
    linkage.movements = [
        CreditMovement(institution_id=linkage.institution.id, kind=MovementKind.DISBURSEMENT, happened_on=day,
                       logged_at=morning(day, minutes=420), logged_by=by, amount_usd=amount)
    ]  # fmt: skip
    linkage.term_months = chance.choice((6, 9, 12, 18))
    linkage.rate_percent, linkage.rate_kind = Decimal(RATES[linkage.institution.kind]), RateKind.NOMINAL
    linkage.method, linkage.frequency = Amortization.FRENCH, Frequency.MONTHLY
    linkage.instalments, linkage.first_due_on = linkage.term_months, months_later(day, 1)
    linkage.reference = f"DEMO-{chance.randrange(10**8):08d}"


def _days(chance: Chance, referral: Referral) -> list[date]:
    """Contact, application, approval and disbursement, all in 2022 as the report has it (line 304)."""
    day, days = (referral.answered_at or referral.referred_at).date(), []
    for wait in (4, 8, 14, 7):
        day += timedelta(days=chance.randint(2, wait))
        days.append(day)
    return days


def _events(way: Sequence[LinkageState], days: Sequence[date], by: User) -> list[LinkageEvent]:
    return [
        LinkageEvent(from_state=before, to_state=after, happened_on=day, logged_at=morning(day, minutes=420),
                     logged_by=by)
        for before, after, day in zip(way, way[1:], days, strict=False)
    ]  # fmt: skip


def _logged_by(staff: Staff, institution: Institution) -> User:
    """The institution's own liaison; a coordinator for those without an account in the demo."""
    if institution.name in LIAISONS_AT:
        return staff[Role.LIAISON][LIAISONS_AT.index(institution.name)]
    return staff[Role.COORDINATOR][0]
