"""Many at once: one signature lowers a level, one lets a delivery go on, and a hold never meets a handover."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import func, select

from grants.access.models import User
from grants.access.permissions import Role
from grants.core import journal
from grants.core.db import db, get_or_refuse, transaction
from grants.delivery import queries, services
from grants.delivery.models import (
    Delivery,
    DeliveryEvent,
    DeliveryState,
    LevelsProposal,
    Permit,
    ProposalState,
    Receipt,
    RiskSnapshot,
    Team,
)
from grants.delivery.services import Assessment
from grants.people.models import Canton
from tests.factories.access import make_user
from tests.factories.delivery import DESK, make_carried, make_delivery
from tests.factories.people import make_canton
from tests.factories.risk import DAY, HOUR, MINUTE, levels, make_held_on_the_road, make_lowering, make_resume, take
from tests.races import at_once

pytestmark = pytest.mark.no_rollback
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
THREADS = 20
S = DeliveryState
Work = Callable[[User], object]


def together(app: Flask, works: list[tuple[Work, int]]) -> Counter[str]:
    """Do all at one moment, each as its own person; how they ended."""
    return at_once(app, [partial(_as_person, *work) for work in works])


def _as_person(work: Work, user_id: int) -> None:
    work(get_or_refuse(User, user_id))


def people(role: Role, number: int = THREADS) -> list[int]:
    found = [make_user(role).id for _n in range(number)]
    db.session.commit()
    return found


def test_twenty_signatures_lower_a_level_once(real_app: Flask) -> None:
    asked, directors = make_lowering(at=NOW).id, people(Role.DIRECTOR)

    def sign(by: User) -> None:
        services.sign_lowering(get_or_refuse(RiskSnapshot, asked), by=by, now=NOW + MINUTE)

    ended = together(real_app, [(sign, one) for one in directors])

    assert ended == Counter(done=1, refused=THREADS - 1)
    signed = get_or_refuse(RiskSnapshot, asked)
    assert (signed.in_force_at, signed.signed_by_id in directors) == (NOW + MINUTE, True)
    assert journal.verify().holds


def test_of_signatures_refusals_and_withdrawals_of_a_table_one_counts(real_app: Flask) -> None:
    proposal = services.change_levels(levels(cap_usd=8_000), note="Acta 12", by=make_user(Role.ADMINISTRATOR), now=NOW)
    number, directors = proposal.id, people(Role.DIRECTOR)
    verbs: list[Callable[..., object]] = [services.sign_levels, services.refuse_levels, services.withdraw_levels]

    def end(verb: Callable[..., object], by: User) -> object:
        return verb(get_or_refuse(LevelsProposal, number), by=by, now=NOW + MINUTE)

    works: list[tuple[Work, int]] = [(partial(end, verbs[one % 3]), one) for one in directors]

    ended = together(real_app, works)

    assert ended == Counter(done=1, refused=THREADS - 1)
    db.session.expire_all()
    state = get_or_refuse(LevelsProposal, number).state
    assert queries.rules(1).cap_usd == (8_000 if state is ProposalState.SIGNED else 7_000)


def test_of_twenty_tables_that_ask_for_less_one_waits(real_app: Flask) -> None:
    def propose(by: User) -> None:
        services.change_levels(levels(cap_usd=7_000 + by.id), note="Acta 12", by=by, now=NOW)

    ended = together(real_app, [(propose, one) for one in people(Role.ADMINISTRATOR)])

    assert ended == Counter(done=1, refused=THREADS - 1)
    assert queries.protocol_in_force() is None


def test_twenty_signatures_resume_a_delivery_once(real_app: Flask) -> None:
    permit = make_resume(at=NOW + DAY)
    permit_id, delivery_id = permit.id, permit.delivery_id
    directors = people(Role.DIRECTOR)

    def sign(by: User) -> None:
        services.sign_resume(get_or_refuse(Permit, permit_id), by=by, now=NOW + DAY + HOUR)

    ended = together(real_app, [(sign, one) for one in directors])

    assert ended == Counter(done=1, refused=THREADS - 1)
    assert get_or_refuse(Delivery, delivery_id).state is S.CLEARED
    resumed = select(func.count()).select_from(DeliveryEvent).where(
        DeliveryEvent.delivery_id == delivery_id, DeliveryEvent.from_state == S.HELD
    )  # fmt: skip
    assert db.session.scalar(resumed) == 1


def test_raising_and_lowering_at_once_never_end_lower_than_raised(real_app: Flask) -> None:
    take("1004", 2, at=NOW - HOUR)
    asked = take("1004", 1, at=NOW).id
    directors, officers = people(Role.DIRECTOR, 10), people(Role.OFFICER, 10)

    def sign(by: User) -> None:
        services.sign_lowering(get_or_refuse(RiskSnapshot, asked), by=by, now=NOW + MINUTE)

    def rise(by: User) -> None:
        said = Assessment(3, "Disparos")
        services.raise_level(get_or_refuse(Canton, "1004"), said, by=by, now=NOW + MINUTE)

    ended = together(real_app, [(sign, one) for one in directors] + [(rise, one) for one in officers])

    assert set(ended) == {"done", "refused"}
    snapshot = queries.snapshot_in_force("1004", NOW + 2 * MINUTE)
    assert snapshot is not None
    assert snapshot.level == 3


def test_hold_and_handover_at_once_is_one_of_the_two(real_app: Flask) -> None:
    for number in range(5):
        carried = make_carried(at=NOW + number * MINUTE)
        delivery_id, officer_id = carried.delivery.id, carried.officer.id
        codes = carried.codes(NOW + DAY)
        desk_id = people(Role.DESK, 1)[0]
        canton_code, team_id = carried.delivery.canton_code, carried.delivery.run.team_id  # type: ignore[union-attr]
        db.session.remove()

        def confirm(by: User, delivery_id: int = delivery_id, codes: services.Codes = codes) -> None:
            delivery = get_or_refuse(Delivery, delivery_id)
            services.confirm(delivery, codes, key="the-same-key", desk=DESK, by=by, now=NOW + DAY)

        def hold(by: User, canton_code: str = canton_code) -> None:
            services.hold_area(get_or_refuse(Canton, canton_code), by=by, now=NOW + DAY)

        ended = together(real_app, [(confirm, officer_id), (hold, desk_id)])

        state = get_or_refuse(Delivery, delivery_id).state
        receipts = db.session.scalar(
            select(func.count()).select_from(Receipt).where(Receipt.delivery_id == delivery_id)
        )  # fmt: skip
        assert set(ended) <= {"done", "refused"}
        assert (state, receipts) in {(S.CONFIRMED, 1), (S.HELD, 0)}
        assert (get_or_refuse(Team, team_id).value_out_cents == 0) == (state is S.CONFIRMED)
        take(canton_code, 1, at=NOW)
        db.session.commit()


def test_twenty_receive_one_kit_and_its_value_is_given_back_once(real_app: Flask) -> None:
    delivery = make_held_on_the_road()
    delivery_id, seal = delivery.id, delivery.seal_number or ""
    team_id = delivery.run.team_id  # type: ignore[union-attr]
    team = get_or_refuse(Team, team_id)
    db.session.refresh(team)
    team.value_out_cents += 100_00  # another kit is out with them
    keepers = people(Role.WAREHOUSE)

    def receive(by: User) -> None:
        services.receive_held(get_or_refuse(Delivery, delivery_id), seal_number=seal, by=by, now=NOW)

    ended = together(real_app, [(receive, one) for one in keepers])

    assert ended == Counter(done=1, refused=THREADS - 1)
    db.session.refresh(team)
    assert team.value_out_cents == 100_00


def test_area_is_held_while_others_clear(real_app: Flask) -> None:
    sealed = [make_delivery(S.SEALED).id for _n in range(4)]
    take("1001", 1, at=NOW)
    make_canton("1001")
    desks = people(Role.DESK, 5)

    def clear(delivery_id: int) -> Work:
        return lambda by: services.clear(get_or_refuse(Delivery, delivery_id), by=by, now=NOW + MINUTE)

    def hold(by: User) -> None:
        services.hold_area(get_or_refuse(Canton, "1001"), by=by, now=NOW + MINUTE)

    works: list[tuple[Work, int]] = [(clear(one), desks[number]) for number, one in enumerate(sealed)]
    ended = together(real_app, [*works, (hold, desks[4])])
    with transaction():
        services.hold_unknown(now=NOW + 2 * MINUTE)

    assert set(ended) <= {"done", "refused"}
    assert {get_or_refuse(Delivery, one).state for one in sealed} <= {S.SEALED, S.HELD}
