"""Charge an attempt before checking it, check a code with fixed work, and never accept it twice."""

import hmac
import math
import re
import secrets
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp
from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import ColumnElement, case, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import AttemptCounter, Factor, UsedStep
from grants.core.db import db, transaction
from grants.core.errors import RuleBroken

STEP_SECONDS = 30
WINDOW = 1  # steps accepted either side of now
DRIFT_WINDOW = 20  # steps in which a right code tells of a clock out of step: ten minutes
SEED_BYTES = 20  # RFC 4226, requirement 6: 160 bits recommended
DAY = timedelta(hours=24)
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """How many failures are borne (DELIVERY_PROTOCOL §4, NIST SP 800-63B-4 §3.2.2)."""

    free: int = 5  # then waits of 30 s, doubling to 1 h
    per_day: int | None = 10  # then suspended until somebody lifts it
    hard_stop: int = 100


CODE_LIMIT = Limit()
# A password is tried by anybody who knows an address: waits slow a guesser, and do not suspend the owner.
PASSWORD_LIMIT = Limit(per_day=None)
CARD_LIMIT = Limit(free=5, per_day=None, hard_stop=5)

# The kinds of counters that belong to an account; the subject is the user's id, or the keyed hash of an e-mail.
PASSWORD = "password"  # noqa: S105 -- the name of a counter
LOGIN_CODE = "login_code"
DELIVERY_CODE = "delivery_code"
LIMITS = {PASSWORD: PASSWORD_LIMIT, LOGIN_CODE: CODE_LIMIT, DELIVERY_CODE: CODE_LIMIT}


class TooManyAttempts(RuleBroken):
    """The secret may not be tried now."""


@dataclass(frozen=True, slots=True)
class Charge:
    """One attempt that was counted, so that exactly it can be taken back."""

    kind: str
    subject: str
    at: datetime
    generation: int
    blocked_until: datetime | None


# Whether a code was compared with what is right, since the guard asked. Set by the comparison itself.
compared: ContextVar[bool] = ContextVar("compared", default=True)


def charge(kind: str, subject: str, *, limit: Limit, now: datetime) -> Charge:
    """Count one attempt as failed, in a transaction of its own, or raise TooManyAttempts.

    One guarded UPDATE: of any number of parallel attempts, exactly the allowed number get through.
    """
    with transaction():
        _ensure_counter(kind, subject, now)
        charged = db.session.execute(
            update(AttemptCounter)
            .where(*_is(kind, subject), *_allowed(limit, now))
            .values(
                fails=AttemptCounter.fails + 1,
                day_fails=case((_day_is_over(now), 1), else_=AttemptCounter.day_fails + 1),
                day_started_at=case((_day_is_over(now), now), else_=AttemptCounter.day_started_at),
                blocked_until=case(_waits(limit, now), value=AttemptCounter.fails, else_=None),
            )
            .returning(AttemptCounter.generation, AttemptCounter.blocked_until)
            .execution_options(synchronize_session=False)
        ).one_or_none()
    if charged is None:
        raise _refusal(kind, subject, limit, now)
    return Charge(kind, subject, now, *charged)


def take_back(charges: Sequence[Charge]) -> None:
    """Nothing was compared: these attempts do not count, inside the caller's transaction. Never for one that compared.

    Each takes back itself only. What others did meanwhile stays: after failures were forgotten nothing is left of it,
    and a wait that another attempt began goes on. So nobody gets more attempts by having some taken back.
    """
    for one in sorted(charges, key=lambda one: (one.kind, one.subject)):
        own_day = AttemptCounter.day_started_at <= one.at
        db.session.execute(
            update(AttemptCounter)
            .where(*_is(one.kind, one.subject), AttemptCounter.generation == one.generation, AttemptCounter.fails > 0)
            .values(
                fails=AttemptCounter.fails - 1,
                day_fails=case((own_day & (AttemptCounter.day_fails > 0), AttemptCounter.day_fails - 1),
                               else_=AttemptCounter.day_fails),
                blocked_until=case((AttemptCounter.blocked_until == one.blocked_until, None),
                                   else_=AttemptCounter.blocked_until),
            )
            .execution_options(synchronize_session=False)
        )  # fmt: skip


def refund(kind: str, subject: str) -> None:
    """The attempt was right: forget the failures in a row, inside the caller's transaction."""
    db.session.execute(
        update(AttemptCounter)
        .where(*_is(kind, subject))
        .values(
            fails=0,
            day_fails=case((AttemptCounter.day_fails > 0, AttemptCounter.day_fails - 1), else_=0),
            blocked_until=None,
            generation=AttemptCounter.generation + 1,
        )
        .execution_options(synchronize_session=False)
    )


def is_blocked(counter: AttemptCounter, now: datetime) -> bool:
    """Whether the next attempt would be refused: waiting, or suspended until somebody lifts it."""
    limit = LIMITS.get(counter.kind, CODE_LIMIT)
    suspended = limit.per_day is not None and counter.day_fails >= limit.per_day
    waiting = counter.blocked_until is not None and counter.blocked_until > now
    return suspended or waiting or counter.fails >= limit.hard_stop


