"""What each risk level asks for (DELIVERY_PROTOCOL §2): starting values, which an administrator can change."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _

LEVELS = (1, 2, 3)
HIGHEST = 3
LEVEL_NAMES = {1: _("Low"), 2: _("Medium"), 3: _("High")}


class Factors(StrEnum):
    """What a confirmation takes. A: the officer's code and PIN; B: the beneficiary's card."""

    A_B = "a_b"  # or C instead of B
    A_B_SECOND = "a_b_second"  # and a second officer's code
    TWO_A_B_CONTROL = "two_a_b_control"  # A from two officers, B, and a control-room code


FACTOR_NAMES = {
    Factors.A_B: _("The officer's code and PIN, and the card or a spoken code"),
    Factors.A_B_SECOND: _("The officer's code and PIN, the card, and a second officer's code"),
    Factors.TWO_A_B_CONTROL: _("Codes and PINs of two officers, the card, and the control room's code"),
}


class Monitoring(StrEnum):
    """Who is visited after the delivery."""

    SAMPLE = "sample"
    ALL = "all"  # once, day 7 to 14
    ALL_TWICE = "all_twice"  # and again, day 45 to 60


MONITORING_NAMES = {
    Monitoring.SAMPLE: _("A sample"),
    Monitoring.ALL: _("Everybody, day 7 to 14"),
    Monitoring.ALL_TWICE: _("Everybody, day 7 to 14 and 45 to 60"),
}


@dataclass(frozen=True, slots=True)
class LevelRules:
    """One column of the table. Times in minutes before the stop, money in whole USD; None: not at this level."""

    level: int
    hold_by_default: bool  # the field only with the security desk and the director
    factors: Factors
    offline_hours: int | None
    cap_usd: int  # value in transit of one team
    zone_minutes: int | None  # when the beneficiary learns the zone, where that is before the place
    place_minutes: int  # when the beneficiary learns the place
    officer_minutes: int  # when the officer may see a stop
    one_stop: bool  # only the next one
    by_asking: bool  # each stop is asked for
    check_in_minutes: int | None  # None: at each stop
    photo: bool  # of kit and seal only
    alternate_hours: int | None  # how long before the stop an alternate collector must be registered
    monitoring: Monitoring
    snapshot_hours: int  # how long a snapshot holds

    @property
    def snapshot_lasts(self) -> timedelta:
        return timedelta(hours=self.snapshot_hours)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> "LevelRules":
        """The inverse of `as_json`."""
        words = {"factors": Factors(said["factors"]), "monitoring": Monitoring(said["monitoring"])}
        return cls(**{**said, **words})


DEFAULT_LEVELS = {
    1: LevelRules(
        level=1, hold_by_default=False, factors=Factors.A_B, offline_hours=48, cap_usd=7_000, zone_minutes=None,
        place_minutes=24 * 60, officer_minutes=12 * 60, one_stop=False, by_asking=False, check_in_minutes=None,
        photo=True, alternate_hours=24, monitoring=Monitoring.SAMPLE, snapshot_hours=7 * 24,
    ),
    2: LevelRules(
        level=2, hold_by_default=False, factors=Factors.A_B_SECOND, offline_hours=12, cap_usd=2_800,
        zone_minutes=24 * 60, place_minutes=2 * 60, officer_minutes=2 * 60, one_stop=True, by_asking=False,
        check_in_minutes=60, photo=True, alternate_hours=72, monitoring=Monitoring.ALL, snapshot_hours=24,
    ),
    3: LevelRules(
        level=3, hold_by_default=True, factors=Factors.TWO_A_B_CONTROL, offline_hours=None, cap_usd=1_400,
        zone_minutes=None, place_minutes=30, officer_minutes=30, one_stop=True, by_asking=True, check_in_minutes=20,
        photo=False, alternate_hours=None, monitoring=Monitoring.ALL_TWICE, snapshot_hours=12,
    ),
}  # fmt: skip
