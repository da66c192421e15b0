"""`grants desk …`: the security desk's own commands. They need no database and no keys of the server."""

import os
import select
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from grants.config import instance_path
from grants.core.clock import utcnow
from grants.core.crypto import write_private
from grants.delivery.desk import book as books
from grants.delivery.desk import terminal
from grants.delivery.desk.book import Book, BookUnreadable
from grants.delivery.desk.boxes import PassphraseWrong, is_protected, load_private, new_desk_keys, unseal
from grants.delivery.desk.screen import about, clock
from grants.delivery.desk.server import SealedBox, Server, ServerSilent, box_in, over_http
from grants.delivery.desk.watch import Watch, take
from grants.delivery.desk.words import _
from grants.delivery.signals import BOX_BYTES, PUBLIC_KEY_FILE, DeskKeyUnusable, Kind

PATH = click.Path(dir_okay=False, path_type=Path)
LOOK_EVERY = 15
Command = Callable[..., None]


@dataclass(slots=True)
class Mine:
    """The desk's key and its book."""

    key: X25519PrivateKey
    path: Path
    book: Book

    def held(self) -> AbstractContextManager[Book]:
        """The book, to be changed while no other command does."""
        return books.held(self.book, self.path, self.key)


@click.group("desk", help="The security desk: its keys, its signals, its cases.")
def group() -> None:
    """The security desk's own machine."""


def with_key(command: Command) -> Command:
    """Open the private key and the book, and hand them over as `mine`."""

    @click.option("--private", "private_path", required=True, type=PATH, envvar="GRANTS_DESK_PRIVATE",
                  help="The desk's private key.")  # fmt: skip
    @click.option("--book", "book_path", type=PATH, help="The desk's encrypted file. Beside the key unless said.")
    @wraps(command)
    def opened(private_path: Path, book_path: Path | None, **more: Any) -> None:
        key, path = _key(private_path), book_path or private_path.with_suffix(".book")
        try:
            command(mine=Mine(key, path, books.load(path, key)), **more)
        except BookUnreadable as error:
            raise click.ClickException(_("The desk's file belongs to another key, or was changed.")) from error

    return opened


def with_server(command: Command) -> Command:
    """Hand over the server, asked with the desk's token."""

    @click.option("--server", "base", required=True, envvar="GRANTS_DESK_SERVER", help="https://… of the installation.")
    @click.option("--token-file", required=True, type=PATH, envvar="GRANTS_DESK_TOKEN_FILE",
                  help="A file with the token of the desk's account.")  # fmt: skip
    @wraps(command)
    def opened(base: str, token_file: Path, **more: Any) -> None:
        try:
            command(server=Server(over_http(base, _read(token_file).decode().strip())), **more)
        except ServerSilent as error:
            raise click.ClickException(_("The server does not answer: %(why)s", why=error)) from error

    return opened


@group.command("keygen")
@click.option("--private", "private_path", required=True, type=PATH, help="Where the private key goes (0600).")
@click.option("--public", "public_path", type=PATH, help="Where the public key goes. The instance folder unless said.")
@click.option("--passphrase/--no-passphrase", default=False, help="Ask for words that protect the private key.")
def keygen(private_path: Path, public_path: Path | None, passphrase: bool) -> None:
    """Make the desk's keys: the private one at PATH, the public one to carry to the server."""
    public_path = public_path or instance_path() / PUBLIC_KEY_FILE
    if public_path.exists() or private_path.exists():
        raise click.ClickException(_("There is a key already. Nothing was changed."))
    words = click.prompt(_("Passphrase"), hide_input=True, confirmation_prompt=True) if passphrase else ""
    private, public = new_desk_keys(words.encode() or None)
    write_private(private_path, private.decode())
    write_private(public_path, public.decode())
    click.echo(_("Both keys are made. Carry the public one to the server; keep the private one in two safe places."))


