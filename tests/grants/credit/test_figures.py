"""What home pages and reports ask about credit."""

from datetime import UTC, date, datetime, timedelta

from flask import Flask

from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.credit import queries, services
from grants.credit.models import LinkageKind, LinkageState, ReferralState
from grants.credit.queries.figures import CreditedPerson, LinkedInProvince, LinkedPerson
from tests.factories.access import make_user
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_referral
from tests.factories.people import make_person

S = LinkageState


def test_a_person_with_two_credits_counts_once_from_the_first_day(app: Flask) -> None:
    person, other = make_person(), make_person()
    make_linkage(person=person, state=S.DISBURSED, happened_on=date(2024, 5, 2))
    make_linkage(person=person, state=S.REPAID, happened_on=date(2023, 11, 30))
    make_linkage(person=other, state=S.REPAYING, happened_on=date(2022, 1, 15))
    make_linkage(state=S.APPROVED)
    make_linkage(kind=LinkageKind.MEMBERSHIP, state=S.OPENED)

    assert queries.credited_people() == [
        CreditedPerson(person.id, date(2023, 11, 30)),
        CreditedPerson(other.id, date(2022, 1, 15)),
    ]


def test_linked_people_are_counted_once_by_province(app: Flask) -> None:
    imbabura, sucumbios = make_person(), make_person(canton_code="2101")
    first, second = datetime(2023, 1, 5, 15, tzinfo=UTC), datetime(2024, 1, 5, 15, tzinfo=UTC)
    make_referral(imbabura, referred_at=second)
    make_referral(imbabura, referred_at=first, state=ReferralState.DECLINED)
    make_referral(sucumbios, referred_at=second)
    make_referral(make_person(canton_code="2101"), state=ReferralState.WITHDRAWN)

    assert queries.linked_by_province() == [
        LinkedInProvince("10", "Imbabura", 1),
        LinkedInProvince("21", "Sucumbíos", 1),
    ]
    assert queries.linked_people() == [
        LinkedPerson(imbabura.id, "10", first),
        LinkedPerson(sucumbios.id, "21", second),
    ]


def test_who_received_a_credit_stays_linked_when_the_consent_is_taken_back(app: Flask) -> None:
    credit, other = make_linkage(state=S.DISBURSED), make_linkage(state=S.CONTACTED)
    for one in (credit, other):
        services.withdraw(one.referral, by=make_user(Role.COORDINATOR), now=utcnow())

    assert [one.person_id for one in queries.linked_people()] == [credit.person_id]
    assert [one.people for one in queries.linked_by_province()] == [1]


def test_stuck_names_open_linkages_without_a_step_for_two_weeks(app: Flask) -> None:
    now = utcnow()
    longest = make_linkage(make_referral(referred_at=now - timedelta(days=40)))
    fortnight = make_linkage(make_referral(referred_at=now - timedelta(days=14)))
    make_linkage(make_referral(referred_at=now - timedelta(days=13)))
    make_linkage(make_referral(referred_at=now - timedelta(days=60)), state=S.DISBURSED)
    make_linkage(make_referral(referred_at=now - timedelta(days=60), state=ReferralState.WITHDRAWN))
    make_linkage(make_referral(referred_at=now - timedelta(days=20), state=ReferralState.SENT))

    assert [one.id for one in queries.stuck(now)] == [longest.id, fortnight.id]


def test_waiting_for_shows_the_own_open_linkages(app: Flask) -> None:
    institution, now = make_institution(), utcnow()
    new = make_linkage(make_referral(institution=institution, referred_at=now - timedelta(days=1),
                                     state=ReferralState.SENT))  # fmt: skip
    old = make_linkage(make_referral(institution=institution, referred_at=now - timedelta(days=9)), state=S.CONTACTED)
    make_linkage(institution=institution, state=S.DISBURSED)
    make_linkage()

    assert [one.id for one in queries.waiting_for(institution)] == [old.id, new.id]
    assert [one.id for one in queries.waiting_for(institution, limit=1)] == [old.id]


def test_a_liaisons_institution_is_the_active_one(app: Flask) -> None:
    institution = make_institution()
    assert queries.liaison_institution(make_liaison(institution)) is institution
    assert queries.liaison_institution(make_liaison(None)) is None
    assert queries.liaison_institution(make_liaison(make_institution(is_active=False))) is None
