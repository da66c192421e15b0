"""Doors beside the pages: what is to be sent on, programs, and movements ask for the five years too."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from grants.access.permissions import Role
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.core.errors import NotFound
from grants.credit import services
from grants.credit.models import DeclineReason, LinkageKind, LinkageState, MovementKind, Referral, ReferralState
from grants.credit.queries import movements, programs, queues, reassignment
from grants.credit.queries.gone import referral_in_time
from grants.credit.queries.queues import Queue
from grants.credit.schemas import ReferralSchema
from grants.credit.services import retain
from grants.credit.services.reversals import propose_reversal
from tests.factories.access import make_user
from tests.factories.credit import make_liaison, make_linkage, make_movement, make_referral
from tests.factories.credit_money import make_credit
from tests.grants.credit.test_retention import ended, noon

OLD = date(2019, 5, 1)


def declined(reason: DeclineReason = DeclineReason.AGE, **facts: Any) -> Referral:
    referral = make_referral(state=ReferralState.DECLINED, **facts)
    referral.decline_reason = reason.value
    db.session.flush()
    return referral


def waiting() -> tuple[int, list[int]]:
    """How many the board counts, and which the list names."""
    today = local_day(utcnow())
    counted = queues.counts(referral_in_time(today), [Queue.SEND_ON], today)[Queue.SEND_ON]
    return counted, [one.id for one in reassignment.to_send_on(after=None).items]


def test_board_and_list_agree_on_whom_to_send_on(app: Flask) -> None:
    wanted = declined()
    declined(DeclineReason.CLIENT_WITHDREW)
    services.withdraw(declined(), by=make_user(Role.COORDINATOR), now=utcnow())

    assert waiting() == (1, [wanted.id])


@pytest.mark.parametrize("job", ["before the job", "after the job"])
def test_nobody_is_sent_on_after_five_years(app: Flask, sign_in: Any, job: str) -> None:
    old = declined(DeclineReason.CLIENT_WITHDREW, referred_at=noon(OLD))
    other = declined(referred_at=noon(OLD))
    if job == "after the job":
        retain.remove_old(now=utcnow())
    db.session.expire_all()

    assert waiting() == (0, [])
    client = sign_in(make_user(Role.COORDINATOR))
    assert old.person.folio not in client.get("/referrals/to-send-on").text
    assert client.get(f"/referrals/{other.id}/reassign").status_code == 404


def test_an_old_referral_is_not_named_as_the_one_before(app: Flask) -> None:
    old = declined(referred_at=noon(OLD))
    new = make_referral(old.person)
    new.reassigned_from_id = old.id
    db.session.flush()

    assert reassignment.chain_of(new) == reassignment.Chain(None, None)


def test_programs_see_no_old_linkage_under_a_referral(app: Flask) -> None:
    old = ended(LinkageState.REPAID, date(2020, 5, 10))
    young = make_credit(disbursed=20, referral=old.referral)
    by = make_liaison(old.institution)
    db.session.expire_all()

    for found in (programs.referral_by_folio(by, old.referral.folio),
                  programs.referrals_page(by, state=None, after=None).items[0]):  # fmt: skip
        assert [one["folio"] for one in ReferralSchema().dump(found)["linkages"]] == [young.folio]


def test_old_movements_are_found_by_no_number(app: Flask) -> None:
    old = ended(LinkageState.REPAID, date(2020, 5, 10))
    young = make_credit(disbursed=20, referral=old.referral)
    by, other = make_liaison(old.institution), make_liaison(old.institution)
    movement = make_movement(old, MovementKind.REPAYMENT, amount_usd=Decimal(1))
    proposal = propose_reversal(movement, "Mal escrito", by=by, now=utcnow())
    old.refinances_id = young.id
    db.session.flush()

    for ask in (lambda: movements.get_movement(by, old.id, movement.id), lambda: movements.get_own_credit(by, old.id),
                lambda: movements.get_reversal(other, proposal.id)):  # fmt: skip
        with pytest.raises(NotFound):
            ask()
    assert movements.reversals_page(other, after=None).items == []
    assert movements.successor_of(young) is None


def test_the_page_names_no_old_credit_that_was_paid_off(app: Flask, sign_in: Any) -> None:
    old = ended(LinkageState.REPAID, date(2020, 5, 10))
    young, middle = make_credit(disbursed=20, referral=old.referral), make_credit(disbursed=60, referral=old.referral)
    client = sign_in(make_liaison(old.institution))
    for paid_off, is_named in ((old, False), (middle, True)):
        young.refinances_id = paid_off.id
        page = client.get(f"/linkages/{young.id}").text
        assert (paid_off.folio in page) is is_named


def test_an_old_linkage_stands_in_the_way_of_none_and_is_not_ended_anew(app: Flask) -> None:
    old = make_linkage(make_referral(referred_at=noon(OLD)), state=LinkageState.CONTACTED, happened_on=OLD)
    make_credit(disbursed=20, referral=old.referral)
    by = make_liaison(old.institution)

    services.open_linkage(old.referral, LinkageKind.CREDIT, by=by, now=utcnow())
    services.withdraw(old.referral, by=make_user(Role.COORDINATOR), now=utcnow())

    db.session.refresh(old)
    assert (old.state, old.last_step_on) == (LinkageState.CONTACTED, OLD)
    assert local_day(utcnow()) - old.last_step_on > timedelta(days=5 * 365)