@group.command("open")
@click.argument("places", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@with_key
def open_boxes(places: tuple[Path, ...], mine: Mine) -> None:
    """Open boxes from neutral messages or an export: files, or folders of files."""
    found = {place: list(_boxes_in(place)) for place in places}
    boxes = [box for there in found.values() for box in there]
    _list(mine, [SealedBox(0, box) for box in dict.fromkeys(boxes)])
    if empty := [place.name for place, there in found.items() if not there]:
        raise click.ClickException(_("There is no box in %(files)s. Save the message whole, and try again.",
                                     files=", ".join(empty)))  # fmt: skip


@group.command("fetch")
@click.option("--after", default=0, show_default=True, help="Only signals after this number.")
@with_server
@with_key
def fetch(after: int, server: Server, mine: Mine) -> None:
    """Fetch every box after a number from the server and open it."""
    _list(mine, server.signals(after=after))


@group.command("watch")
@click.option("--once", is_flag=True, help="Look once, wait for Enter where handovers wait for it, and end.")
@with_server
@with_key
def watch(once: bool, server: Server, mine: Mine) -> None:
    """Look at the server again and again; ring on an alarm. Enter says that somebody is here."""
    looking = Watch(server, mine.key, mine.path)
    while True:
        view = looking.look(utcnow())
        for case in view.new_cases:
            click.echo(about(case))
        if view.trouble:
            click.echo(_("! The server does not answer: %(why)s", why=view.trouble), err=True)
        if view.rings:
            click.echo("\a" + _("! Open cases: %(cases)d. Waiting to be acknowledged: %(waiting)d. Press Enter.",
                                cases=len(view.book.open_cases), waiting=len(view.shown)))  # fmt: skip
        if once and not view.shown:
            return
        if _enter_within(None if once else LOOK_EVERY):
            view.key_pressed()
        elif once:
            return


@group.command("tui")
@with_server
@with_key
def tui(server: Server, mine: Mine) -> None:
    """The desk's screen: alarms, cases, questions for the next stop, risk levels that end, the worker's beat."""
    terminal.show(Watch(server, mine.key, mine.path), utcnow)


@group.group("cases", help="Cases, kept in the desk's own encrypted file only.")
def cases() -> None:
    """Cases of the desk."""


@cases.command("list")
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@with_key
def list_cases(everything: bool, mine: Mine) -> None:
    """Open cases, alarms first."""
    found = mine.book.cases if everything else mine.book.open_cases
    for case in found:
        state = "" if case.is_open else "  " + _("closed")
        click.echo("\n".join([about(case) + state, *(f"    {note}" for note in case.notes)]))
    if not found:
        click.echo(_("No open case."))


@cases.command("open")
@click.argument("title")
@with_key
def open_case(title: str, mine: Mine) -> None:
    """Open a case by hand: a call, a rumour, a missed check-in."""
    with mine.held() as book:
        case = book.open_case(title, now=utcnow())
    click.echo(about(case))


@cases.command("note")
@click.argument("number", type=int)
@click.argument("text")
@with_key
def note_case(number: int, text: str, mine: Mine) -> None:
    """Add a note to a case."""
    with mine.held() as book:
        _case(book, number).notes.append(f"{books.stamp(utcnow())} {text}")


@cases.command("close")
@click.argument("number", type=int)
@click.argument("note")
@with_key
def close_case(number: int, note: str, mine: Mine) -> None:
    """Close a case with a last note: what was done, and who knows."""
    with mine.held() as book:
        case, at = _case(book, number), books.stamp(utcnow())
        case.notes.append(f"{at} {note}")
        case.closed_at = at


def _enter_within(seconds: float | None) -> bool:
    """Whether Enter was pressed from now on; waits for it without end where no time is said. False with no keyboard."""
    with suppress(termios.error, ValueError, OSError):
        termios.tcflush(sys.stdin, termios.TCIFLUSH)  # an Enter from before the last lines were shown says nothing
    if seconds is not None and not select.select([sys.stdin], [], [], seconds)[0]:
        return False
    if sys.stdin.readline():
        return True
    time.sleep(seconds or 0)
    return False


def _case(book: Book, number: int) -> books.Case:
    case = book.case(number)
    if case is None or not case.is_open:
        raise click.ClickException(_("There is no open case %(number)d.", number=number))
    return case


def _list(mine: Mine, boxes: list[SealedBox]) -> None:
    """One line for each box, alarms marked, and a case for each alarm that is new."""
    closed = 0
    with mine.held() as book:
        for sealed in boxes:
            take(sealed, mine.key, book, now=utcnow())
    for sealed in boxes:
        try:
            facts = unseal(sealed.box, mine.key)
        except ValueError:
            closed += 1
            continue
        alarm = _("ALARM") if facts.is_alarm else _("normal")
        word = f"{_('DRILL')} {alarm}" if facts.kind is Kind.DRILL else alarm
        number = sealed.id or "-"
        click.echo(f"{number}\t{clock(facts.at)}\t{facts.delivery_id}\t{facts.officer_id}\t{word}")
    if closed:
        raise click.ClickException(_("Boxes that do not open with this key: %(count)d", count=closed))


def _boxes_in(place: Path) -> Iterator[bytes]:
    """Boxes of a message, of a file with one a line, or of all files of a folder, in the order of their names."""
    for file in sorted(place.iterdir()) if place.is_dir() else [place]:
        if file.is_file():
            text = file.read_text(errors="replace")
            pieces = text.splitlines() if text.startswith("{") else [text]
            yield from (box for piece in pieces if (box := box_in(piece, BOX_BYTES)) is not None)


def _key(path: Path) -> X25519PrivateKey:
    pem = _read(path)
    words = os.environ.get("GRANTS_DESK_PASSPHRASE", "")
    if is_protected(pem) and not words:
        words = click.prompt(_("Passphrase"), hide_input=True, err=True)
    try:
        return load_private(pem, words.encode() or None)
    except PassphraseWrong as error:
        raise click.ClickException(_("The passphrase is wrong.")) from error
    except DeskKeyUnusable as error:
        raise click.ClickException(_("This is no private key of a desk.")) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise click.ClickException(_("%(file)s cannot be read.", file=path.name)) from error
