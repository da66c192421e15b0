"""Who did what: append-only, hash-chained, without personal data.

Each entry's MAC covers the entry and the MAC before it, under a key outside the database. Triggers refuse UPDATE and
DELETE. `record` notes an entry; it joins the chain right before the commit of the transaction it describes, so the
chain's head is held for a moment only, and the entry is kept exactly when the change is.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Integer,
    LargeBinary,
    String,
    Text,
    event,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, SessionTransaction, mapped_column

from grants.core.crypto import keyring
from grants.core.db import Model, db

GENESIS = bytes(32)
HEAD = 1


class JournalEntry(Model):
    """One thing that was done."""

    __tablename__ = "journal_entry"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    # No foreign keys: nothing that happens to another table may reach the journal.
    actor_id: Mapped[int | None] = mapped_column(index=True)
    action: Mapped[str] = mapped_column(String(80), index=True)
    subject: Mapped[str] = mapped_column(String(60))
    subject_id: Mapped[int | None]
    details: Mapped[str] = mapped_column(Text)
    previous: Mapped[bytes] = mapped_column(LargeBinary)
    mac: Mapped[bytes] = mapped_column(LargeBinary)

    def expected_mac(self, previous: bytes) -> bytes:
        return _mac(_content(self.id, self.at, self.actor_id, self.action, self.subject,
                             self.subject_id, self.details), previous)  # fmt: skip


class JournalHead(Model):
    """Where the chain ends. One row."""

    __tablename__ = "journal_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entries: Mapped[int] = mapped_column(BigInteger)
    mac: Mapped[bytes] = mapped_column(LargeBinary)


class Actor(Protocol):
    @property
    def id(self) -> Any: ...


@dataclass(slots=True)
class _Noted:
    actor: Actor | None
    action: str
    subject: Any
    at: datetime
    details: dict[str, Any]


def record(
    by: Actor | None,
    action: str,
    subject: Any,
    *,
    at: datetime,
    **details: int | str | bool | list[str] | None,
) -> None:
    """Note that `by` did `action` ("handover.confirmed") to a row. `details`: ids, states and field names only."""
    if not db.session().in_transaction():
        db.session.begin()  # so that a rollback has something to end, and forgets the entry
    db.session.info.setdefault("journal", []).append(_Noted(by, action, subject, at, details))


@contextmanager
def savepoint() -> Iterator[None]:
    """A part that may fail alone: its rollback also forgets what was noted inside it."""
    before = len(db.session.info.get("journal", ()))
    try:
        with db.session.begin_nested():
            yield
    except BaseException:
        del db.session.info.get("journal", [])[before:]
        raise


@event.listens_for(Session, "before_commit")
def _join_chain(session: Session) -> None:
    noted: list[_Noted] = session.info.get("journal", [])
    if not noted or session.in_nested_transaction():
        return
    session.flush()  # rows noted before they had an id have one now
    session.info["journal"] = []
    count, mac = _take_head(session, len(noted))
    rows = []
    for number, note in enumerate(noted, count - len(noted) + 1):
        row = _row(number, note, mac)
        mac = row["mac"]
        rows.append(row)
    session.execute(insert(JournalEntry), rows)
    session.execute(update(JournalHead).where(JournalHead.id == HEAD).values(mac=mac))


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, ended: SessionTransaction) -> None:
    if ended.parent is None:  # a savepoint's rollback leaves the transaction going
        session.info.pop("journal", None)


def _take_head(session: Session, more: int) -> tuple[int, bytes]:
    """Advance the head; others wait here until this transaction ends."""
    taken = session.execute(
        update(JournalHead)
        .where(JournalHead.id == HEAD)
        .values(entries=JournalHead.entries + more)
        .returning(JournalHead.entries, JournalHead.mac)
        .execution_options(synchronize_session=False)
    ).one()
    return int(taken[0]), bytes(taken[1])


def _row(number: int, note: _Noted, previous: bytes) -> dict[str, Any]:
    subject_id = getattr(note.subject, "id", None)
    table = note.subject if isinstance(note.subject, str) else note.subject.__tablename__
    details = json.dumps(note.details, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    actor_id = note.actor.id if note.actor is not None else None
    content = _content(number, note.at, actor_id, note.action, table, subject_id, details)
    return {
        "id": number, "at": note.at, "actor_id": actor_id, "action": note.action, "subject": table,
        "subject_id": subject_id, "details": details, "previous": previous, "mac": _mac(content, previous),
    }  # fmt: skip


def _content(number: int, at: datetime, *rest: int | str | None) -> bytes:
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    return json.dumps([number, moment, *rest], ensure_ascii=False, separators=(",", ":")).encode()


def _mac(content: bytes, previous: bytes) -> bytes:
    return hmac.digest(keyring().derive("journal"), previous + content, hashlib.sha256)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verification found. `entry` is the first row that does not fit, `why` says how."""

    entries: int
    mac: bytes
    entry: int | None = None
    why: str = ""

    @property
    def holds(self) -> bool:
        return not self.why


