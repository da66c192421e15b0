"""The risk of a canton: who raises, renews and lowers it, what expires, and what each change holds."""

from datetime import UTC, datetime, time, timedelta

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from grants.access.permissions import Role
from grants.core import journal
from grants.core.db import db, transaction
from grants.core.errors import RuleBroken
from grants.core.journal import JournalEntry
from grants.delivery import queries, services
from grants.delivery.models import DeliveryState, RiskSnapshot
from grants.delivery.queries import areas, risk
from grants.delivery.services import Assessment
from grants.delivery.services.clearance import RESCHEDULED
from tests.factories.access import make_user
from tests.factories.delivery import make_carried, make_delivery, make_snapshot
from tests.factories.people import make_canton
from tests.factories.risk import DAY, HOUR, MINUTE, make_lowering, take

S = DeliveryState
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
CANTON = "1001"


def rise(level: int, *, at: datetime = NOW, canton: str = CANTON) -> RiskSnapshot:
    """What an officer reports."""
    said = Assessment(level, "Pidieron dinero en el mercado")
    return services.raise_level(make_canton(canton), said, by=make_user(Role.OFFICER), now=at)


def level_now(at: datetime = NOW, canton: str = CANTON) -> int | None:
    """The level in force, or None where the canton is held."""
    found = queries.snapshot_in_force(canton, at)
    return found.level if found else None


@pytest.mark.parametrize(("level", "hours"), [(1, 7 * 24), (2, 24), (3, 12)])
def test_snapshot_holds_as_long_as_its_level_allows_and_not_a_moment_longer(app: Flask, level: int, hours: int) -> None:
    taken = take(CANTON, level, at=NOW)
    end = NOW + timedelta(hours=hours)

    assert taken.expires_at == end
    assert level_now(end - timedelta(microseconds=1)) == level
    assert level_now(end) is None


def test_snapshot_may_hold_shorter_but_never_longer(app: Flask) -> None:
    assert take(CANTON, 2, at=NOW, hours=3).expires_at == NOW + 3 * HOUR

    for hours in (0, 25, 999_999):
        with pytest.raises(RuleBroken) as refusal:
            take(CANTON, 2, at=NOW + MINUTE, hours=hours)
        assert refusal.value.field == "hours"
    assert level_now(NOW + 2 * HOUR) == 2


@pytest.mark.parametrize(
    ("taken", "end"),
    [
        (datetime(2026, 12, 31, 20, 0, tzinfo=UTC), datetime(2027, 1, 1, 8, 0, tzinfo=UTC)),
        (datetime(2026, 1, 31, 23, 30, tzinfo=UTC), datetime(2026, 2, 1, 11, 30, tzinfo=UTC)),
        (datetime(2028, 2, 28, 23, 0, tzinfo=UTC), datetime(2028, 2, 29, 11, 0, tzinfo=UTC)),
    ],
)
def test_snapshot_holds_over_the_end_of_a_month_and_of_a_year(app: Flask, taken: datetime, end: datetime) -> None:
    assert take(CANTON, 3, at=taken).expires_at == end
    assert (level_now(end - MINUTE), level_now(end)) == (3, None)


def test_reason_and_sources_are_sealed_in_their_columns(app: Flask) -> None:
    taken = take(CANTON, 2, at=NOW, sources="Teniente político")

    row = db.session.execute(RiskSnapshot.__table__.select().where(RiskSnapshot.id == taken.id)).mappings().one()

    assert (taken.reason, taken.sources) == ("Lo dijo la junta parroquial", "Teniente político")
    assert b"junta" not in bytes(row["reason_sealed"])
    assert "Teniente" not in str(row)


def test_anybody_raises_at_once(app: Flask) -> None:
    take(CANTON, 1, at=NOW - HOUR)

    raised = rise(2)

    assert level_now() == 2
    assert raised.in_force_at == NOW
    assert raised.expires_at == NOW + DAY


@pytest.mark.parametrize("level", [1, 2])
def test_raising_is_only_upwards(app: Flask, level: int) -> None:
    take(CANTON, 2, at=NOW - HOUR)

    with pytest.raises(RuleBroken) as refusal:
        rise(level)

    assert refusal.value.field == "level"
    assert [one.level for one in risk.history(CANTON).items] == [2]


@pytest.mark.parametrize("known", [False, True])
def test_report_from_a_held_canton_is_kept_and_does_not_let_it_go_on(app: Flask, known: bool) -> None:
    if known:
        take(CANTON, 1, at=NOW - 8 * DAY)  # it expired a day ago

    reported = rise(2)

    assert level_now() is None
    assert reported.in_force_at is None
    assert risk.history(CANTON).items[0] is reported
    assert risk.lowerings_to_sign(NOW) == []


