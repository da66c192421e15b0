"""The factors that a level asks for: gathered, checked with fixed work, and used up (DELIVERY_PROTOCOL §1 and §4).

Whether the card or the sent code is given is no secret, and neither is the level. Which PIN of a family and which
picture it was are: nothing here does more or less because of them.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import update

from grants.access.models import Factor, User
from grants.access.second_factor import DRIFT_WINDOW, matching_step, normal_code, use_step
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.levels import HIGHEST, Factors
from grants.delivery.models import ControlCode, Delivery, OfficerPin, PhoneCode, SymbolCard
from grants.delivery.services.entered import PIN_DIGITS, SPOKEN_DIGITS, TOTP_DIGITS, Codes
from grants.delivery.services.pins import FAMILY_DIGITS
from grants.delivery.symbols import CODE_DIGITS, HASH_BYTES, HashCost, matching_position, slow_hash

Spoken = ControlCode | PhoneCode


@dataclass(frozen=True, slots=True)
class Staff:
    """An officer with both halves of factor A."""

    user: User
    factor: Factor
    pin: OfficerPin


@dataclass(frozen=True, slots=True)
class Asked:
    """What this delivery takes, at its level and by the chosen way."""

    level: Factors
    digest: str | None
    first: Staff
    second: Staff | None
    card: SymbolCard
    by_phone: bool
    spoken: Spoken | None  # the control-room code, or the one sent by phone


@dataclass(frozen=True, slots=True)
class Found:
    """What the fixed work found."""

    step: int | None
    second_step: int | None
    position: int | None
    pins_fit: bool
    spoken_fits: bool
    clock_is_off: bool
    pin_is_true: bool
    second_pin_is_true: bool

    @property
    def all_right(self) -> bool:
        steps = (self.step is not None) & (self.second_step is not None)
        return steps & (self.position is not None) & self.pins_fit & self.spoken_fits


def factors_of(delivery: Delivery) -> Factors:
    """What the delivery's own level asks for."""
    return queries.rules(delivery.level or HIGHEST).factors


def second_of(delivery: Delivery, codes: Codes) -> User | None:
    """The second officer, where the level asks for one; RuleBroken when the chosen one cannot be it."""
    if factors_of(delivery) is Factors.A_B:
        return None
    chosen = next((one for one in queries.second_officers(delivery) if one.id == codes.second_officer), None)
    if chosen is None:
        raise RuleBroken(
            _("Choose another officer of your team, who did no other part of this delivery."), field="second_officer"
        )
    return chosen


def card_of(delivery: Delivery, codes: Codes) -> SymbolCard:
    """The receiver's card: ready to serve, or at least to be ended when the code by phone stands in its place."""
    card = queries.live_card(delivery.award_id)
    if card is None or card.used_at or not (card.is_ready or is_by_phone(delivery, codes)):
        raise RuleBroken(_("This person has no ready symbol card. Do not hand over; bring the kit back."))
    return card


def is_by_phone(delivery: Delivery, codes: Codes) -> bool:
    """Factor C: at level 1, and only the beneficiary in person."""
    if not codes.are_by_phone:
        return False
    if factors_of(delivery) is not Factors.A_B or delivery.alternate is not None:
        raise RuleBroken(_("This delivery takes the code of the card. A code by phone does not serve."), field="phone")
    if codes.card.strip():
        raise RuleBroken(_("Write the code of the card or the one that was sent, not both."), field="phone")
    return True


def gather(delivery: Delivery, codes: Codes, *, by: User) -> Asked:
    """Everything to compare with, loaded before anything is compared."""
    level, second, by_phone = factors_of(delivery), second_of(delivery, codes), is_by_phone(delivery, codes)
    spoken: Spoken | None = None
    if level is Factors.TWO_A_B_CONTROL:
        spoken = queries.live_code(ControlCode, delivery)
    elif by_phone:
        spoken = queries.live_code(PhoneCode, delivery)
    return Asked(
        level, delivery.digest, staff(by), staff(second) if second else None, card_of(delivery, codes), by_phone, spoken
    )


def staff(user: User) -> Staff:
    """The officer's own halves; RuleBroken while one of them is not set."""
    factor, pin = queries.delivery_factor(user), queries.pin_of(user)
    if factor is None or pin is None:
        raise RuleBroken(_("Set your PIN and your delivery code first, on your own page."))
    return Staff(user, factor, pin)