def lift(kind: str, subject: str) -> None:
    """Somebody entitled ends a suspension, inside the caller's transaction."""
    db.session.execute(
        update(AttemptCounter)
        .where(*_is(kind, subject))
        .values(fails=0, day_fails=0, blocked_until=None, generation=AttemptCounter.generation + 1)
        .execution_options(synchronize_session=False)
    )


def normal_code(entered: str, digits: int = 6) -> str | None:
    """The digits without spaces, or None. ASCII only: `\\d`, isdigit and int take full-width digits."""
    compact = re.sub(r"[ \t\u00a0-]", "", entered)
    return compact if re.fullmatch(rf"[0-9]{{{digits}}}", compact) else None


def new_seed() -> str:
    """A fresh base32 seed of 160 bits."""
    return pyotp.random_base32(length=SEED_BYTES * 8 // 5)


def matching_step(seed: str, code: str | None, now: datetime, *, window: int = WINDOW) -> int | None:
    """The time step (since 1970, 30 s each) the code belongs to. Every candidate is compared, with no early exit."""
    compared.set(True)
    current = int(now.timestamp()) // STEP_SECONDS
    totp, found = pyotp.TOTP(seed), None
    for step in range(current - window, current + window + 1):
        if hmac.compare_digest((code or "").encode(), totp.generate_otp(step).encode()):
            found = step
    return found


def use_step(factor: Factor, step: int, *, now: datetime) -> bool:
    """Record that the step's code was accepted; False if it was before. Inside the caller's transaction."""
    try:
        with db.session.begin_nested():
            db.session.execute(insert(UsedStep).values(factor_id=factor.id, step=step, used_at=now))
    except IntegrityError:
        return False
    return True


def spend_code(factor: Factor, entered: str, *, now: datetime) -> None:
    """Accept a TOTP code and use it up, or raise RuleBroken on `code`. Charge before calling this."""
    code = normal_code(entered)
    step = matching_step(factor.seed, code, now)
    if step is None:
        if matching_step(factor.seed, code, now, window=DRIFT_WINDOW) is not None:
            raise RuleBroken(
                _("That code belongs to another moment. Set your phone's clock to automatic and try the next code."),
                field="code",
            )
        raise RuleBroken(_("That code is wrong. Read the current one and try again."), field="code")
    if not use_step(factor, step, now=now):
        raise RuleBroken(_("That code was already used. Wait for the next one."), field="code")


RECOVERY_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def new_recovery_code() -> str:
    """Sixteen characters of 32, in groups: 80 bits."""
    return "-".join("".join(secrets.choice(RECOVERY_LETTERS) for _n in range(4)) for _g in range(4))


def normal_recovery_code(entered: str) -> str | None:
    """The sixteen characters without groups, or None."""
    compact = re.sub(r"[ \t\u00a0-]", "", entered).upper()
    return compact if re.fullmatch(rf"[{RECOVERY_LETTERS}]{{16}}", compact) else None


def _ensure_counter(kind: str, subject: str, now: datetime) -> None:
    if db.session.scalar(select(AttemptCounter.id).where(*_is(kind, subject))):
        return
    try:
        with db.session.begin_nested():
            db.session.execute(
                insert(AttemptCounter).values(
                    kind=kind, subject=subject, fails=0, day_fails=0, generation=0, day_started_at=now
                )
            )
    except IntegrityError:  # another worker was first
        return


def _is(kind: str, subject: str) -> tuple[ColumnElement[bool], ...]:
    return AttemptCounter.kind == kind, AttemptCounter.subject == subject


def _allowed(limit: Limit, now: datetime) -> list[ColumnElement[bool]]:
    rules: list[ColumnElement[bool]] = [
        AttemptCounter.fails < limit.hard_stop,
        or_(AttemptCounter.blocked_until.is_(None), AttemptCounter.blocked_until <= now),
    ]
    if limit.per_day is not None:
        rules.append(AttemptCounter.day_fails < limit.per_day)
    return rules


def _day_is_over(now: datetime) -> ColumnElement[bool]:
    return AttemptCounter.day_started_at < now - DAY


def _waits(limit: Limit, now: datetime) -> dict[int, datetime]:
    """Failures already counted → until when the next attempt waits."""
    return {
        fails: now + min(FIRST_WAIT * 2 ** min(fails + 1 - limit.free, 10), LONGEST_WAIT)
        for fails in range(limit.free - 1, limit.hard_stop)
    }


def _refusal(kind: str, subject: str, limit: Limit, now: datetime) -> TooManyAttempts:
    counter = db.session.scalars(
        select(AttemptCounter).where(*_is(kind, subject)).execution_options(populate_existing=True)
    ).one()
    stopped = counter.fails >= limit.hard_stop
    stopped = stopped or (limit.per_day is not None and counter.day_fails >= limit.per_day)
    if stopped or counter.blocked_until is None:
        return TooManyAttempts(_("Too many wrong attempts. Ask an administrator to unlock this."))
    minutes = max(1, math.ceil((counter.blocked_until - now).total_seconds() / 60))
    return TooManyAttempts(
        lazy_ngettext(
            "Too many wrong attempts. Try again in %(num)d minute.",
            "Too many wrong attempts. Try again in %(num)d minutes.",
            minutes,
        )
    )