def test_desk_alone_takes_the_first_the_same_and_a_higher_level(app: Flask) -> None:
    found = []
    for hours, level in enumerate((1, 1, 2, 2, 3)):
        take(CANTON, level, at=NOW + hours * HOUR)
        found.append(level_now(NOW + hours * HOUR))

    assert found == [1, 1, 2, 2, 3]


def test_desk_alone_renews_an_expired_one(app: Flask) -> None:
    take(CANTON, 2, at=NOW - 2 * DAY)
    assert level_now() is None

    take(CANTON, 2, at=NOW)

    assert level_now() == 2


@pytest.mark.parametrize("expired", [False, True])
def test_lower_level_waits_for_the_director(app: Flask, expired: bool) -> None:
    take(CANTON, 3, at=NOW - (DAY if expired else HOUR))

    asked = take(CANTON, 1, at=NOW)

    assert level_now() == (None if expired else 3)
    assert risk.lowerings_to_sign(NOW) == [asked]
    services.sign_lowering(asked, by=make_user(Role.DIRECTOR), now=NOW + MINUTE)
    assert level_now(NOW + MINUTE) == 1
    assert risk.lowerings_to_sign(NOW + MINUTE) == []
    assert asked.expires_at == NOW + 7 * DAY


def test_whoever_asked_does_not_sign(app: Flask) -> None:
    both = make_user(Role.DESK, Role.DIRECTOR)
    take(CANTON, 3, at=NOW - HOUR)
    asked = take(CANTON, 1, at=NOW, by=both)

    with pytest.raises(RuleBroken):
        services.sign_lowering(asked, by=both, now=NOW)
    with pytest.raises(IntegrityError), db.session.begin_nested():
        asked.signed_by_id = both.id
        db.session.flush()

    assert level_now() == 3


def test_lower_level_is_signed_once(app: Flask) -> None:
    asked = make_lowering(CANTON, at=NOW)
    services.sign_lowering(asked, by=make_user(Role.DIRECTOR), now=NOW)

    with pytest.raises(RuleBroken):
        services.sign_lowering(asked, by=make_user(Role.DIRECTOR), now=NOW)


def test_level_raised_after_the_asking_is_not_lowered_by_the_old_signature(app: Flask) -> None:
    take(CANTON, 2, at=NOW - HOUR)
    asked = take(CANTON, 1, at=NOW)
    rise(3, at=NOW + MINUTE)

    assert risk.lowerings_to_sign(NOW + 2 * MINUTE) == []
    with pytest.raises(RuleBroken):
        services.sign_lowering(asked, by=make_user(Role.DIRECTOR), now=NOW + 2 * MINUTE)

    assert level_now(NOW + 2 * MINUTE) == 3


@pytest.mark.parametrize("expired", [False, True])
def test_area_held_after_the_asking_is_not_opened_by_the_old_signature(app: Flask, expired: bool) -> None:
    take(CANTON, 2, at=NOW, hours=1)
    asked = take(CANTON, 1, at=NOW + MINUTE)
    held_at = NOW + (2 * HOUR if expired else 2 * MINUTE)
    services.hold_area(make_canton(CANTON), by=make_user(Role.DESK), now=held_at)

    assert asked not in risk.lowerings_to_sign(held_at + MINUTE)
    with pytest.raises(RuleBroken):
        services.sign_lowering(asked, by=make_user(Role.DIRECTOR), now=held_at + MINUTE)
    assert level_now(held_at + MINUTE) is None

    anew = take(CANTON, 1, at=held_at + 2 * MINUTE)
    services.sign_lowering(anew, by=make_user(Role.DIRECTOR), now=held_at + 3 * MINUTE)
    assert level_now(held_at + 3 * MINUTE) == 1


def test_lower_level_that_expired_unsigned_is_not_signed(app: Flask) -> None:
    take(CANTON, 3, at=NOW - HOUR)
    asked = take(CANTON, 1, at=NOW, hours=1)

    assert risk.lowerings_to_sign(NOW + HOUR) == []
    with pytest.raises(RuleBroken):
        services.sign_lowering(asked, by=make_user(Role.DIRECTOR), now=NOW + HOUR)


def test_only_one_snapshot_follows_another(app: Flask) -> None:
    first = take(CANTON, 1, at=NOW - HOUR)
    second = take(CANTON, 1, at=NOW)

    assert second.follows_id == first.id
    with pytest.raises(IntegrityError), db.session.begin_nested():
        make_snapshot(CANTON, 2, follows_id=first.id)


