"""One look at the server: open what is new, open cases, acknowledge, answer.

To the server every look is the same, whatever the boxes say. A box is acknowledged after somebody pressed a key with it
on the screen, and not before; questions are answered as soon as their time has come.
"""

import contextlib
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from grants.delivery.desk import book as books
from grants.delivery.desk.answers import decide
from grants.delivery.desk.book import Book, Case
from grants.delivery.desk.boxes import unseal
from grants.delivery.desk.server import Area, Question, SealedBox, Server, ServerSilent
from grants.delivery.desk.words import _
from grants.delivery.signals import Facts, Kind

AGAIN = 20  # boxes read once more: a lower number may be written after a higher one
RECENT = timedelta(hours=36)  # a trip of today or one that began yesterday: its alarms may still answer a question


@dataclass(slots=True)
class View:
    """What the last looks found, for the screen."""

    book: Book
    questions: list[Question] = field(default_factory=list)
    proposed: dict[int, str] = field(default_factory=dict)
    chosen: dict[int, str] = field(default_factory=dict)  # by the operator, instead of what is proposed
    areas: list[Area] = field(default_factory=list)
    shown: set[int] = field(default_factory=set)  # boxes on the screen that wait for a key
    heard: set[int] = field(default_factory=set)  # boxes that a key was pressed for
    worker_at: datetime | None = None
    contact_at: datetime | None = None
    trouble: str = ""
    new_cases: list[Case] = field(default_factory=list)

    @property
    def rings(self) -> bool:
        """Boxes that wait for a key, whatever they say; or a case that is new here."""
        return bool(self.shown or self.new_cases)

    def key_pressed(self) -> None:
        """Somebody is here, with all of this before them."""
        self.heard |= self.shown
        self.shown = set()


class Watch:
    """The desk's key and book, and a server to look at."""

    def __init__(self, server: Server, key: X25519PrivateKey, path: Path) -> None:
        self._server, self._key, self._path = server, key, path
        self.view = View(books.load(path, key))

    def look(self, now: datetime) -> View:
        """One look. A silent server leaves everything as it was and says so."""
        self.view.new_cases = []
        try:
            self._boxes(now)
            self._questions(now)
            self.view.worker_at = self._server.heartbeat()
            self.view.areas = self._server.areas()
            self.view.contact_at, self.view.trouble = now, ""
        except ServerSilent as error:
            self.view.trouble = str(error)
        finally:
            self.keep()
        return self.view

    def keep(self) -> None:
        """Write the book."""
        with self._held():
            pass

    def _held(self) -> AbstractContextManager[Book]:
        return books.held(self.view.book, self._path, self._key)

    def _boxes(self, now: datetime) -> None:
        """All boxes since the last one that this book knows, because another tool may have acknowledged them."""
        waiting = set(self._server.signals(waiting=True))
        since = set(self._server.signals(after=max(0, self.view.book.last - AGAIN)))
        # Kept before the server hears of it.
        with self._held() as book:
            if book.last < 0:  # a new book, maybe of a new key: what others were done with before it opens no case
                for sealed in since - waiting:
                    remember(sealed, self._key, book, now=now)
            for sealed in sorted(waiting | since, key=lambda one: one.id):
                case = take(sealed, self._key, book, now=now)
                if case is not None:
                    self.view.new_cases.append(case)
            book.last = max(book.last, 0, *(sealed.id for sealed in waiting | since))
        self._acknowledge({sealed.id for sealed in waiting})

    def _acknowledge(self, waiting: set[int]) -> None:
        """Those that a key was pressed for. The others are on the screen from now on."""
        view = self.view
        view.heard &= waiting
        view.shown = waiting - view.heard
        self._server.acknowledge(sorted(view.heard))
        view.heard = set()

    def _questions(self, now: datetime) -> None:
        view = self.view
        asked = self._server.questions()
        with self._held() as book:
            for question in asked:
                view.proposed[question.id] = view.chosen.get(question.id) or decide(question, book)
        view.questions = [one for one in asked if one.answerable_at > now or not self._answered(one)]

    def _answered(self, question: Question) -> bool:
        """Answered now, or by somebody on the desk's page."""
        with contextlib.suppress(ServerSilent):
            self._server.answer(question, self.view.proposed[question.id])
            return True
        return False


def take(sealed: SealedBox, key: X25519PrivateKey, book: Book, *, now: datetime) -> Case | None:
    """Open a box that was not seen before; a case when it is an alarm or does not open."""
    if book.has_seen(sealed.box):
        return None
    try:
        facts = unseal(sealed.box, key)
    except ValueError:
        book.take(sealed.box, None)
        return book.open_case(_("A box does not open with this key"), now=now)
    book.take(sealed.box, facts)
    return book.open_case(title_of(facts), now=now, facts=facts) if facts.is_alarm else None


def remember(sealed: SealedBox, key: X25519PrivateKey, book: Book, *, now: datetime) -> None:
    """What others were done with opens no case and rings for nobody, but a recent alarm still counts for answers."""
    if book.has_seen(sealed.box):
        return
    with contextlib.suppress(ValueError):
        facts = unseal(sealed.box, key)
        if now - facts.at <= RECENT:
            book.take(sealed.box, facts)
            return
    book.skip([sealed.box])


def title_of(facts: Facts) -> str:
    """What an alarm is called: who called, and whether it is a drill."""
    called = []
    if facts.picture_used != facts.picture_true:
        called.append(_("another picture"))
    if not facts.pin_is_true:
        called.append(_("another PIN"))
    if not facts.second_pin_is_true:
        called.append(_("another PIN of the second officer"))
    word = _("DRILL") if facts.kind is Kind.DRILL else _("ALARM")
    return f"{word}: {', '.join(called)}"
