"""What was typed at a handover, and how it is read: ASCII digits of one number, or nothing (DELIVERY_PROTOCOL §4.1)."""

from dataclasses import dataclass

from grants.access.second_factor import normal_code
from grants.delivery.symbols import CODE_DIGITS

TOTP_DIGITS = 6
PIN_DIGITS = 4
SPOKEN_DIGITS = 8
SHORTEST_KEY = 16
KEY_PATTERN = r"[A-Za-z0-9_-]{16,80}"  # an idempotency key, as the doors take it: random, or the codes could be tried
LONGEST_CODE = 40  # as typed, with spaces


@dataclass(frozen=True, slots=True, repr=False)  # a traceback must not show it
class Codes:
    """Every factor that a level may ask for; empty what it does not."""

    totp: str
    pin: str
    card: str = ""
    phone: str = ""  # factor C, instead of the card
    second_officer: int | None = None
    second_totp: str = ""
    second_pin: str = ""
    control: str = ""

    @property
    def are_by_phone(self) -> bool:
        """Whether the sent code stands in place of the card's."""
        return bool(self.phone.strip())

    def normal(self) -> list[str]:
        """All of them in one order, without spaces: what makes two requests the same."""
        given = (
            (self.totp, TOTP_DIGITS), (self.pin, PIN_DIGITS), (self.card, CODE_DIGITS), (self.phone, SPOKEN_DIGITS),
            (self.second_totp, TOTP_DIGITS), (self.second_pin, PIN_DIGITS), (self.control, SPOKEN_DIGITS),
        )  # fmt: skip
        codes = [normal_code(entered, digits) or entered.strip() for entered, digits in given]
        return [*codes, str(self.second_officer or "")]
