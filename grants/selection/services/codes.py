"""One-time codes: issued in person or by mail, charged before they are checked, used once for a quarter of an hour."""

import hmac
import secrets
from datetime import datetime, timedelta

from flask_babel import force_locale, gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.access.second_factor import Limit, lift
from grants.core import journal, outbox
from grants.core.clock import local_day
from grants.core.crypto import lookup_hash, token_hash
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.people.folio import ALPHABET, LOOKALIKES, normal_folio
from grants.selection import queries
from grants.selection.models import Channel, Letter, ResultCode, ResultSession
from grants.selection.services.letters import language_of

RESULT_CODE = "result_code"  # the kind of its counters
RESULT_LIMIT = Limit(free=5, per_day=None, hard_stop=5)
GROUPS, GROUP = 3, 4  # twelve of 32 characters: 60 bits
VALID_FOR = timedelta(days=7)
OPEN_FOR = timedelta(minutes=15)
# One sentence for a wrong code, a used or old one, a locked page and a folio that does not exist.
NO_MATCH = _("This folio and this code open nothing. A code works once and for seven days, and stops after five wrong "
             "attempts. Check both, or ask for a new code where you were registered.")  # fmt: skip


class WrongCode(RuleBroken):
    """The attempt was checked, and does not open anything."""


def new_code() -> str:
    """Twelve characters in groups, without those that look alike."""
    return "-".join("".join(secrets.choice(ALPHABET) for _n in range(GROUP)) for _g in range(GROUPS))


def normal_code(typed: str) -> str:
    """The code's characters without groups; look-alikes read as what was meant. Empty when it cannot be one."""
    compact = "".join(letter for letter in typed.upper() if letter.isascii() and letter.isalnum())
    compact = compact.translate(LOOKALIKES)
    return compact if len(compact) == GROUPS * GROUP else ""


def attempt_subject(folio: str) -> str:
    """To which counter an attempt is charged: the folio's, whether there is such an application or not."""
    return lookup_hash("result attempt", normal_folio(folio) or folio.strip().upper()).hex()


def _hash(folio: str, code: str) -> bytes:
    return lookup_hash("result code", f"{folio}:{code}")


def issue_code(letter: Letter, *, by_mail: bool = False, by: User, now: datetime) -> str:
    """A fresh code for the application of a released letter; the one before ends, and a locked page opens again.

    `by_mail`: send it to the person's own verified e-mail, without the folio: neither message opens anything alone.
    """
    application, code = letter.application, new_code()
    mailbox = queries.mailbox_of(application.person, local_day(now)) if by_mail else None
    if by_mail and mailbox is None:
        raise RuleBroken(_("This person has no verified e-mail of their own. Give the code in person."))
    _end_live_code(application.id, now)
    issued = ResultCode(
        application_id=application.id,
        code_hash=_hash(application.folio, normal_code(code)),
        channel=Channel.MAIL if by_mail else Channel.IN_PERSON,
        issued_by_id=by.id,
        issued_at=now,
        expires_at=now + VALID_FOR,
    )
    try:
        with db.session.begin_nested():
            db.session.add(issued)
    except IntegrityError:
        raise RuleBroken(_("Another code was issued at this moment. Reload the page.")) from None
    lift(RESULT_CODE, attempt_subject(application.folio))
    if mailbox:
        _send(mailbox, code, letter, now)
    journal.record(by, "result_code.issued", issued, at=now, application=application.id, channel=issued.channel.value)
    return code


def _end_live_code(application_id: int, now: datetime) -> None:
    live = update(ResultCode).where(ResultCode.application_id == application_id, ResultCode.ended_at.is_(None))
    db.session.execute(live.values(ended_at=now))


def _send(mailbox: str, code: str, letter: Letter, now: datetime) -> None:
    with force_locale(language_of(letter.application.person.language)):
        body = gettext(
            "Your one-time code is %(code)s.\n\nOpen %(address)s and type it together with your folio. It works once, "
            "for seven days. Do not show it to anybody: nobody of the programme will ask you for it.",
            code=code, address=letter.release.address,
        )  # fmt: skip
        outbox.add("result_code", address=mailbox, subject=gettext("Your code"), body=body, now=now)


def open_result(folio: str, code: str, *, now: datetime) -> str:
    """Use a code up and return the token of a quarter of an hour with that one application. WrongCode otherwise.

    Charge before calling this. The work is the same whether the folio exists or not.
    """
    normal = normal_folio(folio) or ""
    found = queries.live_code_of_folio(normal)
    expected, given = found.code_hash if found else bytes(32), _hash(normal, normal_code(code))
    if not (hmac.compare_digest(expected, given) and found is not None and found.expires_at > now):
        raise WrongCode(NO_MATCH)
    used = update(ResultCode).where(ResultCode.id == found.id, ResultCode.ended_at.is_(None))
    if rows_hit(db.session.execute(used.values(used_at=now, ended_at=now))) == 0:
        raise WrongCode(NO_MATCH)
    lift(RESULT_CODE, attempt_subject(folio))
    return _open_session(found, now)


def _open_session(code: ResultCode, now: datetime) -> str:
    token = secrets.token_urlsafe(32)
    opened = ResultSession(
        token_hash=token_hash(token), application_id=code.application_id, opened_at=now, expires_at=now + OPEN_FOR
    )
    db.session.add(opened)
    journal.record(None, "result.opened", opened, at=now, application=code.application_id, code=code.id)
    return token


def close_result(session: ResultSession, *, now: datetime) -> None:
    """End a browser's quarter of an hour early."""
    db.session.execute(update(ResultSession).where(ResultSession.id == session.id).values(ended_at=now))


def has_mailbox(letter: Letter, *, now: datetime) -> bool:
    """Whether a code can be sent: the person has a verified e-mail of their own."""
    return queries.mailbox_of(letter.application.person, local_day(now)) is not None
