"""The pages about an institution's core system, and tokens that end with what they were made for."""

from typing import Any

import pytest
from flask import Flask

from grants.access import services as access
from grants.access.models import ApiToken, User
from grants.access.permissions import Permission, Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.credit import services
from grants.credit.models import Institution, LiaisonPost, Linkage, Webhook, WebhookEvent
from tests.factories.access import make_token, make_user
from tests.factories.credit import make_institution, make_liaison, make_linkage
from tests.factories.credit_webhooks import SECRET, make_webhook

PAGE = "/my-core-system"
LISTS = ("/api/v1/linkages", "/api/v1/referrals")
ADDRESS = {"address": "https://coop.example/semilla"}


def seen(app: Flask, token: str) -> list[tuple[int, int]]:
    """The status and how many rows each list shows to the token."""
    answers = [app.test_client().get(path, headers={"Authorization": f"Bearer {token}"}) for path in LISTS]
    return [(answer.status_code, len((answer.json or {}).get("items", []))) for answer in answers]


OPEN, CLOSED, NOBODY, NOT_ALLOWED = [(200, 1)] * 2, [(401, 0)] * 2, [(200, 0)] * 2, [(403, 0)] * 2


@pytest.fixture
def linkage(app: Flask) -> Linkage:
    return make_linkage()


@pytest.fixture
def liaison(linkage: Linkage) -> User:
    return make_liaison(linkage.institution)


@pytest.fixture
def token(app: Flask, liaison: User) -> str:
    return make_token(liaison, Permission.LOG_LINKAGE)


def coordinator() -> User:
    return make_user(Role.COORDINATOR)


def post_of(user: User) -> LiaisonPost:
    return db.session.query(LiaisonPost).filter_by(user_id=user.id).one()


def test_a_token_does_not_outlive_the_post(app: Flask, linkage: Linkage, liaison: User, token: str) -> None:
    assert seen(app, token) == OPEN
    services.release_liaison(post_of(liaison), by=coordinator(), now=utcnow())
    assert seen(app, token) == CLOSED

    other = make_linkage()
    services.assign_liaison(other.institution, liaison, by=coordinator(), now=utcnow())
    assert seen(app, token) == CLOSED  # or the first institution's program would see the second one's people


def test_a_token_made_between_two_posts_opens_neither(app: Flask, liaison: User, token: str) -> None:
    services.release_liaison(post_of(liaison), by=coordinator(), now=utcnow())
    between = make_token(liaison, Permission.LOG_LINKAGE)
    assert seen(app, between) == NOBODY
    services.assign_liaison(make_linkage().institution, liaison, by=coordinator(), now=utcnow())
    assert seen(app, between) == CLOSED


def test_a_token_does_not_outlive_the_institutions_activity(app: Flask, linkage: Linkage, token: str) -> None:
    by = coordinator()
    services.deactivate(linkage.institution, by=by, now=utcnow())
    assert seen(app, token) == CLOSED
    services.activate(linkage.institution, by=by, now=utcnow())
    assert seen(app, token) == CLOSED


def test_a_token_does_not_outlive_the_account(app: Flask, liaison: User, token: str) -> None:
    by = make_user(Role.ADMINISTRATOR)
    access.deactivate(liaison, by=by, now=utcnow())
    db.session.commit()
    assert seen(app, token) == CLOSED
    access.reactivate(liaison, by=by, now=utcnow())
    assert seen(app, token) == CLOSED


def test_a_token_opens_nothing_without_the_role(app: Flask, liaison: User, token: str) -> None:
    liaison.roles = frozenset({Role.ENUMERATOR})
    assert seen(app, token) == NOT_ALLOWED


def test_a_token_ends_on_its_day_and_when_it_is_revoked(app: Flask, liaison: User) -> None:
    old, revoked = (make_token(liaison, Permission.LOG_LINKAGE) for _n in range(2))
    first, second = db.session.query(ApiToken).order_by(ApiToken.id)
    first.expires_at = utcnow()
    access.revoke_token(second, by=liaison, now=utcnow())
    assert (seen(app, old), seen(app, revoked)) == (CLOSED, CLOSED)


def test_a_token_lends_no_more_than_the_liaison_may(app: Flask, liaison: User) -> None:
    from grants.core.errors import RuleBroken

    with pytest.raises(RuleBroken):
        make_token(liaison, Permission.VIEW_LINKAGE)


def test_tokens_of_others_and_for_other_things_stay(app: Flask, linkage: Linkage, liaison: User, token: str) -> None:
    colleague = make_token(make_liaison(linkage.institution), Permission.LOG_LINKAGE)
    liaison.roles = frozenset({Role.LIAISON, Role.EVALUATOR})
    evaluation = make_token(liaison, Permission.SCORE_APPLICATION)
    services.release_liaison(post_of(liaison), by=coordinator(), now=utcnow())
    db.session.commit()
    assert seen(app, colleague) == OPEN
    assert seen(app, evaluation) == NOT_ALLOWED  # it still works, for what it is for


def test_the_coordinator_sees_and_ends_an_institutions_tokens(app: Flask, sign_in: Any, linkage: Linkage,
                                                              token: str) -> None:  # fmt: skip
    client = sign_in(coordinator())
    page = f"/institutions/{linkage.institution_id}/programs"
    found = db.session.query(ApiToken).one()

    assert f'href="{page}"' in client.get(f"/institutions/{linkage.institution_id}/liaisons").text
    assert f"{page}/{found.id}/revoke" in client.get(page).text
    assert client.post(f"{page}/{found.id}/revoke").status_code == 302
    assert seen(app, token) == CLOSED
    assert f"{page}/{found.id}/revoke" not in client.get(page).text


