"""Where the statute lets only members borrow, a credit is logged after the membership."""

from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.credit.models import CloseReason, Institution, Linkage, LinkageKind, LinkageState, RateKind
from grants.credit.services import Step, log_step, open_linkage
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_member, make_referral
from tests.factories.credit_movements import ago
from tests.factories.credit_offers import make_caja
from tests.grants.credit.test_api import LIST, liaison_token

TERMS = {"amount_usd": Decimal(500), "term_months": 12, "rate_percent": Decimal(20), "rate_kind": RateKind.NOMINAL,
         "reference": "C-1"}  # fmt: skip

WHAT_TO_DO = (
    "Su institución presta solo a sus socios y no consta una membresía abierta de esta persona. En la página de la "
    "derivación añada una membresía y registre que se abrió; después registre el crédito."
)


def approved(institution: Institution) -> Linkage:
    return make_linkage(make_referral(institution=institution), state=LinkageState.APPROVED)


def disburse(linkage: Linkage) -> None:
    log_step(linkage, Step(LinkageState.DISBURSED, ago(5), **TERMS), by=make_liaison(linkage.institution),
             now=utcnow())  # fmt: skip


def test_a_savings_bank_lends_to_nobody_else(app: Flask) -> None:
    linkage = approved(make_caja())
    make_member(linkage.person, make_caja())
    by = make_liaison(linkage.institution)

    with pytest.raises(RuleBroken):
        disburse(linkage)
    assert linkage.state is LinkageState.APPROVED

    joined = open_linkage(linkage.referral, LinkageKind.MEMBERSHIP, by=by, now=utcnow())
    for state in (LinkageState.CONTACTED, LinkageState.OPENED):
        log_step(joined, Step(state, ago(0)), by=by, now=utcnow())
    disburse(linkage)
    assert linkage.state is LinkageState.DISBURSED


def test_who_left_is_no_member(app: Flask) -> None:
    linkage = approved(make_caja())
    member = make_linkage(linkage.referral, kind=LinkageKind.MEMBERSHIP, state=LinkageState.OPENED)
    member.state, member.close_reason = LinkageState.CLOSED, CloseReason.OWN_WISH
    db.session.flush()

    with pytest.raises(RuleBroken):
        disburse(linkage)


@pytest.mark.parametrize("members_only", [True, False])
def test_a_cooperative_by_its_statute(app: Flask, members_only: bool) -> None:
    cooperative = make_institution()
    cooperative.members_only = members_only
    linkage = approved(cooperative)
    if members_only:
        with pytest.raises(RuleBroken):
            disburse(linkage)
        make_linkage(linkage.referral, kind=LinkageKind.MEMBERSHIP, state=LinkageState.OPENED)
    disburse(linkage)
    assert linkage.state is LinkageState.DISBURSED


def test_page_and_program_say_what_to_do(app: Flask, sign_in: Any) -> None:
    linkage = approved(make_caja())
    said = {"happened_on": ago(5).isoformat(), "term_months": "12", "rate_kind": "nominal", "reference": "C-1"}
    client = sign_in(make_liaison(linkage.institution))

    page = client.post(f"/linkages/{linkage.id}/log/disbursed", data={**said, "amount_usd": "500",
                                                                      "rate_percent": "20"})  # fmt: skip
    program = app.test_client().post(
        f"{LIST}/{linkage.folio}/events", headers=liaison_token(linkage.institution),
        json={**said, "to_state": "disbursed", "amount_usd": "500.00", "rate_percent": "20.00", "term_months": 12},
    )  # fmt: skip

    assert (page.status_code, program.status_code) == (200, 409)
    assert WHAT_TO_DO in page.text
    assert program.json["message"] == WHAT_TO_DO
    assert db.session.get(Linkage, linkage.id).state is LinkageState.APPROVED
