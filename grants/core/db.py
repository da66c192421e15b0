"""The one session, the one place that commits, and how lists are paged."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    Connection,
    DateTime,
    Dialect,
    Engine,
    Enum,
    MetaData,
    Numeric,
    Select,
    event,
    tuple_,
    update,
)
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, registry
from sqlalchemy.types import TypeDecorator

from grants.core.errors import NotFound

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Moment(TypeDecorator[datetime]):
    """An aware time, kept in UTC on both databases. A naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without its zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        # PostgreSQL gives it in the zone of its server, and receipts and answers are made of what is read here.
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Usd(TypeDecorator[Any]):
    """An exact amount in US dollars: Decimal in Python, whole cents in the database."""

    impl = Numeric(14, 2)
    cache_ok = True


class Model(DeclarativeBase):
    """Base of every table. Times are aware, states are stored by value."""

    registry = registry(metadata=MetaData(naming_convention=NAMES), type_annotation_map={datetime: Moment()})


S = TypeVar("S", bound=StrEnum)


def state_column(states: type[S], name: str | None = None) -> Enum:
    """A column type for a StrEnum, stored as its value with a CHECK, alike on both databases.

    `name` tells two columns of one type in one table apart.
    """
    return Enum(
        states,
        native_enum=False,
        create_constraint=True,
        length=40,
        name=name or states.__name__.lower(),
        values_callable=lambda enum: [member.value for member in enum],
        validate_strings=True,
    )


db = SQLAlchemy(model_class=Model, session_options={"expire_on_commit": False})

# A web request that only reads must not take SQLite's one writer. Everything else writes.
reads_only: ContextVar[bool] = ContextVar("reads_only", default=False)


@contextmanager
def transaction() -> Iterator[None]:
    """Commit when the block ends well; roll back when it raises."""
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise


@event.listens_for(Engine, "connect")
def prepare_sqlite(dbapi_connection: Any, _record: Any) -> None:
    """Python 3.11's sqlite3 opens transactions late and by itself: take that from it."""
    if not type(dbapi_connection).__module__.startswith("sqlite3"):
        return
    dbapi_connection.isolation_level = None
    for pragma in (
        "foreign_keys = ON",
        "journal_mode = WAL",
        "synchronous = FULL",  # a confirmed handover survives a power cut
        "busy_timeout = 20000",
    ):
        dbapi_connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Engine, "begin")
def begin(connection: Connection) -> None:
    """Take the write lock at once: a transaction that reads first and writes later may be refused."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN" if reads_only.get() else "BEGIN IMMEDIATE")


def rows_hit(result: Any) -> int:
    """How many rows a guarded UPDATE or DELETE changed."""
    return int(result.rowcount)


def hold_row(column: InstrumentedAttribute[Any], row_id: int) -> None:
    """Write a column of one row as it stands: whoever holds the same row at the same moment waits here until this
    transaction ends, and reads afterwards what it wrote. `column`: in no key, so that rows that point here go on."""
    row = column.class_
    same = update(row).where(row.id == row_id).values({column.key: column})
    db.session.execute(same.execution_options(synchronize_session=False))


M = TypeVar("M", bound=Model)
ID_LIMIT = 2**31  # a primary key is less


def plausible(key: int) -> int:
    """A primary key as it came in. NotFound beyond 31 bits, where PostgreSQL raises instead of finding nothing."""
    if not 0 <= key < ID_LIMIT:
        raise NotFound
    return key


def get_or_refuse(model: type[M], key: object) -> M:
    """The row with this primary key, or NotFound (404)."""
    found = db.session.get(model, plausible(key) if isinstance(key, int) else key)
    if found is None:
        raise NotFound
    return found


def one_or_refuse(statement: Select[M]) -> M:
    """The only row of a statement, or NotFound (404)."""
    found = db.session.execute(statement).unique().scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """One page of a list. `next_after` is the key for the following page, None on the last."""

    items: Sequence[M]
    next_after: str | None


def keyset_page(
    statement: Select[M],
    column: InstrumentedAttribute[Any],
    key: InstrumentedAttribute[int],
    *,
    after: str | None = None,
    size: int = 25,
    descending: bool = False,
) -> Page[M]:
    """A page in the order of (column, key), from behind `after`, which is "value~id" of the last row shown.

    `column` must be indexed and of text, integer or day; an `after` that does not parse starts at the first page.
    """
    marker = _marker(after, column)
    if marker is not None:
        pair, edge = tuple_(column, key), tuple_(*marker)
        statement = statement.where(pair < edge if descending else pair > edge)
    order = (column.desc(), key.desc()) if descending else (column, key)
    rows = list(db.session.scalars(statement.order_by(*order).limit(size + 1)).unique())
    if len(rows) <= size:
        return Page(rows, None)
    last = rows[size - 1]
    return Page(rows[:size], f"{getattr(last, column.key)}~{getattr(last, key.key)}")


def _marker(after: str | None, column: InstrumentedAttribute[Any]) -> tuple[Any, int] | None:
    value, found, number = (after or "").rpartition("~")
    if not found or not _is_row_number(number):
        return None
    if column.type.python_type is date:
        return (day, int(number)) if (day := _day(value)) else None
    if column.type.python_type is not int:
        return (value, int(number)) if "\x00" not in value else None
    return (int(value), int(number)) if _is_row_number(value) else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _is_row_number(text: str) -> bool:
    """Digits that fit a column. Length first: Python refuses to read thousands of them."""
    return len(text) <= 10 and text.isascii() and text.isdigit() and int(text) < ID_LIMIT