def check(asked: Asked, codes: Codes, *, now: datetime) -> Found:
    """Every candidate of every factor is compared, with no early exit."""
    totp = normal_code(codes.totp, TOTP_DIGITS)
    step = matching_step(asked.first.factor.seed, totp, now)
    drifted = matching_step(asked.first.factor.seed, totp, now, window=DRIFT_WINDOW)
    is_true, is_of_family = _compare_pin(asked.first.pin, codes.pin)
    second_step, second_true, second_of_family = _check_second(asked, codes, now)
    return Found(
        step,
        second_step,
        _position(asked, codes),
        is_of_family & second_of_family,
        _spoken_fits(asked, codes, now),
        (step is None) & (drifted is not None),
        is_true,
        second_true,
    )


def use_up(asked: Asked, found: Found, *, now: datetime) -> bool:
    """Use every factor up; False when one was used before. Of any number of parallel requests one gets through."""
    steps = [(asked.first.factor, found.step or 0)]
    if asked.second is not None:
        steps.append((asked.second.factor, found.second_step or 0))
    # In one order, so that two officers who confirm for each other do not wait for each other.
    fresh = [use_step(factor, step, now=now) for factor, step in sorted(steps, key=lambda one: one[0].id)]
    spent = _use_spoken(asked.spoken, asked.digest, now) if asked.spoken is not None else True
    used = db.session.execute(
        update(SymbolCard)
        .where(SymbolCard.id == asked.card.id, SymbolCard.used_at.is_(None), SymbolCard.replaced_at.is_(None))
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    return all(fresh) and spent and rows_hit(used) == 1


def _check_second(asked: Asked, codes: Codes, now: datetime) -> tuple[int | None, bool, bool]:
    """Step, true PIN, PIN of the family. At level 2 the second officer gives no PIN; at level 1 there is none."""
    if asked.second is None:
        return 0, True, True
    step = matching_step(asked.second.factor.seed, normal_code(codes.second_totp, TOTP_DIGITS), now)
    if asked.level is not Factors.TWO_A_B_CONTROL:
        return step, True, True
    return (step, *_compare_pin(asked.second.pin, codes.second_pin))


def _compare_pin(pin: OfficerPin, entered: str) -> tuple[bool, bool]:
    """Whether it is the true one, and whether it is of the family."""
    true_pin, typed = str(pin.pin).encode(), (normal_code(entered, PIN_DIGITS) or "").encode()
    is_true = hmac.compare_digest(typed, true_pin)
    return is_true, hmac.compare_digest(typed[:FAMILY_DIGITS], true_pin[:FAMILY_DIGITS])


def _position(asked: Asked, codes: Codes) -> int | None:
    """Which picture's code was entered. The code by phone carries no sign: it counts as the true one."""
    if asked.by_phone:
        return int(asked.card.true_picture or "0")
    entered = normal_code(codes.card, CODE_DIGITS)
    return matching_position(entered, asked.card.code_hashes, asked.card.salt, _cost(asked.card))


def _spoken_fits(asked: Asked, codes: Codes, now: datetime) -> bool:
    """The same work whether a code was given or not."""
    is_control = asked.level is Factors.TWO_A_B_CONTROL
    if not is_control and not asked.by_phone:
        return True
    entered = normal_code(codes.control if is_control else codes.phone, SPOKEN_DIGITS)
    against: Spoken | SymbolCard = asked.spoken or asked.card
    hashed = slow_hash(entered or "", against.salt, _cost(against))
    stored = asked.spoken.code_hash if asked.spoken is not None else bytes(HASH_BYTES)
    serves = asked.spoken is not None and asked.spoken.serves(asked.digest, now)
    return hmac.compare_digest(hashed, stored) & serves


def _use_spoken(spoken: Spoken, digest: str | None, now: datetime) -> bool:
    table = type(spoken)
    used = db.session.execute(
        update(table)
        .where(table.id == spoken.id, table.used_at.is_(None), table.ended_at.is_(None), table.expires_at > now,
               table.digest == digest)
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return rows_hit(used) == 1


def _cost(row: Spoken | SymbolCard) -> HashCost:
    return HashCost(row.hash_memory_kib, row.hash_time_cost)