@pytest.mark.parametrize(
    ("start", "end", "meets"),
    [
        ("04:00", "05:00", True), ("05:00", "06:00", False), ("04:59", "22:59", True), ("05:00", "23:00", False),
        ("22:00", "23:01", True), ("22:00", "23:00", False), ("23:00", "23:30", True), ("00:00", "00:01", True),
        ("23:59", "23:59:59.999999", True),
    ],
)  # fmt: skip
def test_curfew_over_midnight(app: Flask, start: str, end: str, meets: bool) -> None:
    taken = take(CANTON, 1, at=NOW, curfew_from=time(23), curfew_until=time(5))

    assert taken.touches_curfew(time.fromisoformat(start), time.fromisoformat(end)) is meets


@pytest.mark.parametrize(
    ("start", "end", "meets"),
    [("12:00", "13:00", False), ("12:00", "13:01", True), ("15:00", "16:00", False), ("14:59", "16:00", True),
     ("12:00", "18:00", True), ("13:30", "14:00", True)],
)  # fmt: skip
def test_curfew_within_a_day(app: Flask, start: str, end: str, meets: bool) -> None:
    taken = take(CANTON, 1, at=NOW, curfew_from=time(13), curfew_until=time(15))

    assert taken.touches_curfew(time.fromisoformat(start), time.fromisoformat(end)) is meets


@pytest.mark.parametrize("at", [time(0), time(12), time(23, 59)])
def test_curfew_that_ends_when_it_begins_lasts_all_day(app: Flask, at: time) -> None:
    taken = take(CANTON, 1, at=NOW, curfew_from=at, curfew_until=at)

    for start, end in ((time(0), time(0, 1)), (time(11), time(12)), (time(12), time(13)), (time(23), time(23, 59))):
        assert taken.touches_curfew(start, end)


@pytest.mark.parametrize("curfew", [(time(23), None), (None, time(5))])
def test_half_a_curfew_is_refused(app: Flask, curfew: tuple[time | None, time | None]) -> None:
    with pytest.raises(RuleBroken) as refusal:
        take(CANTON, 1, at=NOW, curfew_from=curfew[0], curfew_until=curfew[1])

    assert refusal.value.field == "curfew_until"
    assert level_now() is None


def test_raising_holds_what_was_cleared_for_less_and_nothing_else(app: Flask) -> None:
    cleared, scheduled, sealed = make_delivery(S.CLEARED), make_delivery(S.SCHEDULED), make_delivery(S.SEALED)
    carried = make_carried(S.IN_TRANSIT).delivery
    fit = make_delivery(S.CLEARED)
    fit.level = 2
    now = cleared.events[-1].at + MINUTE

    rise(2, at=now)

    states = [one.state for one in (cleared, scheduled, sealed, carried, fit)]
    assert states == [S.HELD, S.HELD, S.SEALED, S.IN_TRANSIT, S.CLEARED]
    assert (scheduled.run_id, scheduled.place, scheduled.scheduled_for, scheduled.officer_id) == (None,) * 4


def test_raising_in_another_canton_holds_nothing_here(app: Flask) -> None:
    cleared = make_delivery(S.CLEARED)
    now = cleared.events[-1].at + MINUTE
    take("2101", 1, at=now - MINUTE)

    rise(3, at=now, canton="2101")

    assert cleared.state is S.CLEARED


@pytest.mark.parametrize("what", ["raised", "expired", "withdrawn", "never"])
def test_nothing_goes_on_where_nothing_current_is_known(app: Flask, what: str) -> None:
    carried = make_carried(S.IN_TRANSIT)
    delivery, now = carried.delivery, carried.delivery.events[-1].at + 2 * HOUR
    if what == "raised":
        take(delivery.canton_code, 2, at=now)
    elif what == "withdrawn":
        for one in risk.history(delivery.canton_code).items:
            one.withdrawn_at, one.withdrawn_by_id = now, one.taken_by_id
    elif what == "expired":
        now += 30 * DAY
    else:
        delivery.canton_code = make_canton("1004").code
    db.session.flush()

    with pytest.raises(RuleBroken) as refusal:
        services.arrive(delivery, by=carried.officer, now=now)

    assert (refusal.value.message, delivery.state) == (RESCHEDULED, S.IN_TRANSIT)


