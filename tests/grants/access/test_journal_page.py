"""Reading and verifying the journal on its page."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from grants.access.models import User
from grants.access.permissions import Role
from grants.core import journal
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from tests.factories.access import make_user, signed_in_client
from tests.grants.access.test_administration import count_queries
from tests.grants.core.test_journal import tamper


@pytest.fixture
def auditor(app: Flask) -> User:
    return make_user(Role.AUDITOR, name="Olga Auditora")


@pytest.fixture
def browser(app: Flask, auditor: User) -> FlaskClient:
    client = signed_in_client(app, auditor)
    with client.session_transaction() as cookie:
        cookie["language"] = "en"
    return client


def note(by: User | None, *actions: str) -> None:
    for action in actions:
        with transaction():
            journal.record(by, action, "thing", at=utcnow())


def test_empty_journal_says_so(browser: FlaskClient) -> None:
    assert "No entries" in browser.get("/journal").text


def test_newest_entry_comes_first_with_its_author(auditor: User, browser: FlaskClient) -> None:
    note(auditor, "thing.made")
    note(None, "thing.moved")
    page = browser.get("/journal").text
    assert page.index(">thing.moved<") < page.index(">thing.made<")
    assert "Olga Auditora" in page
    assert "The console" in page


def test_filter_shows_one_kind_of_action(auditor: User, browser: FlaskClient) -> None:
    note(auditor, "thing.made", "thing.moved")
    page = browser.get("/journal?action=thing.made").text
    assert ">thing.made<" in page
    assert ">thing.moved<" not in page


def test_long_journal_is_paged_without_gaps(auditor: User, browser: FlaskClient) -> None:
    note(auditor, *[f"thing.step_{number:03}" for number in range(60)])
    first = browser.get("/journal").text
    address = first.split('rel="next" href="')[1].split('"')[0]
    second = browser.get(address).text
    shown = [f"thing.step_{number:03}" in first for number in range(60)]
    assert shown == [False] * 10 + [True] * 50
    assert all(f"thing.step_{number:03}" in second for number in range(10))


def test_page_costs_the_same_queries_for_one_and_for_many(auditor: User, browser: FlaskClient) -> None:
    note(auditor, "thing.made")
    one = count_queries(lambda: browser.get("/journal"))
    for _n in range(3):
        note(make_user(Role.COORDINATOR), "thing.made")
    assert count_queries(lambda: browser.get("/journal")) == one <= 8


@pytest.mark.parametrize("query", ["action=%00", "after=x", "after=9~9", f"after={10**40}~1", "action=" + "a" * 9000])
def test_odd_addresses_open_the_page(browser: FlaskClient, query: str) -> None:
    assert browser.get(f"/journal?{query}").status_code == 200


def test_verification_says_that_all_entries_hold_and_is_noted(auditor: User, browser: FlaskClient) -> None:
    note(auditor, "thing.made", "thing.moved")
    browser.post("/journal/verify")
    assert "2 entries hold." in browser.get("/journal").text
    newest = db.session.scalars(select(journal.JournalEntry).order_by(journal.JournalEntry.id.desc())).first()
    assert newest is not None
    assert (newest.action, newest.actor_id) == ("journal.verified", auditor.id)
    assert newest.details == '{"entries":2,"holds":true}'


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE journal_entry SET action = 'x' WHERE id = 2", "Entry 2 of the journal was changed."),
        ("DELETE FROM journal_entry WHERE id = 2", "Entry 2 of the journal was removed."),
    ],
)
def test_verification_names_the_row_that_does_not_fit(
    auditor: User, browser: FlaskClient, statement: str, sentence: str
) -> None:
    note(auditor, "thing.one", "thing.two", "thing.three")
    tamper(statement)
    browser.post("/journal/verify")
    assert sentence in browser.get("/journal").text


def test_journal_is_closed_to_roles_without_it(app: Flask) -> None:
    client = signed_in_client(app, make_user(Role.COORDINATOR))
    assert client.get("/journal").status_code == 403
    assert client.post("/journal/verify").status_code == 403
    assert db.session.execute(text("SELECT count(*) FROM journal_entry")).scalar() == 0


@pytest.mark.parametrize(
    ("role", "also", "reads"), [(Role.AUDITOR, None, False), (Role.ADMINISTRATOR, None, True),
                                (Role.AUDITOR, Role.MONITORING, True)],
)  # fmt: skip
def test_details_of_records_are_for_who_may_open_them(app: Flask, role: Role, also: Role | None, reads: bool) -> None:
    """A donor could count credits by their state, of an institution with two of them."""
    with transaction():
        journal.record(None, "referral.sent", "referral", at=utcnow(), person_id=77, institution_id=88)
    client = signed_in_client(app, make_user(*(one for one in (role, also) if one)))
    page = client.get("/journal").text
    assert "referral.sent" in page
    assert ("person_id" in page) is reads
