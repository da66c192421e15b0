"""Sending a person to an institution, and the answer."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from grants.access.permissions import Role
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.core.errors import NotFound, RuleBroken
from grants.core.journal import JournalEntry
from grants.credit import queries, services
from grants.credit.models import (
    DeclineReason,
    Linkage,
    LinkageEvent,
    LinkageKind,
    LinkageState,
    Referral,
    ReferralState,
)
from grants.people.models import Consent, ConsentPurpose
from tests.factories.access import make_user
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_referral
from tests.factories.credit_offers import make_agreement
from tests.factories.people import make_consent_text, make_person, make_phone

NEED = "Un horno"


def refer(person, institution, *, kinds=(LinkageKind.CREDIT,), by=None):
    return services.refer(
        person,
        to=institution,
        kinds=kinds,
        need=NEED,
        text=make_consent_text(ConsentPurpose.REFERRAL),
        by=by or make_user(Role.COORDINATOR),
        now=utcnow(),
    )


def actions() -> list[str]:
    db.session.commit()
    return list(db.session.scalars(select(JournalEntry.action).order_by(JournalEntry.id)))


def test_a_referral_names_its_institution_in_the_consent(app: Flask) -> None:
    person, institution, by = make_person(), make_institution(), make_user(Role.COORDINATOR)

    referral = refer(person, institution, by=by)

    assert (referral.state, referral.folio[:2], referral.need) == (ReferralState.SENT, "R-", NEED)
    consent = referral.consent
    assert (consent.person_id, consent.institution_id, consent.read_out_by_id) == (person.id, institution.id, by.id)
    assert consent.text.purpose is ConsentPurpose.REFERRAL
    assert "referral.sent" in actions()


def test_each_kind_wanted_starts_a_linkage_of_its_own(app: Flask) -> None:
    referral = refer(make_person(), make_institution(), kinds=(LinkageKind.MEMBERSHIP, LinkageKind.CREDIT))
    db.session.refresh(referral)
    assert [(one.kind, one.state) for one in referral.linkages] == [
        (LinkageKind.MEMBERSHIP, LinkageState.REFERRED),
        (LinkageKind.CREDIT, LinkageState.REFERRED),
    ]


def test_a_second_open_referral_to_the_same_institution_is_refused(app: Flask) -> None:
    person, institution = make_person(), make_institution()
    refer(person, institution)

    with pytest.raises(RuleBroken) as refused:
        refer(person, institution)

    assert refused.value.field == "institution_id"
    assert db.session.query(Referral).count() == 1
    assert db.session.query(Consent).count() == 1
    assert refer(person, make_institution()).state is ReferralState.SENT


@pytest.mark.parametrize("state", [ReferralState.DECLINED, ReferralState.WITHDRAWN])
def test_a_closed_referral_makes_room_for_another(app: Flask, state: ReferralState) -> None:
    old = make_referral(state=state)
    assert refer(old.person, old.institution).state is ReferralState.SENT


def test_an_inactive_institution_gets_nobody(app: Flask) -> None:
    with pytest.raises(RuleBroken) as refused:
        refer(make_person(), make_institution(is_active=False))
    assert refused.value.field == "institution_id"
    assert db.session.query(Referral).count() == 0


def test_an_institution_without_an_agreement_in_force_gets_nobody(app: Flask) -> None:
    today = local_day(utcnow())
    never, past, future = (make_institution(agreed=False) for _place in range(3))
    make_agreement(past, valid_until=today - timedelta(days=1))
    make_agreement(future, signed_on=today, valid_from=today + timedelta(days=1))

    for institution in (never, past, future):
        with pytest.raises(RuleBroken) as refused:
            refer(make_person(), institution)
        assert refused.value.field == "institution_id"
    assert db.session.query(Referral).count() == 0


def test_a_text_for_another_purpose_does_not_carry_a_referral(app: Flask) -> None:
    with pytest.raises(RuleBroken) as refused:
        services.refer(make_person(), to=make_institution(), kinds=[LinkageKind.CREDIT], need=NEED,
                       text=make_consent_text(ConsentPurpose.PHOTO), by=make_user(Role.COORDINATOR),
                       now=utcnow())  # fmt: skip
    assert refused.value.field == "text_id"
    with pytest.raises(RuleBroken):
        refer(make_person(), make_institution(), kinds=())
    assert db.session.query(Referral).count() == 0


def test_what_is_shared_is_the_minimum(app: Flask) -> None:
    person = make_person(given_names="Luz Marina", first_surname="Ortiz", second_surname="Vera")
    make_phone(person, "+593990000001", verified_on=local_day(utcnow()), safe_to_call=False)
    make_phone(person, "+593990000002", verified_on=local_day(utcnow()) - timedelta(days=9))
    make_phone(person, "+593990000003", verified_on=local_day(utcnow()) - timedelta(days=3))
    shared = make_referral(person).shared

    assert (shared.folio, shared.name, shared.canton) == (person.folio, "Luz Ortiz", "Ibarra")
    assert shared.contact == "+593990000003"
    assert shared.need == "Un horno para la panadería"


def test_without_a_safe_phone_no_contact_is_shared(app: Flask) -> None:
    person = make_person()
    make_phone(person, safe_to_call=False)
    assert make_referral(person).shared.contact is None


def test_accepting_opens_the_way(app: Flask) -> None:
    referral = make_referral(state=ReferralState.SENT)
    services.accept(referral, by=make_liaison(referral.institution), now=utcnow())
    assert referral.state is ReferralState.ACCEPTED
    assert referral.answered_at is not None
    assert "referral.accepted" in actions()


def test_a_referral_is_answered_once(app: Flask) -> None:
    referral = make_referral(state=ReferralState.ACCEPTED)
    with pytest.raises(RuleBroken):
        services.decline(referral, DeclineReason.AGE, by=make_liaison(referral.institution), now=utcnow())
    db.session.refresh(referral)
    assert (referral.state, referral.decline_reason) == (ReferralState.ACCEPTED, None)


def test_declining_ends_the_linkages_with_the_same_reason(app: Flask) -> None:
    referral = make_referral(state=ReferralState.SENT)
    linkage = make_linkage(referral)
    services.decline(referral, DeclineReason.DOCUMENT_NOT_ACCEPTED, by=make_liaison(referral.institution), now=utcnow())

    assert (referral.state, referral.decline_reason) == (ReferralState.DECLINED, "document_not_accepted")
    assert (linkage.state, linkage.decline_reason) == (LinkageState.DECLINED, DeclineReason.DOCUMENT_NOT_ACCEPTED)
    assert [(event.from_state, event.to_state) for event in db.session.query(LinkageEvent)] == [
        (LinkageState.REFERRED, LinkageState.DECLINED)
    ]


def test_withdrawing_revokes_the_consent_and_hides_the_person(app: Flask) -> None:
    referral = make_referral()
    linkage, liaison = make_linkage(referral), make_liaison(referral.institution)
    assert queries.get_own_referral(liaison, referral.id) is referral

    services.withdraw(referral, by=make_user(Role.COORDINATOR), now=utcnow())

    assert referral.consent.revoked_at is not None
    assert (referral.state, linkage.state) == (ReferralState.WITHDRAWN, LinkageState.WITHDRAWN)
    for look in (lambda: queries.get_own_referral(liaison, referral.id),
                 lambda: queries.get_own_linkage(liaison, linkage.id),
                 lambda: queries.linkage_by_folio(liaison, linkage.folio)):  # fmt: skip
        with pytest.raises(NotFound):
            look()
    assert queries.own_referrals_page(referral.institution, state=None, after=None).items == []


def test_a_consent_revoked_on_the_persons_page_hides_the_person_too(app: Flask) -> None:
    referral = make_referral()
    liaison = make_liaison(referral.institution)
    referral.consent.revoked_at = utcnow()
    db.session.flush()
    with pytest.raises(NotFound):
        queries.get_own_referral(liaison, referral.id)


def test_withdrawing_keeps_a_disbursed_credit_on_record(app: Flask) -> None:
    linkage = make_linkage(state=LinkageState.DISBURSED)
    services.withdraw(linkage.referral, by=make_user(Role.COORDINATOR), now=utcnow())
    assert linkage.state is LinkageState.DISBURSED


def test_withdrawing_a_declined_referral_keeps_its_reason(app: Flask) -> None:
    referral = make_referral(state=ReferralState.DECLINED)
    services.withdraw(referral, by=make_user(Role.COORDINATOR), now=utcnow())
    assert (referral.state, referral.decline_reason) == (ReferralState.DECLINED, "no_guarantor")
    assert referral.consent.revoked_at is not None


def test_a_referral_is_withdrawn_once(app: Flask) -> None:
    referral, by = make_referral(), make_user(Role.COORDINATOR)
    services.withdraw(referral, by=by, now=utcnow())
    with pytest.raises(RuleBroken):
        services.withdraw(referral, by=by, now=utcnow())
    assert actions().count("referral.withdrawn") == 1


def test_a_credit_can_follow_a_membership_under_one_referral(app: Flask) -> None:
    referral = make_referral()
    make_linkage(referral, kind=LinkageKind.MEMBERSHIP, state=LinkageState.OPENED)
    liaison = make_liaison(referral.institution)

    added = services.open_linkage(referral, LinkageKind.CREDIT, by=liaison, now=utcnow())

    assert (added.kind, added.state, added.person_id) == (LinkageKind.CREDIT, LinkageState.REFERRED, referral.person_id)
    db.session.refresh(referral)
    with pytest.raises(RuleBroken):
        services.open_linkage(referral, LinkageKind.CREDIT, by=liaison, now=utcnow())
    assert db.session.query(Linkage).count() == 2


def test_nothing_is_added_before_the_referral_is_accepted(app: Flask) -> None:
    referral = make_referral(state=ReferralState.SENT)
    with pytest.raises(RuleBroken):
        services.open_linkage(referral, LinkageKind.CREDIT, by=make_liaison(referral.institution), now=utcnow())
    assert db.session.query(Linkage).count() == 0
