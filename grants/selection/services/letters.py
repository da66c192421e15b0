"""Letters: released all together and once; who was told in person, when and by whom."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from flask_babel import force_locale
from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal, outbox
from grants.core.clock import PROGRAMME_ZONE, local_day
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.selection import queries
from grants.selection.models import (
    Channel,
    Letter,
    LetterKind,
    LetterRelease,
    Selection,
    SelectionState,
)
from grants.selection.queries import Reasons, Standing
from grants.selection.services.sentences import kind_of, letter_text, notice_subject, notice_text

APPEAL_DAYS = 10
DECISION_DAYS = 15
DAYS = range(1, 61)
LANGUAGES = ("es", "en")


@dataclass(frozen=True, slots=True)
class Preview:
    """A letter of one kind as somebody would read it, and how many there will be."""

    kind: LetterKind
    letters: int
    paragraphs: Sequence[str]


def end_of_day(now: datetime, days: int) -> datetime:
    """The last second of the day so many days from now, where the programme works."""
    return datetime.combine(local_day(now) + timedelta(days=days), time(23, 59, 59), PROGRAMME_ZONE)


def preview_letters(selection: Selection, *, language: str, now: datetime) -> list[Preview]:
    """One letter of each kind that this run has, written as it would be released now. Writes nothing."""
    release = _release(selection, APPEAL_DAYS, DECISION_DAYS, "", None, now)
    by_kind: dict[LetterKind, list[Standing]] = {}
    for standing in queries.standings(selection):
        by_kind.setdefault(kind_of(standing), []).append(standing)
    reasons = queries.reasons_of(selection)
    with force_locale(language):
        return [
            Preview(kind, len(found), letter_text(found[0], reasons, release).split("\n\n"))
            for kind in LetterKind
            if (found := by_kind.get(kind))
        ]


def release_letters(
    selection: Selection, *, appeal_days: int, decision_days: int, address: str, by: User, now: datetime
) -> LetterRelease:
    """Release the letters of a published run, all of them in the caller's transaction: the clock of appeals starts.

    `address`: the page where a folio and a code open the result.
    """
    if selection.state is not SelectionState.PUBLISHED:
        raise RuleBroken(_("Publish the run first: letters say what was published."))
    for field, days in (("appeal_days", appeal_days), ("decision_days", decision_days)):
        if days not in DAYS:
            raise RuleBroken(_("Give between 1 and 60 days."), field=field)
    release = _release(selection, appeal_days, decision_days, address, by, now)
    try:
        with db.session.begin_nested():
            db.session.add(release)
    except IntegrityError:
        raise RuleBroken(_("The letters of this run were released already. Nobody was told twice.")) from None
    written = _write(release, queries.standings(selection), now)
    journal.record(by, "letters.released", release, at=now, selection=selection.id, letters=written)
    return release


def _release(
    selection: Selection, appeal_days: int, decision_days: int, address: str, by: User | None, now: datetime
) -> LetterRelease:
    return LetterRelease(
        selection_id=selection.id,
        selection=selection,
        appeal_days=appeal_days,
        appeals_until=end_of_day(now, appeal_days),
        decision_days=decision_days,
        address=address,
        released_by_id=by.id if by else None,
        released_at=now,
    )


def _write(release: LetterRelease, standings: Iterable[Standing], now: datetime) -> int:
    """A letter each; the languages one after the other, because changing it for each reader is slow."""
    reasons, written = queries.reasons_of(release.selection), 0
    by_language: dict[str, list[Standing]] = {}
    for standing in standings:
        by_language.setdefault(language_of(standing.row.application.person.language), []).append(standing)
    for language, found in sorted(by_language.items()):
        with force_locale(language):
            db.session.add_all(_letter(release, one, reasons, language, now) for one in found)
            written += len(found)
    db.session.flush()
    return written


def language_of(spoken: str) -> str:
    """The language of a person's letter: theirs where there is one, else Spanish."""
    return spoken if spoken in LANGUAGES else LANGUAGES[0]


def _letter(release: LetterRelease, standing: Standing, reasons: Reasons, language: str, now: datetime) -> Letter:
    application = standing.row.application
    mailbox = queries.mailbox_of(application.person, local_day(now))
    letter = Letter(
        release=release,
        application_id=application.id,
        kind=kind_of(standing),
        channel=Channel.MAIL if mailbox else Channel.IN_PERSON,
        language=language,
        created_at=now,
    )
    letter.body = letter_text(standing, reasons, release)
    if mailbox:
        text = notice_text(application.folio, release)
        letter.message = outbox.add("result", address=mailbox, subject=notice_subject(), body=text, now=now)
    return letter


def tell_change(application_id: int, selection: Selection, *, now: datetime) -> Letter | None:
    """A new letter for somebody whose standing changed after the release; None when there is nothing new to tell."""
    release, known = queries.release_of(selection.id), queries.letter_of(application_id)
    standing = next(iter(queries.standings(selection, only=application_id)), None)
    if release is None or standing is None or known is None or known.kind is kind_of(standing):
        return None
    language = language_of(standing.row.application.person.language)
    with force_locale(language):
        letter = _letter(release, standing, queries.reasons_of(selection), language, now)
    db.session.add(letter)
    return letter


def record_told(letter: Letter, *, by: User, now: datetime) -> None:
    """Record that the person was told face to face, once."""
    guarded = update(Letter).where(Letter.id == letter.id, Letter.told_at.is_(None))
    if rows_hit(db.session.execute(guarded.values(told_at=now, told_by_id=by.id))) == 0:
        raise RuleBroken(_("This person was told already. Reload the page to see when and by whom."))
    journal.record(by, "letter.told", letter, at=now, application=letter.application_id)
