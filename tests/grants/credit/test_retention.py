"""Five years after it ended, a credit is shown to nobody; then it is removed, and people can still be counted."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import inspect, select
from sqlalchemy.exc import IntegrityError

from grants.access.permissions import Role
from grants.core.clock import local_day, utcnow
from grants.core.db import db, transaction
from grants.core.journal import JournalEntry
from grants.credit.models import (
    CreditMovement,
    Linkage,
    LinkageEvent,
    LinkageKind,
    LinkageRequestKey,
    LinkageState,
    MovementKind,
    MovementReversal,
    Referral,
    ReferralState,
)
from grants.credit.queries import credited_people, gone, linked_by_province
from grants.credit.reminder_jobs import remove_old
from grants.credit.retention import last_day_gone
from grants.credit.services import Movement, Step, log_movement, log_step, retain
from grants.people.models import Consent
from grants.reports import queries as reports
from tests.factories.access import make_user
from tests.factories.credit import make_liaison, make_linkage, make_movement, make_referral
from tests.factories.credit_money import make_credit
from tests.grants.credit.counting import queries_of

LEFT = {"id", "folio", "referral_id", "person_id", "institution_id", "kind", "state", "disbursed_on", "created_at",
        "last_step_on", "removed_at", "row_key", "settled"}  # fmt: skip


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 17, tzinfo=UTC)  # noon where the programme works


@pytest.mark.parametrize(
    ("today", "gone_until"),
    [
        (date(2027, 11, 30), date(2022, 11, 30)),
        (date(2029, 2, 27), date(2024, 2, 27)),
        (date(2029, 2, 28), date(2024, 2, 29)),  # what ended on 29 February is five years old on 28 February
        (date(2028, 2, 28), date(2023, 2, 28)),
        (date(2028, 2, 29), date(2023, 2, 28)),
    ],
)
def test_five_years_are_counted_by_the_calendar(today: date, gone_until: date) -> None:
    assert last_day_gone(today) == gone_until


def ended(state: LinkageState, day: date, **facts: Any) -> Linkage:
    referral = make_referral(referred_at=noon(day - timedelta(days=90)))
    linkage = make_linkage(referral, state=state, happened_on=day, **facts)
    if state in (LinkageState.REPAID, LinkageState.WRITTEN_OFF):
        linkage.counted_from = day
    db.session.flush()
    return linkage


@pytest.mark.parametrize(
    "state", [LinkageState.REPAID, LinkageState.WRITTEN_OFF, LinkageState.DECLINED, LinkageState.WITHDRAWN]
)
def test_what_ended_is_shown_until_its_day_and_not_on_it(app: Flask, sign_in: Any, state: LinkageState) -> None:
    day = date(2023, 5, 10)
    linkage = ended(state, day)
    users = (make_user(Role.COORDINATOR), make_liaison(linkage.institution))

    for moment, expected in ((noon(date(2028, 5, 9)), 200), (noon(date(2028, 5, 10)), 404)):
        with time_machine.travel(moment):
            for user in users:
                client = sign_in(user)
                for path in (f"/linkages/{linkage.id}", f"/referrals/{linkage.referral_id}"):
                    assert client.get(path).status_code == expected, (path, user.roles)
            export = sign_in(users[1]).get("/my-linkages/export").text
            assert (linkage.folio in export) is (expected == 200)
            for path in ("/linkages?state=all", "/linkages/export?state=all", "/linkages/board?show=send-on"):
                page = sign_in(users[0]).get(path).text
                assert (linkage.folio in page) is (expected == 200 and "board" not in path)


def test_a_credit_that_fell_due_counts_from_its_last_day_or_the_last_report_after_it(app: Flask) -> None:
    credit = make_credit(disbursed=400, term=12)
    last_due = max(one.due_on for one in _instalments(credit))
    assert credit.counted_from == last_due
    assert credit.next_due_on == min(one.due_on for one in _instalments(credit))

    now = utcnow()
    log_movement(credit, Movement(MovementKind.BALANCE, local_day(now), balance_usd=Decimal(700)),
                 by=make_liaison(credit.institution), now=now)  # fmt: skip

    assert credit.counted_from == max(last_due, local_day(now))


def _instalments(credit: Linkage) -> Any:
    from grants.credit.services import standing_of

    return standing_of(credit, local_day(utcnow())).instalments


def test_a_recovery_does_not_begin_the_years_anew(app: Flask) -> None:
    credit = make_credit(disbursed=100)
    by, now = make_liaison(credit.institution), utcnow()
    lost = local_day(now) - timedelta(days=50)
    log_movement(credit, Movement(MovementKind.WRITE_OFF, lost, amount_usd=Decimal(1200)), by=by, now=now)
    assert credit.counted_from == lost
    log_movement(credit, Movement(MovementKind.RECOVERY, local_day(now), amount_usd=Decimal(50)), by=by, now=now)
    assert (credit.state, credit.counted_from) == (LinkageState.WRITTEN_OFF, lost)
    assert credit.next_due_on is None


def test_a_credit_under_way_is_shown_however_old_its_disbursement(app: Flask, sign_in: Any) -> None:
    credit = make_credit(disbursed=366 * 6, term=120)
    client = sign_in(make_liaison(credit.institution))
    assert client.get(f"/linkages/{credit.id}").status_code == 200
    credit.counted_from = None  # as before these days were kept
    assert client.get(f"/linkages/{credit.id}").status_code == 200
    assert retain.to_remove(now=utcnow()).is_nothing


def test_an_open_account_is_not_a_credit(app: Flask) -> None:
    make_linkage(make_referral(referred_at=noon(date(2016, 1, 4))), kind=LinkageKind.MEMBERSHIP,
                 state=LinkageState.OPENED, happened_on=date(2016, 2, 1))  # fmt: skip
    assert retain.to_remove(now=utcnow()).is_nothing


def full_credit() -> Linkage:
    """A credit with everything that can hang on one."""
    linkage = ended(LinkageState.REPAID, date(2020, 5, 10), reference="OP-OLD")
    linkage.note, linkage.requested_usd, linkage.approved_usd = "Llamar por la tarde", Decimal(900), Decimal(850)
    by = make_liaison(linkage.institution)
    payment = make_movement(linkage, MovementKind.REPAYMENT, amount_usd=Decimal(10), reference="R-1")
    db.session.add(MovementReversal(movement_id=payment.id, reason="Doble", proposed_by_id=by.id, proposed_at=utcnow()))
    event = db.session.query(LinkageEvent).filter_by(linkage_id=linkage.id).one()
    db.session.add(LinkageRequestKey(user_id=by.id, key="k", request_hash="0" * 64, linkage_id=linkage.id,
                                     event_id=event.id, created_at=utcnow()))  # fmt: skip
    db.session.flush()
    return linkage


def test_removal_leaves_a_bare_row_the_consent_and_the_counts(app: Flask) -> None:
    old, young = full_credit(), make_credit(disbursed=30)
    people, places = credited_people(), linked_by_province()
    headline = [count for frame, count in reports.headlines(protected=False) if frame.code == "2.3b"]

    removed = retain.remove_old(now=utcnow())
    db.session.expire_all()

    assert (removed.linkages, removed.referrals) == ([old.id], [old.referral_id])
    row = db.session.execute(select(*inspect(Linkage).columns).where(Linkage.id == old.id)).one()
    filled = {name for name, value in row._mapping.items() if value is not None}
    assert filled == LEFT
    for model in (CreditMovement, LinkageEvent, LinkageRequestKey):
        assert db.session.query(model).filter_by(linkage_id=old.id).count() == 0
    assert db.session.query(MovementReversal).count() == 0
    assert db.session.query(CreditMovement).filter_by(linkage_id=young.id).count() == 1
    referral = db.session.get(Referral, old.referral_id)
    assert (referral.need, referral.decline_reason) == ("", None)
    assert db.session.get(Consent, referral.consent_id).revoked_at is None
    assert (credited_people(), linked_by_province()) == (people, places)
    assert [count for frame, count in reports.headlines(protected=False) if frame.code == "2.3b"] == headline


def test_decline_reasons_go_and_the_rest_of_the_referral_stays_while_something_under_it_is_shown(app: Flask) -> None:
    referral = make_referral(referred_at=noon(date(2019, 1, 7)))
    declined = make_linkage(referral, state=LinkageState.DECLINED, happened_on=date(2019, 3, 1))
    make_linkage(referral, state=LinkageState.CONTACTED, happened_on=local_day(utcnow()))

    removed = retain.remove_old(now=utcnow())
    db.session.expire_all()

    assert (removed.linkages, removed.referrals) == ([declined.id], [])
    assert declined.decline_reason is None
    assert referral.need


def test_a_declined_referral_loses_its_reason(app: Flask) -> None:
    referral = make_referral(referred_at=noon(date(2019, 1, 7)), state=ReferralState.DECLINED)
    make_linkage(referral, state=LinkageState.DECLINED, happened_on=date(2019, 1, 9))
    retain.remove_old(now=utcnow())
    db.session.expire_all()
    assert (referral.state, referral.decline_reason, referral.need) == (ReferralState.DECLINED, None, "")


def test_a_second_run_removes_nothing_and_says_nothing(app: Flask) -> None:
    old = full_credit()
    with transaction():
        retain.remove_old(now=utcnow())
    with transaction():
        assert retain.remove_old(now=utcnow()).is_nothing
    entries = db.session.query(JournalEntry).filter_by(action="credit.removed").all()
    assert len(entries) == 1
    assert f'"{old.id}"' in entries[0].details
    for secret in ("OP-OLD", "R-1", "Llamar", old.folio, "850"):
        assert secret not in entries[0].details


def test_the_job_does_many_a_few_at_a_time(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    for _n in range(5):
        ended(LinkageState.REPAID, date(2020, 5, 10))
    with transaction():
        assert len(retain.remove_old(now=utcnow(), limit=2).linkages) == 2
    remove_old(app)
    assert db.session.query(Linkage).filter(Linkage.removed_at.is_(None)).count() == 0
    assert db.session.query(Referral).filter(Referral.removed_at.is_(None)).count() == 0


def test_the_dry_run_names_rows_and_changes_nothing(app: Flask) -> None:
    old = full_credit()
    before = db.session.query(CreditMovement).count()
    db.session.commit()

    said = app.test_cli_runner().invoke(args=["credit", "retain", "--dry-run"]).output

    assert said.splitlines() == ["To remove: 1 linkages, 1 referrals.", f"linkage: {old.id}",
                                 f"referral: {old.referral_id}"]  # fmt: skip
    assert db.session.query(CreditMovement).count() == before
    assert db.session.get(Linkage, old.id).amount_usd == Decimal(850)
    assert app.test_cli_runner().invoke(args=["credit", "retain"]).output.startswith("Removed: 1 linkages")
    assert app.test_cli_runner().invoke(args=["credit", "retain"]).output == "Removed: 0 linkages, 0 referrals.\n"


def test_a_run_says_that_more_is_left(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    for _place in range(2):
        full_credit()
    db.session.commit()
    monkeypatch.setattr(retain, "AT_A_TIME", 1)
    for verb in (retain.to_remove, retain.remove_old):
        monkeypatch.setitem(verb.__kwdefaults__, "limit", 1)
    runner, more = app.test_cli_runner(), "run it again"

    assert more in runner.invoke(args=["credit", "retain", "--dry-run"]).output
    said = [more in runner.invoke(args=["credit", "retain"]).output for _run in range(4)]
    assert said[0] is True
    assert said[-1] is False


def test_the_database_refuses_a_removed_row_with_its_data(app: Flask) -> None:
    linkage = ended(LinkageState.REPAID, date(2020, 5, 10))
    with pytest.raises(IntegrityError), db.session.begin_nested():
        db.session.query(Linkage).filter_by(id=linkage.id).update({"removed_at": utcnow()})
    with pytest.raises(IntegrityError), db.session.begin_nested():
        db.session.query(Linkage).filter_by(id=linkage.id).update({"amount_usd": None})


def test_removed_rows_are_missing_for_everybody(app: Flask, sign_in: Any) -> None:
    old = full_credit()
    retain.remove_old(now=utcnow())
    folio, institution = old.folio, old.institution
    for user in (make_user(Role.COORDINATOR), make_user(Role.MONITORING), make_liaison(institution)):
        client = sign_in(user)
        for path in (f"/linkages/{old.id}", f"/referrals/{old.referral_id}", f"/search?folio={folio}"):
            assert client.get(path).status_code == 404


def test_who_is_behind_a_figure_is_counted_and_no_longer_named(app: Flask, sign_in: Any) -> None:
    old, young = full_credit(), make_credit(disbursed=30)
    again = make_credit(
        disbursed=20, person=make_linkage(ended(LinkageState.REPAID, date(2020, 5, 10)).referral).person
    )
    page = reports.records_page("2.3b")
    assert (page.count, page.unnamed) == (3, 1)
    assert {one.person_id for one in page.items} == {young.person_id, again.person_id}
    text = sign_in(make_user(Role.MONITORING)).get("/results/2.3b/records").text
    assert old.person.folio not in text
    assert young.person.folio in text


def test_what_a_referral_shows_leaves_old_linkages_out(app: Flask, sign_in: Any) -> None:
    old = ended(LinkageState.REPAID, date(2020, 5, 10))
    young = make_credit(disbursed=20, referral=old.referral)
    page = sign_in(make_liaison(old.institution)).get(f"/referrals/{old.referral_id}").text
    assert young.folio in page
    assert old.folio not in page


def test_lists_ask_as_often_as_before(app: Flask, sign_in: Any) -> None:
    client = sign_in(make_user(Role.COORDINATOR))
    make_linkage()
    client.get("/linkages")
    assert queries_of(lambda: client.get("/linkages")) <= 4


def test_a_step_logged_meanwhile_keeps_a_linkage(app: Flask) -> None:
    """Planned for removal, then moved on: the guarded update leaves it alone."""
    linkage = make_linkage(make_referral(referred_at=noon(date(2019, 1, 7))), state=LinkageState.CONTACTED,
                           happened_on=date(2019, 1, 8))  # fmt: skip
    assert [one.id for one in gone.linkages_over(local_day(utcnow()), limit=9)] == [linkage.id]
    log_step(linkage, Step(LinkageState.DOCUMENTS, local_day(utcnow())), by=make_liaison(linkage.institution),
             now=utcnow())  # fmt: skip
    assert not retain._empty(linkage.id, now=utcnow())
    assert db.session.get(Linkage, linkage.id).removed_at is None


def test_every_table_about_a_linkage_is_emptied_or_named_here() -> None:
    """Whoever adds a table that hangs on a linkage, a movement or a step decides what becomes of its rows."""
    removed = {"credit_movement", "linkage_event", "linkage_request_key", "movement_reversal"}
    # Answers say how getting credit went, and nothing of the credit; what a file said is wiped within a week.
    kept = {"linkage", "credit_answer", "import_row"}
    hanging = {
        table.name
        for table in db.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name in ("linkage", "credit_movement", "linkage_event")
    }
    assert hanging == removed | kept


def test_emptied_and_left_are_all_columns() -> None:
    columns = {column.name for column in inspect(Linkage).columns}
    assert set(retain.EMPTIED) | LEFT == columns
    assert not set(retain.EMPTIED) & LEFT