def verify() -> Verdict:
    """Walk the chain from the first entry; name the first that was changed, removed or inserted."""
    previous, expected = GENESIS, 1
    for entry in _entries():
        if entry.id > expected:
            return Verdict(expected - 1, previous, expected, "removed")
        if entry.id < expected:
            return Verdict(expected - 1, previous, entry.id, "inserted")
        if not hmac.compare_digest(entry.mac, entry.expected_mac(entry.previous)):
            return Verdict(expected - 1, previous, entry.id, _forged(entry))
        if not hmac.compare_digest(entry.previous, previous):
            return Verdict(expected - 1, previous, entry.id, "changed")
        previous, expected = entry.mac, expected + 1
    return _against_head(expected - 1, previous)


def _forged(entry: JournalEntry) -> str:
    """A row whose MAC does not open was written without the key: the last one was inserted, others changed."""
    head = db.session.get_one(JournalHead, HEAD)
    return "inserted" if entry.id > head.entries else "changed"


def _against_head(entries: int, mac: bytes) -> Verdict:
    head = db.session.get_one(JournalHead, HEAD, populate_existing=True)
    if head.entries > entries:
        return Verdict(entries, mac, entries + 1, "removed")
    if head.entries < entries:
        return Verdict(entries, mac, head.entries + 1, "inserted")
    if not hmac.compare_digest(head.mac, mac):
        return Verdict(entries, mac, entries, "changed")
    return Verdict(entries, mac)


def last(action: str) -> JournalEntry | None:
    """The newest entry of an action."""
    found = select(JournalEntry).where(JournalEntry.action == action).order_by(JournalEntry.id.desc()).limit(1)
    return db.session.scalars(found).first()


def _entries() -> Iterator[JournalEntry]:
    statement = select(JournalEntry).order_by(JournalEntry.id)
    return iter(db.session.scalars(statement.execution_options(yield_per=1000, populate_existing=True)))


# The same statements run where tables are created from the models and in the migration.
SQLITE_TRIGGERS = tuple(
    f"CREATE TRIGGER journal_entry_no_{verb.lower()} BEFORE {verb} ON journal_entry "
    "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"
    for verb in ("UPDATE", "DELETE")
)
POSTGRESQL_TRIGGERS = (
    "CREATE OR REPLACE FUNCTION journal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$",
    "CREATE TRIGGER journal_entry_no_change BEFORE UPDATE OR DELETE ON journal_entry "
    "FOR EACH ROW EXECUTE FUNCTION journal_is_append_only()",
    "CREATE TRIGGER journal_entry_no_truncate BEFORE TRUNCATE ON journal_entry "
    "FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only()",
)
INSERT_HEAD = "INSERT INTO journal_head (id, entries, mac) VALUES (1, 0, {zeros})"
HEAD_ROWS = {
    "sqlite": INSERT_HEAD.format(zeros="zeroblob(32)"),
    "postgresql": INSERT_HEAD.format(zeros="decode(repeat('00', 32), 'hex')"),
}

for _statement in SQLITE_TRIGGERS:
    event.listen(JournalEntry.__table__, "after_create", DDL(_statement).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]
for _statement in POSTGRESQL_TRIGGERS:
    event.listen(JournalEntry.__table__, "after_create", DDL(_statement).execute_if(dialect="postgresql"))  # type: ignore[no-untyped-call]
for _dialect, _statement in HEAD_ROWS.items():
    event.listen(JournalHead.__table__, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
