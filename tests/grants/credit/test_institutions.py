"""Institutions and who works for them."""

from typing import Any

import pytest
from flask import Flask

from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.credit import queries, services
from grants.credit.models import Institution, InstitutionKind, LiaisonPost
from grants.credit.services import InstitutionFacts
from tests.factories.access import make_user
from tests.factories.credit import make_institution, make_liaison, make_linkage
from tests.factories.people import make_canton


@pytest.fixture
def coordinator(sign_in: Any) -> Any:
    return sign_in(make_user(Role.COORDINATOR))


def test_a_coordinator_adds_and_edits_an_institution(app: Flask, coordinator: Any) -> None:
    make_canton("1001")
    form = {"name": "  Caja   Tricolor ", "kind": "savings_bank", "network": "Red", "canton_code": "1001"}
    assert coordinator.post("/institutions/new", data=form).status_code == 302

    found = db.session.query(Institution).one()
    assert (found.name, found.kind, found.network) == ("Caja Tricolor", InstitutionKind.SAVINGS_BANK, "Red")
    assert (found.canton_code, found.is_active) == ("1001", True)

    changed = {"name": "Caja Tricolor 2", "kind": "bank", "network": "", "canton_code": ""}
    assert coordinator.post(f"/institutions/{found.id}/edit", data=changed).status_code == 302
    found = db.session.query(Institution).one()
    assert (found.name, found.kind, found.network, found.canton_code) == ("Caja Tricolor 2", "bank", None, None)


@pytest.mark.parametrize(
    "changes", [{"name": ""}, {"name": "x" * 10_000}, {"name": "a\x00b"}, {"kind": "shop"}, {"canton_code": "9999"}]
)
def test_a_bad_institution_is_refused(app: Flask, coordinator: Any, changes: dict[str, str]) -> None:
    answer = coordinator.post("/institutions/new", data={"name": "Caja", "kind": "bank", "canton_code": "", **changes})
    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert db.session.query(Institution).count() == 0


def test_a_name_is_used_once(app: Flask, coordinator: Any) -> None:
    make_institution("Caja Tricolor")
    second = make_institution("Caja Esperanza")
    for path in ("/institutions/new", f"/institutions/{second.id}/edit"):
        answer = coordinator.post(path, data={"name": "Caja Tricolor", "kind": "bank", "canton_code": ""})
        assert answer.status_code == 200
        assert "field-error" in answer.text
    assert [one.name for one in db.session.query(Institution).order_by(Institution.id)] == [
        "Caja Tricolor", "Caja Esperanza",
    ]  # fmt: skip


def test_the_list_is_by_name_and_says_what_to_do_when_empty(app: Flask, coordinator: Any) -> None:
    assert "empty" in coordinator.get("/institutions").text
    make_institution("Zamora")
    make_institution("Antisana", is_active=False)
    page = coordinator.get("/institutions").text
    assert page.index("Antisana") < page.index("Zamora")


def test_deactivating_hides_everybody_until_it_is_active_again(app: Flask, coordinator: Any, sign_in: Any) -> None:
    linkage = make_linkage()
    institution_id = linkage.institution_id
    liaison = sign_in(make_liaison(linkage.institution))

    coordinator.post(f"/institutions/{institution_id}/deactivate")
    hidden = liaison.get(f"/linkages/{linkage.id}").status_code
    coordinator.post(f"/institutions/{institution_id}/activate")

    assert hidden == 404
    assert liaison.get(f"/linkages/{linkage.id}").status_code == 200


def test_a_liaison_is_assigned_and_released(app: Flask, coordinator: Any) -> None:
    institution, user = make_institution(), make_liaison(None, name="Rosa Liaison")
    assert "Rosa Liaison" in coordinator.get(f"/institutions/{institution.id}/liaisons").text

    coordinator.post(f"/institutions/{institution.id}/liaisons", data={"user_id": str(user.id)})
    assert queries.liaison_institution(user).id == institution.id

    post = db.session.query(LiaisonPost).one()
    elsewhere = make_institution()
    assert coordinator.post(f"/institutions/{elsewhere.id}/liaisons/{post.id}/release").status_code == 404
    coordinator.post(f"/institutions/{institution.id}/liaisons/{post.id}/release")
    assert queries.liaison_institution(user) is None


def test_only_free_liaisons_are_offered(app: Flask, coordinator: Any) -> None:
    institution = make_institution()
    taken, evaluator, gone = make_liaison(make_institution()), make_user(Role.EVALUATOR), make_liaison(None)
    gone.deactivated_at = utcnow()
    free = make_liaison(None)
    both = make_user(Role.LIAISON, Role.MONITORING)

    assert {user.id for user in queries.free_liaisons()} == {free.id, both.id}
    for user in (taken, evaluator, gone):
        path = f"/institutions/{institution.id}/liaisons"
        assert "field-error" in coordinator.post(path, data={"user_id": str(user.id)}).text
    assert db.session.query(LiaisonPost).count() == 1


def test_a_liaison_works_for_one_institution_at_most(app: Flask) -> None:
    user, by = make_liaison(make_institution()), make_user(Role.COORDINATOR)
    with pytest.raises(RuleBroken) as refused:
        services.assign_liaison(make_institution(), user, by=by, now=utcnow())
    assert refused.value.field == "user_id"
    with pytest.raises(RuleBroken):
        services.assign_liaison(make_institution(), make_user(Role.EVALUATOR), by=by, now=utcnow())
    assert db.session.query(LiaisonPost).count() == 1


def test_a_duplicate_name_from_the_service_leaves_the_transaction_usable(app: Flask) -> None:
    by = make_user(Role.COORDINATOR)
    facts = InstitutionFacts("Caja", InstitutionKind.SAVINGS_BANK)
    services.create_institution(facts, by=by, now=utcnow())
    with pytest.raises(RuleBroken):
        services.create_institution(facts, by=by, now=utcnow())
    assert db.session.query(Institution).count() == 1


@pytest.mark.parametrize("role", [Role.LIAISON, Role.MONITORING, Role.ENUMERATOR])
def test_other_roles_keep_no_institutions(app: Flask, sign_in: Any, role: Role) -> None:
    institution = make_institution()
    client = sign_in(make_user(role))
    assert client.get("/institutions").status_code == 403
    assert client.post(f"/institutions/{institution.id}/deactivate").status_code == 403
    assert db.session.get(Institution, institution.id).is_active
    assert client.get("/people/1/refer").status_code == 403


def test_a_missing_institution_is_a_404(app: Flask, coordinator: Any) -> None:
    for number in (999999, 2**40):
        assert coordinator.get(f"/institutions/{number}/edit").status_code == 404
        assert coordinator.get(f"/institutions/{number}/liaisons").status_code == 404
