"""Events that count for an indicator, for tests: each makes whatever must stand behind it."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count

from grants.access.permissions import Role
from grants.calls.models import CallKind, Programme
from grants.core.clock import utcnow
from grants.core.db import db
from grants.credit.models import (
    Institution,
    InstitutionKind,
    Linkage,
    LinkageKind,
    LinkageState,
    Referral,
    ReferralState,
)
from grants.delivery.models import Delivery, DeliveryState
from grants.people.folio import new_folio
from grants.people.models import ConsentPurpose, Person
from grants.reports.models import Indicator
from grants.reports.services import adopt_framework
from grants.training.models import Completion, CourseKind
from tests.factories.access import make_user
from tests.factories.calls import make_call, make_programme
from tests.factories.people import make_consent, make_person
from tests.factories.selection import make_award
from tests.factories.training import make_completion, make_course

_numbers = count(1)


def complete_course(
    kind: CourseKind, on: date, person: Person | None = None, *, grade: Decimal | None = None
) -> Completion:
    """A person who completed a course of this kind on a day."""
    course = make_course(kind=kind, starts_on=on - timedelta(days=30), ends_on=on, has_grade=grade is not None)
    return make_completion(course, person or make_person(), completed_on=on, grade=grade)


def hand_over(
    at: datetime,
    person: Person | None = None,
    *,
    kind: CallKind = CallKind.SEED_CAPITAL,
    state: DeliveryState = DeliveryState.CONFIRMED,
) -> Delivery:
    """An award of this kind whose delivery is in a state; confirmed at that moment if it is handed over."""
    award = make_award(person, call=make_call(kind=kind))
    is_open = state in (DeliveryState.PLANNED, DeliveryState.AT_POINT, DeliveryState.RETURNED)
    delivery = Delivery(
        folio=new_folio("D"), award=award, person=award.application.person, state=state, canton_code="1001",
        officer_id=make_user(Role.OFFICER).id, value_usd=award.value_usd, created_by_id=make_user(Role.COORDINATOR).id,
        created_at=at, confirmed_at=None if is_open else at, digest="0" * 64,
    )  # fmt: skip
    db.session.add(delivery)
    db.session.flush()
    return delivery


def disburse(
    on: date | None,
    person: Person | None = None,
    *,
    kind: LinkageKind = LinkageKind.CREDIT,
    state: LinkageState = LinkageState.DISBURSED,
) -> Linkage:
    """A linkage at an institution of its own, disbursed that day unless told otherwise."""
    person, number = person or make_person(), next(_numbers)
    institution = Institution(name=f"Caja {number}", kind=InstitutionKind.SAVINGS_BANK, created_at=utcnow())
    db.session.add(institution)
    db.session.flush()
    consent = make_consent(person, ConsentPurpose.REFERRAL, institution_id=institution.id)
    referral = Referral(
        folio=new_folio("R"), person_id=person.id, institution=institution, consent=consent,
        state=ReferralState.ACCEPTED, referred_by_id=person.registered_by_id, referred_at=utcnow(),
    )  # fmt: skip
    linkage = Linkage(
        folio=new_folio("L"), referral=referral, person_id=person.id, institution=institution, kind=kind, state=state,
        amount_usd=Decimal("300.00") if on else None, disbursed_on=on, reference=f"OP-{number}", created_at=utcnow(),
    )  # fmt: skip
    db.session.add(linkage)
    db.session.flush()
    return linkage


def make_framework(programme: Programme | None = None) -> list[Indicator]:
    """The indicators of the data file, agreed for a programme."""
    indicators = adopt_framework(programme or make_programme(), by=make_user(Role.COORDINATOR), now=utcnow())
    db.session.flush()
    return indicators
