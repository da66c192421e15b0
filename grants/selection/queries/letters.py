"""Letters of a run: from what they are written, how far telling has come, and the codes that open a result."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import joinedload

from grants.access.models import User
from grants.applications.models import Application
from grants.applications.queries import visible_to
from grants.core.crypto import token_hash
from grants.core.db import Page, db, get_or_refuse, keyset_page, one_or_refuse
from grants.core.outbox import MessageState, OutboxMessage
from grants.people.models import ContactKind, Person
from grants.selection.models import (
    Award,
    Channel,
    Letter,
    LetterRelease,
    ResultCode,
    ResultSession,
    Selection,
    SelectionRow,
    WaitingListEntry,
)

Row = TypeVar("Row", Award, WaitingListEntry)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one application of a run stands now: its row, and its award or its place on the waiting list."""

    row: SelectionRow
    award: Award | None
    entry: WaitingListEntry | None


@dataclass(frozen=True, slots=True)
class Told:
    """How far telling has come. `failed` notices did not arrive: those people are told in person."""

    letters: int
    by_mail: int
    sent: int
    failed: int
    in_person: int
    told: int


def release_of(selection_id: int) -> LetterRelease | None:
    """The release of a run's letters; None before it."""
    return db.session.scalars(
        select(LetterRelease)
        .where(LetterRelease.selection_id == selection_id)
        .options(joinedload(LetterRelease.released_by), joinedload(LetterRelease.selection).joinedload(Selection.call))
    ).first()


def standings(selection: Selection, *, only: int | None = None) -> list[Standing]:
    """Every application of a run with its person and their contact points, in the order of its rows. Four queries."""
    statement = (
        select(SelectionRow)
        .where(SelectionRow.selection_id == selection.id)
        .options(
            joinedload(SelectionRow.application)
            .joinedload(Application.person)
            .selectinload(Person.contact_points)
        )
        .order_by(SelectionRow.id)
    )  # fmt: skip
    if only is not None:
        statement = statement.where(SelectionRow.application_id == only)
    awards = _of_run(Award, selection, only)
    entries = _of_run(WaitingListEntry, selection, only)
    return [
        Standing(row, awards.get(row.application_id), entries.get(row.application_id))
        for row in db.session.scalars(statement)
    ]


def _of_run(model: type[Row], selection: Selection, only: int | None) -> dict[int, Row]:
    statement = select(model).where(model.selection_id == selection.id).order_by(model.id)
    if only is not None:
        statement = statement.where(model.application_id == only)
    return {one.application_id: one for one in db.session.scalars(statement)}


def mailbox_of(person: Person, day: date) -> str | None:
    """The newest verified e-mail that is the person's own and safe to use; None when they must be told in person."""
    for point in reversed(person.contact_points):
        if point.kind is ContactKind.EMAIL and point.is_fresh_on(day) and point.safe_to_call and not point.owner:
            return point.value
    return None


def _left_to_tell() -> ColumnElement[bool]:
    failed = select(OutboxMessage.id).where(
        OutboxMessage.id == Letter.message_id, OutboxMessage.state == MessageState.FAILED
    )
    return Letter.told_at.is_(None) & or_(Letter.channel == Channel.IN_PERSON, failed.exists())


def _letters(release: LetterRelease, *, left: bool) -> Select[Letter]:
    statement = (
        select(Letter)
        .where(Letter.release_id == release.id)
        .options(joinedload(Letter.application), joinedload(Letter.told_by))
    )
    return statement.where(_left_to_tell() if left else Letter.told_at.is_not(None))


def letters_page(release: LetterRelease, after: str | None = None, *, left: bool = True) -> Page[Letter]:
    """A page of those who are still to be told in person, or of those who were."""
    return keyset_page(_letters(release, left=left), Letter.id, Letter.id, after=after)


def letters_to_print(release: LetterRelease) -> Sequence[Letter]:
    """All letters whose people are still to be told in person, by folio."""
    statement = _letters(release, left=True).join(Letter.application).order_by(Application.folio)
    return db.session.scalars(statement).all()


def letters_to_tell(reader: User, *, limit: int) -> Sequence[Letter]:
    """The letters of applications that this reader may see, whose people are still to be told in person."""
    statement = (
        select(Letter)
        .where(_left_to_tell(), Letter.application_id.in_(visible_to(reader).with_only_columns(Application.id)))
        .options(joinedload(Letter.application))
        .order_by(Letter.id)
        .limit(limit)
    )
    return db.session.scalars(statement).all()


def told_counts(release: LetterRelease) -> Told:
    """How many letters there are, and how far telling has come. One query."""
    by_mail, in_person = Letter.channel == Channel.MAIL, Letter.channel == Channel.IN_PERSON
    statement = (
        select(
            func.count(Letter.id),
            func.count(Letter.id).filter(by_mail),
            func.count(Letter.id).filter(by_mail, OutboxMessage.state == MessageState.SENT),
            func.count(Letter.id).filter(by_mail, OutboxMessage.state == MessageState.FAILED),
            func.count(Letter.id).filter(in_person),
            func.count(Letter.id).filter(Letter.told_at.is_not(None)),
        )
        .select_from(Letter)
        .outerjoin(OutboxMessage, OutboxMessage.id == Letter.message_id)
        .where(Letter.release_id == release.id)
    )
    return Told(*db.session.execute(statement).one())


def letter_of(application_id: int) -> Letter | None:
    """The newest letter of an application."""
    return db.session.scalars(
        select(Letter)
        .where(Letter.application_id == application_id)
        .order_by(Letter.id.desc())
        .limit(1)
        .options(
            joinedload(Letter.release).joinedload(LetterRelease.selection).joinedload(Selection.call),
            joinedload(Letter.told_by),
        )
        .execution_options(populate_existing=True)
    ).first()


def get_letter_of(application_id: int, reader: User) -> Letter:
    """The newest letter of an application that this reader may see; NotFound before the letters are released."""
    get_or_refuse(Application, application_id)
    return one_or_refuse(
        select(Letter)
        .where(
            Letter.application_id.in_(visible_to(reader).with_only_columns(Application.id)),
            Letter.id == select(func.max(Letter.id)).where(Letter.application_id == application_id).scalar_subquery(),
        )
        .options(
            joinedload(Letter.application).joinedload(Application.person).selectinload(Person.contact_points),
            joinedload(Letter.release).joinedload(LetterRelease.selection).joinedload(Selection.call),
            joinedload(Letter.told_by),
            joinedload(Letter.message),
        )
        .execution_options(populate_existing=True)
    )


def live_code(application_id: int) -> ResultCode | None:
    """The code that an applicant could still use, as far as its time goes."""
    return db.session.scalars(
        select(ResultCode)
        .where(ResultCode.application_id == application_id, ResultCode.ended_at.is_(None))
        .options(joinedload(ResultCode.issued_by))
    ).first()


def live_code_of_folio(folio: str) -> ResultCode | None:
    """The code that goes with a folio; the same one query whether the folio exists or not."""
    return db.session.scalars(
        select(ResultCode)
        .join(ResultCode.application)
        .where(Application.folio == folio, ResultCode.ended_at.is_(None))
        .execution_options(populate_existing=True)
    ).first()


def open_result(token: str, now: datetime) -> ResultSession | None:
    """The quarter of an hour behind a browser's token, while it lasts."""
    return db.session.scalars(
        select(ResultSession).where(
            ResultSession.token_hash == token_hash(token),
            ResultSession.ended_at.is_(None),
            ResultSession.expires_at > now,
        )
    ).first()
