"""A consent taken back on the person's page ends the referral under it, as withdrawing the referral does."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.journal import JournalEntry
from grants.credit import services
from grants.credit.models import (
    Linkage,
    LinkageKind,
    LinkageState,
    Referral,
    ReferralState,
    WebhookEvent,
    WebhookEventKind,
)
from grants.people.services import revoke_consent
from tests.factories.access import make_user
from tests.factories.credit import make_liaison, make_linkage, make_referral
from tests.factories.credit_webhooks import make_webhook


def take_back(referral: Referral, client: Any) -> int:
    address = f"/people/{referral.person_id}/consents/{referral.consent_id}/revoke"
    status: int = client.post(address).status_code
    return status


def told(referral: Referral) -> list[WebhookEventKind]:
    found = select(WebhookEvent.kind).where(WebhookEvent.folio == referral.folio).order_by(WebhookEvent.id)
    return list(db.session.scalars(found))


def test_the_referral_ends_with_it(app: Flask, sign_in: Any) -> None:
    referral = make_referral()
    on_its_way = make_linkage(referral, state=LinkageState.CONTACTED)
    received = make_linkage(referral, state=LinkageState.DISBURSED)
    make_webhook(referral.institution)
    client = sign_in(make_user(Role.ENUMERATOR))
    warning = "The referral under it ends"
    assert warning in client.get(f"/people/{referral.person_id}", headers={"Accept-Language": "en"}).text

    assert take_back(referral, client) == 302

    assert referral.state is ReferralState.WITHDRAWN
    assert referral.consent.revoked_at is not None
    assert db.session.get(Linkage, on_its_way.id).state is LinkageState.WITHDRAWN
    assert db.session.get(Linkage, received.id).state is LinkageState.DISBURSED
    assert told(referral) == [WebhookEventKind.REFERRAL_WITHDRAWN]
    actions = list(db.session.scalars(select(JournalEntry.action).order_by(JournalEntry.id)))
    assert actions[-2:] == ["consent.revoked", "referral.withdrawn"]


def test_the_liaison_no_longer_sees_the_person_and_another_referral_can_be_sent(app: Flask, sign_in: Any) -> None:
    referral = make_referral(state=ReferralState.SENT)
    take_back(referral, sign_in(make_user(Role.ENUMERATOR)))

    assert sign_in(make_liaison(referral.institution)).get(f"/referrals/{referral.id}").status_code == 404
    new = services.refer(referral.person, to=referral.institution, kinds=[LinkageKind.CREDIT], need="Un horno",
                         text=referral.consent.text, by=make_user(Role.COORDINATOR), now=utcnow())  # fmt: skip
    assert new.state is ReferralState.SENT


def test_a_declined_one_stays_declined_and_the_institution_is_told(app: Flask) -> None:
    referral = make_referral(state=ReferralState.DECLINED)
    make_webhook(referral.institution)

    revoke_consent(referral.consent, by=make_user(Role.COORDINATOR), now=utcnow())

    db.session.refresh(referral)
    assert referral.state is ReferralState.DECLINED
    assert told(referral) == [WebhookEventKind.REFERRAL_WITHDRAWN]


@pytest.mark.parametrize("state", [ReferralState.SENT, ReferralState.ACCEPTED])
def test_one_left_half_alive_can_still_be_withdrawn(app: Flask, sign_in: Any, state: ReferralState) -> None:
    referral = make_referral(state=state)
    referral.consent.revoked_at = utcnow()  # as it was left before consents ended what is under them
    db.session.flush()
    client, address = sign_in(make_user(Role.COORDINATOR)), f"/referrals/{referral.id}"

    assert f'{address}/withdraw"' in client.get(address).text
    assert client.post(f"{address}/withdraw").status_code == 302
    assert db.session.get(Referral, referral.id).state is ReferralState.WITHDRAWN
    assert f'{address}/withdraw"' not in client.get(address).text