def test_expired_snapshot_stops_every_step_towards_the_handover(app: Flask) -> None:
    from tests.factories.delivery import DESK, make_run, stop_at

    sealed, cleared = make_delivery(S.SEALED), make_delivery(S.CLEARED)
    carried = make_carried(S.AT_POINT)
    late = carried.delivery.events[-1].at + 30 * DAY
    run = make_run(at=late)
    codes = carried.codes(late)
    steps = {
        "schedule": lambda: services.schedule(cleared, run, stop_at(late), by=make_user(Role.COORDINATOR), now=late),
        "card": lambda: services.charge_attempt(carried.delivery, services.Codes("", ""), now=late),
        "confirm": lambda: services.confirm(
            carried.delivery, codes, key="a-key-of-mine", desk=DESK, by=carried.officer, now=late
        ),
    }

    with pytest.raises(RuleBroken):
        services.clear(sealed, by=make_user(Role.DESK), now=late)
    for step in steps.values():
        with pytest.raises(RuleBroken) as refusal:
            step()
        assert refusal.value.message == RESCHEDULED

    assert [one.state for one in (sealed, cleared, carried.delivery)] == [S.SEALED, S.CLEARED, S.AT_POINT]
    assert (carried.card.used_at, cleared.run_id) == (None, None)


def test_expired_snapshot_stops_a_dispatch(app: Flask) -> None:
    from tests.factories.delivery import DESK, make_card, totp_at

    delivery, keeper = make_delivery(S.SCHEDULED), make_user(Role.WAREHOUSE)
    make_card(delivery.award)
    run, late, snapshot = delivery.run, delivery.events[-1].at, delivery.risk_snapshot
    assert run is not None
    assert snapshot is not None
    snapshot.expires_at = late
    codes = services.ReleaseCodes(totp_at(keeper, late), totp_at(run.officer, late))

    with pytest.raises(RuleBroken) as refusal:
        services.dispatch(run, codes, desk=DESK, by=keeper, now=late)

    assert refusal.value.message == RESCHEDULED
    assert (delivery.state, run.team.value_out_cents) == (S.SCHEDULED, 0)


def test_areas_show_first_where_deliveries_wait_and_nothing_is_known(app: Flask) -> None:
    now = make_delivery(S.CLEARED).events[-1].at + MINUTE
    make_delivery(S.SEALED)
    take("1004", 1, at=now)
    take("2101", 2, at=now - 2 * DAY)
    waiting = make_delivery(S.PLANNED)
    waiting.canton_code = make_canton("2105").code
    db.session.flush()

    found = {area.canton.code: (area.waiting, area.live, area.is_current, area.needs_care) for area in areas.areas(now)}

    assert found == {
        "2105": (1, 0, False, True), "1001": (2, 1, True, False), "1004": (0, 0, True, False),
        "2101": (0, 0, False, False),
    }  # fmt: skip
    assert [area.canton.code for area in areas.areas_to_renew(now)] == ["2105"]


def test_area_that_soon_expires_is_listed_with_live_deliveries_first(app: Flask) -> None:
    now = make_delivery(S.CLEARED).events[-1].at + MINUTE
    take(CANTON, 1, at=now, hours=3)
    for _n in range(2):
        make_delivery(S.PLANNED).canton_code = make_canton("1004").code
    db.session.flush()

    listed = areas.areas_to_renew(now)

    assert [(one.canton.code, one.live, one.ends_soon) for one in listed] == [(CANTON, 1, True), ("1004", 0, False)]


def test_other_records_speak_on_the_risk_page_of_the_desk(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[datetime] = []
    monkeypatch.setattr(risk, "risk_signs", signs := [])
    monkeypatch.setattr(areas, "risk_signs", signs)
    make_canton(CANTON)

    @risk.risk_sign("Les pidieron dinero")
    def extortion(now: datetime) -> dict[str, tuple[int, int | None]]:
        asked.append(now)
        return {CANTON: (3, 20)}

    with_signs, without = areas.areas(NOW, with_signs=True), areas.areas(NOW)

    assert [one.signs for one in with_signs] == [(("Les pidieron dinero", 3, 20),)]
    assert (without, asked) == ([], [NOW])


def test_each_step_is_in_the_journal_without_its_words(app: Flask) -> None:
    asked = make_lowering(CANTON, at=NOW)
    services.sign_lowering(asked, by=make_user(Role.DIRECTOR), now=NOW)
    rise(2, at=NOW + MINUTE)
    with transaction():
        pass

    entries = db.session.query(JournalEntry).filter_by(subject="risk_snapshot").order_by(JournalEntry.id).all()

    assert [one.action for one in entries] == ["risk.recorded", "risk.lowering_asked", "risk.lowered", "risk.raised"]
    assert not any("dinero" in one.details or "junta" in one.details for one in entries)
    assert journal.verify().holds
