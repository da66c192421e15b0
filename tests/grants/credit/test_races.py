"""Two people at once: one wins, the other gets a sentence."""

import threading
from collections.abc import Callable

import pytest
from flask import Flask

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import local_day, utcnow
from grants.core.db import db, transaction
from grants.core.errors import RuleBroken
from grants.credit import queries, services
from grants.credit.models import Institution, Linkage, LinkageEvent, LinkageKind, LinkageState, Referral, ReferralState
from grants.credit.services import Step
from grants.people.models import ConsentPurpose, ConsentText, Person
from grants.people.services import revoke_consent
from tests.factories.access import make_user
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_referral
from tests.factories.people import make_consent_text, make_person
from tests.races import errors_of, name_of

THREADS = 8


def at_once(app: Flask, act: Callable[[], object]) -> list[str]:
    """What each of the threads came to: "done", or the refusal's class."""
    return sorted(name_of(error) for error in errors_of(app, [act] * THREADS))


ONE_WINS = ["RuleBroken"] * (THREADS - 1) + ["done"]


def test_one_open_referral_survives_a_race(real_app: Flask) -> None:
    person, institution, by = make_person(), make_institution(), make_user(Role.COORDINATOR)
    text = make_consent_text(ConsentPurpose.REFERRAL)
    db.session.commit()
    ids = (person.id, institution.id, text.id, by.id)

    def refer() -> None:
        services.refer(
            db.session.get(Person, ids[0]),
            to=db.session.get(Institution, ids[1]),
            kinds=[LinkageKind.CREDIT],
            need="Un horno",
            text=db.session.get(ConsentText, ids[2]),
            by=db.session.get(User, ids[3]),
            now=utcnow(),
        )

    assert at_once(real_app, refer) == ONE_WINS
    assert (db.session.query(Referral).count(), db.session.query(Linkage).count()) == (1, 1)


def test_one_of_two_steps_wins(real_app: Flask) -> None:
    linkage = make_linkage()
    liaison = make_liaison(linkage.institution)
    db.session.commit()
    ids = (liaison.id, linkage.id)

    def log() -> None:
        user = db.session.get(User, ids[0])
        step = Step(LinkageState.CONTACTED, local_day(utcnow()))
        services.log_step(queries.get_own_linkage(user, ids[1]), step, by=user, now=utcnow())

    assert at_once(real_app, log) == ONE_WINS
    assert db.session.query(LinkageEvent).count() == 1


def test_a_step_seen_from_an_old_state_is_refused(real_app: Flask) -> None:
    linkage = make_linkage()
    liaison = make_liaison(linkage.institution)
    db.session.commit()
    stale = queries.get_own_linkage(liaison, linkage.id)
    db.session.commit()

    def meanwhile() -> None:
        with real_app.app_context(), transaction():
            user = db.session.get(User, liaison.id)
            own = queries.get_own_linkage(user, linkage.id)
            services.log_step(own, Step(LinkageState.WITHDRAWN, local_day(utcnow())), by=user, now=utcnow())

    thread = threading.Thread(target=meanwhile)
    thread.start()
    thread.join()
    with pytest.raises(RuleBroken), transaction():
        services.log_step(stale, Step(LinkageState.CONTACTED, local_day(utcnow())), by=liaison, now=utcnow())
    db.session.expire_all()
    assert db.session.get(Linkage, linkage.id).state is LinkageState.WITHDRAWN


def test_the_same_key_at_once_logs_one_event(real_app: Flask) -> None:
    linkage = make_linkage()
    liaison = make_liaison(linkage.institution)
    db.session.commit()
    ids, day = (liaison.id, linkage.id), local_day(utcnow())

    def log() -> None:
        user = db.session.get(User, ids[0])
        services.log_step_once(queries.get_own_linkage(user, ids[1]), Step(LinkageState.CONTACTED, day),
                               key="k-1", request="same", by=user, now=utcnow())  # fmt: skip

    assert at_once(real_app, log) == ["done"] * THREADS
    assert db.session.query(LinkageEvent).count() == 1


def test_two_taps_add_one_linkage(real_app: Flask) -> None:
    referral = make_referral()
    liaison = make_liaison(referral.institution)
    db.session.commit()
    ids = (liaison.id, referral.id)

    def add() -> None:
        user = db.session.get(User, ids[0])
        own = queries.get_own_referral(user, ids[1])
        services.open_linkage(own, LinkageKind.CREDIT, by=user, now=utcnow())

    assert at_once(real_app, add) == ONE_WINS
    assert db.session.query(Linkage).filter_by(referral_id=ids[1]).count() == 1


def test_nothing_is_added_under_a_referral_withdrawn_meanwhile(real_app: Flask) -> None:
    referral, by = make_referral(), make_user(Role.COORDINATOR)
    liaison = make_liaison(referral.institution)
    db.session.commit()
    stale = queries.get_own_referral(liaison, referral.id)
    db.session.commit()
    elsewhere(real_app, lambda: services.withdraw(db.session.get(Referral, referral.id),
                                                  by=db.session.get(User, by.id), now=utcnow()))  # fmt: skip

    with pytest.raises(RuleBroken), transaction():
        services.open_linkage(stale, LinkageKind.CREDIT, by=liaison, now=utcnow())
    assert db.session.query(Linkage).count() == 0


def test_what_was_added_meanwhile_ends_with_the_withdrawal(real_app: Flask) -> None:
    referral, by = make_referral(), make_user(Role.COORDINATOR)
    liaison = make_liaison(referral.institution)
    db.session.commit()
    stale = queries.get_referral(by, referral.id)
    assert stale.linkages == []
    db.session.commit()
    elsewhere(real_app, lambda: services.open_linkage(db.session.get(Referral, referral.id), LinkageKind.CREDIT,
                                                      by=db.session.get(User, liaison.id), now=utcnow()))  # fmt: skip

    with transaction():
        services.withdraw(stale, by=by, now=utcnow())
    assert [one.state for one in db.session.query(Linkage)] == [LinkageState.WITHDRAWN]


def elsewhere(app: Flask, act: Callable[[], object]) -> None:
    """Somebody else does this, and is done."""

    def run() -> None:
        with app.app_context(), transaction():
            act()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def test_a_consent_taken_back_in_two_ways_at_once_is_taken_back_once(real_app: Flask) -> None:
    """On the person's page, and by withdrawing the referral: neither waits for the other for ever."""
    referrals = [make_referral() for _n in range(THREADS)]
    user_id, ids = make_user(Role.COORDINATOR).id, [one.id for one in referrals]
    db.session.commit()
    turns = iter([(referral_id, way) for referral_id in ids for way in ("page", "referral")])
    ended = []

    def take_back() -> None:
        referral_id, way = next(turns)
        user, referral = db.session.get(User, user_id), db.session.get(Referral, referral_id)
        if way == "page":
            revoke_consent(referral.consent, by=user, now=utcnow())
        else:
            services.withdraw(referral, by=user, now=utcnow())

    for _pair in range(2):  # half of the pairs each time
        ended += at_once(real_app, take_back)

    assert sorted(ended) == ["RuleBroken"] * THREADS + ["done"] * THREADS
    assert {state for (state,) in db.session.query(Referral.state)} == {ReferralState.WITHDRAWN}
