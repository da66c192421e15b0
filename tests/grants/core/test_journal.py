import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from grants.access.models import User
from grants.access.permissions import Role
from grants.core import journal
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from tests.factories.access import make_user

DROP_TRIGGERS = {
    "sqlite": ["DROP TRIGGER journal_entry_no_update", "DROP TRIGGER journal_entry_no_delete"],
    "postgresql": ["ALTER TABLE journal_entry DISABLE TRIGGER ALL"],
}


def five_entries() -> User:
    with transaction():
        user = make_user(Role.ADMINISTRATOR)
    for step in range(5):
        with transaction():
            journal.record(user, f"test.step_{step}", user, at=utcnow(), step=step)
    return user


def tamper(statement: str) -> None:
    """As somebody who owns the database: without the triggers, without the key."""
    with db.session.begin_nested():
        for drop in DROP_TRIGGERS[db.engine.dialect.name]:
            db.session.execute(text(drop))
        db.session.execute(text(statement))


def test_chain_of_several_transactions_holds(app: Flask) -> None:
    five_entries()
    assert journal.verify().holds
    assert journal.verify().entries == 5


def test_entry_is_kept_only_with_its_change(app: Flask) -> None:
    user = five_entries()
    with pytest.raises(ZeroDivisionError), transaction():
        journal.record(user, "test.lost", user, at=utcnow())
        raise ZeroDivisionError
    with transaction():
        journal.record(user, "test.kept", user, at=utcnow())
    actions = list(db.session.scalars(db.select(journal.JournalEntry.action).order_by("id")))
    assert actions[-1] == "test.kept"
    assert "test.lost" not in actions
    assert journal.verify().holds


@pytest.mark.parametrize(
    "statement",
    ["UPDATE journal_entry SET action = 'x' WHERE id = 3", "DELETE FROM journal_entry WHERE id = 3"],
)
def test_triggers_refuse(app: Flask, statement: str) -> None:
    five_entries()
    with pytest.raises(DBAPIError, match="append-only"), db.session.begin_nested():
        db.session.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "entry", "why"),
    [
        ("UPDATE journal_entry SET action = 'x' WHERE id = 3", 3, "changed"),
        ("UPDATE journal_entry SET actor_id = 999 WHERE id = 1", 1, "changed"),
        ("UPDATE journal_entry SET details = '{}' WHERE id = 5", 5, "changed"),
        ("DELETE FROM journal_entry WHERE id = 1", 1, "removed"),
        ("DELETE FROM journal_entry WHERE id = 3", 3, "removed"),
        ("DELETE FROM journal_entry WHERE id = 5", 5, "removed"),
        ("INSERT INTO journal_entry SELECT 6, at, actor_id, action, subject, subject_id, details, previous, mac "
         "FROM journal_entry WHERE id = 5", 6, "inserted"),
        ("INSERT INTO journal_entry SELECT 0, at, actor_id, action, subject, subject_id, details, previous, mac "
         "FROM journal_entry WHERE id = 5", 0, "inserted"),
    ],
)  # fmt: skip
def test_verify_names_the_row(app: Flask, statement: str, entry: int, why: str) -> None:
    five_entries()
    tamper(statement)
    verdict = journal.verify()
    assert (verdict.entry, verdict.why) == (entry, why)
