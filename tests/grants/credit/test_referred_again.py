"""A referral whose five years are over stands in nobody's way."""

from datetime import date
from typing import Any

from flask import Flask

from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.credit import queries
from grants.credit.models import LinkageKind, LinkageState, Referral, ReferralState
from grants.credit.services import refer, retain
from tests.factories.access import make_user
from tests.grants.credit.test_retention import ended


def again(old: Referral) -> Referral:
    return refer(old.person, to=old.institution, kinds=[LinkageKind.CREDIT], need="Un horno", text=old.consent.text,
                 by=make_user(Role.COORDINATOR), now=utcnow())  # fmt: skip


def test_the_person_is_referred_again_after_the_job(app: Flask) -> None:
    old = ended(LinkageState.REPAID, date(2020, 5, 10)).referral
    while not retain.remove_old(now=utcnow()).is_nothing:
        pass
    db.session.expire_all()
    assert (old.state, old.is_open) == (ReferralState.ACCEPTED, False)
    assert queries.open_referral(old.person, old.institution_id) is None

    new = again(old)

    assert queries.open_referral(old.person, old.institution_id) == new


def test_the_person_is_referred_again_before_the_job(app: Flask, sign_in: Any) -> None:
    old = ended(LinkageState.REPAID, date(2020, 5, 10)).referral
    assert queries.open_referral(old.person, old.institution_id) is None

    assert again(old).state is ReferralState.SENT

    db.session.refresh(old)
    assert (old.removed_at is not None, old.need) == (True, "")
    while not retain.remove_old(now=utcnow()).is_nothing:
        pass
    db.session.expire_all()
    assert [one.removed_at is not None for one in old.linkages] == [True]