def test_a_token_is_revoked_on_its_own_institutions_page_only(app: Flask, sign_in: Any, token: str) -> None:
    other, found = make_institution(), db.session.query(ApiToken).one()
    stranger = make_token(make_user(Role.ENUMERATOR), Permission.VIEW_PERSON)
    strangers = db.session.query(ApiToken).order_by(ApiToken.id.desc()).first()
    client = sign_in(coordinator())
    for number in (found.id, strangers.id, 10**6):
        assert client.post(f"/institutions/{other.id}/programs/{number}/revoke").status_code == 404
    assert seen(app, token) == OPEN
    assert stranger


def test_a_liaison_does_not_open_the_coordinators_page(
    app: Flask, sign_in: Any, linkage: Linkage, liaison: User
) -> None:
    assert sign_in(liaison).get(f"/institutions/{linkage.institution_id}/programs").status_code == 403


def test_a_liaison_finds_the_page_and_the_token(app: Flask, sign_in: Any, liaison: User) -> None:
    client = sign_in(liaison)
    assert f'href="{PAGE}"' in client.get("/my-referrals").text
    assert 'href="/account/tokens"' in client.get(PAGE).text


def test_an_address_is_saved_and_the_secret_is_shown_once(app: Flask, sign_in: Any, liaison: User) -> None:
    client = sign_in(liaison)
    assert client.post(PAGE, data=ADDRESS).status_code == 302
    webhook = db.session.query(Webhook).one()

    first, second = client.get(PAGE).text, client.get(PAGE).text

    assert webhook.secret in first
    assert webhook.secret not in second
    assert ADDRESS["address"] in second


def test_another_address_keeps_the_secret(app: Flask, sign_in: Any, liaison: User) -> None:
    webhook = make_webhook(db.session.get(Institution, post_of(liaison).institution_id))
    client = sign_in(liaison)
    client.post(PAGE, data={"address": "https://coop.example/other"})
    db.session.refresh(webhook)
    assert (webhook.address, webhook.secret) == ("https://coop.example/other", SECRET)
    assert SECRET not in client.get(PAGE).text


@pytest.mark.parametrize(
    "address", ["", "coop.example", "https://ana:1@coop.example", "x" * 600, "https://\x00/", "\ud800"]
)
def test_a_wrong_address_is_refused_beside_its_field(app: Flask, sign_in: Any, liaison: User, address: str) -> None:
    answer = sign_in(liaison).post(PAGE, data={"address": address.encode("utf-8", "surrogatepass")})
    assert answer.status_code == 200
    assert 'id="address-error"' in answer.text
    assert db.session.query(Webhook).count() == 0


def test_in_production_only_https_is_taken(app: Flask, sign_in: Any, liaison: User) -> None:
    client, home = sign_in(liaison), {"address": "http://127.0.0.1:8200/semilla"}
    app.config["ENVIRONMENT"] = "production"
    try:
        assert client.post(PAGE, data=home).status_code == 200
    finally:
        app.config["ENVIRONMENT"] = "test"
    assert db.session.query(Webhook).count() == 0
    assert client.post(PAGE, data=home).status_code == 302


def test_test_replace_and_stop(app: Flask, sign_in: Any, liaison: User) -> None:
    webhook = make_webhook(db.session.get(Institution, post_of(liaison).institution_id))
    client = sign_in(liaison)

    sent, again = client.post(f"{PAGE}/test"), client.post(f"{PAGE}/test")
    replaced = client.post(f"{PAGE}/secret/replace")
    shown = client.get(PAGE).text
    stopped, stopped_again = client.post(f"{PAGE}/stop"), client.post(f"{PAGE}/stop")

    assert [one.status_code for one in (sent, again, replaced, stopped, stopped_again)] == [302, 409, 302, 302, 409]
    db.session.refresh(webhook)
    assert (webhook.old_secret, webhook.is_active) == (SECRET, False)
    assert webhook.secret in shown
    assert SECRET not in shown
    assert db.session.query(WebhookEvent).count() == 1


def test_what_needs_an_address_is_missing_without_one(app: Flask, sign_in: Any, liaison: User) -> None:
    client = sign_in(liaison)
    for action in ("secret/replace", "test", "stop"):
        assert client.post(f"{PAGE}/{action}").status_code == 404


@pytest.mark.parametrize("who", ["without a post", "of a closed institution"])
def test_without_an_institution_there_is_no_such_page(app: Flask, sign_in: Any, who: str) -> None:
    client = sign_in(make_liaison(make_institution(is_active=False) if "closed" in who else None))
    assert client.get(PAGE).status_code == 404
    assert client.post(PAGE, data=ADDRESS).status_code == 404


def test_each_institution_sees_its_own_address_and_events(app: Flask, sign_in: Any, liaison: User) -> None:
    theirs = make_webhook(address="https://theirs.example/x")
    from grants.credit.models import WebhookEventKind
    from grants.credit.services import webhooks
    from tests.factories.credit import make_referral

    referral = make_referral(institution=theirs.institution)
    webhooks.tell(WebhookEventKind.REFERRAL_SENT, referral, now=utcnow())
    mine = sign_in(liaison).get(PAGE).text
    own = sign_in(make_liaison(theirs.institution)).get(PAGE).text
    for hidden in ("theirs.example", referral.folio):
        assert hidden not in mine
        assert hidden in own
