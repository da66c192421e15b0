"""The pages about taking a movement back: two people, and nothing for strangers."""

from typing import Any

import pytest
from flask import Flask

from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.credit.models import (
    CreditMovement,
    Linkage,
    LinkageState,
    MovementKind,
    MovementReversal,
    ReversalState,
)
from grants.credit.services.reversals import propose_reversal
from tests.factories.access import make_user
from tests.factories.credit import make_liaison
from tests.factories.credit_movements import make_credit
from tests.grants.credit.test_movement_pages import ENGLISH, form, path
from tests.pairs import masked

S, K = LinkageState, MovementKind


@pytest.fixture
def credit(app: Flask) -> Linkage:
    return make_credit(approved="1500")


@pytest.fixture
def liaison(credit: Linkage, sign_in: Any) -> Any:
    return sign_in(make_liaison(credit.institution))


def test_a_liaison_proposes_and_a_coordinator_decides(app: Flask, liaison: Any, credit: Linkage, sign_in: Any) -> None:
    liaison.post(path(credit, "repayment"), data=form(amount_usd="112"))
    movement = db.session.query(CreditMovement).filter_by(kind=K.REPAYMENT).one()
    address = f"/linkages/{credit.id}/movements/{movement.id}/reverse"
    assert liaison.get(address).status_code == 200
    assert liaison.post(address, data={"reason": ""}).status_code == 200
    assert liaison.post(address, data={"reason": "Era de otra socia"}).status_code == 302
    proposal = db.session.query(MovementReversal).one()
    confirm = f"/reversals/{proposal.id}/confirm"
    assert liaison.post(confirm).status_code == 409
    assert f'action="{confirm}"' not in liaison.get("/reversals").text

    coordinator = sign_in(make_user(Role.COORDINATOR))
    waiting = coordinator.get("/reversals", headers=ENGLISH).text
    assert "Era de otra socia" in waiting
    assert f'action="{confirm}"' in waiting
    assert coordinator.post(confirm).status_code == 302
    assert coordinator.post(confirm).status_code == 409

    assert db.session.get(Linkage, credit.id).outstanding_usd == 1200
    page = coordinator.get(f"/linkages/{credit.id}", headers=ENGLISH).text
    assert "Taken back" in page
    assert "Nothing waits" in coordinator.get("/reversals", headers=ENGLISH).text


def test_a_second_liaison_of_the_institution_may_refuse(app: Flask, credit: Linkage, sign_in: Any) -> None:
    proposal = propose_reversal(credit.movements[0], "Otro", by=make_liaison(credit.institution), now=utcnow())
    other = sign_in(make_liaison(credit.institution))
    assert other.post(f"/reversals/{proposal.id}/refuse").status_code == 302
    assert db.session.get(MovementReversal, proposal.id).state is ReversalState.REFUSED
    assert db.session.get(Linkage, credit.id).state is S.DISBURSED


def test_who_only_reads_decides_nothing(app: Flask, credit: Linkage, sign_in: Any) -> None:
    movement = credit.movements[0]
    proposal = propose_reversal(movement, "Otro", by=make_liaison(credit.institution), now=utcnow())
    reader = sign_in(make_user(Role.MONITORING))
    assert reader.get(f"/linkages/{credit.id}").status_code == 200
    assert reader.get("/reversals").status_code == 403
    for action in ("confirm", "refuse"):
        assert reader.post(f"/reversals/{proposal.id}/{action}").status_code == 403
    assert reader.get(f"/linkages/{credit.id}/movements/{movement.id}/reverse").status_code == 403


def test_what_is_another_institutions_is_not_there(app: Flask, credit: Linkage, sign_in: Any) -> None:
    movement = credit.movements[0]
    proposal = propose_reversal(movement, "Otro", by=make_liaison(credit.institution), now=utcnow())
    own = make_credit()
    stranger = sign_in(make_liaison(own.institution))
    asked: list[tuple[str, str, dict[str, str]]] = [
        ("GET", f"/linkages/{{}}/movements/{movement.id}/reverse", {}),
        ("POST", f"/linkages/{{}}/movements/{movement.id}/reverse", {"reason": "x"}),
        *((method, f"/linkages/{{}}/movements/{kind}/log", form(amount_usd="5", balance_usd="5"))
          for kind in ("repayment", "balance", "restructure", "write-off", "recovery", "disbursement")
          for method in ("GET", "POST")),
        *((method, f"/linkages/{{}}/{action}", {"reason": "died", "earlier_id": str(own.id)})
          for action in ("refinance", "mark-lost") for method in ("GET", "POST")),
        ("POST", "/linkages/{}/mark-found", {}),
    ]  # fmt: skip
    for method, address, body in asked:
        there = stranger.open(address.format(credit.id), method=method, data=body)
        missing = stranger.open(address.format(1_000_000), method=method, data=body)
        assert (there.status_code, missing.status_code) == (404, 404), (method, address)
        # Apart from the address, which the page repeats.
        without = [masked(one.data.replace(address.format(number).encode(), b"")) for one, number in
                   ((there, credit.id), (missing, 1_000_000))]  # fmt: skip
        assert without[0] == without[1], (method, address)
    # A movement of another linkage under one's own address, and proposals by number.
    assert stranger.get(f"/linkages/{own.id}/movements/{movement.id}/reverse").status_code == 404
    for action in ("confirm", "refuse"):
        assert stranger.post(f"/reversals/{proposal.id}/{action}").status_code == 404
        assert stranger.post(f"/reversals/99999999/{action}").status_code == 404
    assert "Otro" not in stranger.get("/reversals").text
    assert credit.folio not in stranger.get("/reversals").text
    assert db.session.get(MovementReversal, proposal.id).state is ReversalState.PROPOSED
    assert db.session.query(CreditMovement).count() == 2


def test_a_withdrawn_consent_hides_proposals_too(app: Flask, credit: Linkage, sign_in: Any) -> None:
    proposal = propose_reversal(credit.movements[0], "Otro", by=make_liaison(credit.institution), now=utcnow())
    credit.referral.consent.revoked_at = utcnow()
    db.session.flush()
    liaison = sign_in(make_liaison(credit.institution))
    assert credit.folio not in liaison.get("/reversals").text
    assert liaison.post(f"/reversals/{proposal.id}/confirm").status_code == 404
    assert credit.folio in sign_in(make_user(Role.COORDINATOR)).get("/reversals").text
