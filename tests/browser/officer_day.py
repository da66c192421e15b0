"""One handover as an officer's thumb makes it: every page, tap and typed character is counted."""

from dataclasses import dataclass, field

from playwright.sync_api import Page, expect


@dataclass(slots=True)
class Effort:
    """What one handover costs the officer."""

    pages: list[str] = field(default_factory=list)
    taps: int = 0
    characters: int = 0

    @property
    def seconds(self) -> int:
        """A slow hand: two seconds to find and tap, one for each character."""
        return 2 * self.taps + self.characters


@dataclass(frozen=True, slots=True)
class Read:
    """What the officer reads on the kit, on the card, on the own phone, and knows."""

    seal: str
    serials: tuple[str, ...]
    card: str
    totp: str
    pin: str


class Thumb:
    """Uses the page as one hand does, and counts."""

    def __init__(self, page: Page) -> None:
        self.page, self.effort = page, Effort()

    def arrive_at(self, heading: str) -> None:
        expect(self.page.locator("h1")).to_contain_text(heading)
        self.effort.pages.append(heading)

    def tap(self, selector: str) -> None:
        self.page.locator(selector).first.tap()
        self.effort.taps += 1

    def type(self, selector: str, text: str) -> None:
        self.tap(selector)
        self.page.keyboard.type(text)
        self.effort.characters += len(text)


def hand_over(page: Page, read: Read) -> Effort:
    """From "My next stop" to the question for the one after it, level 1, everything typed, in English."""
    thumb = Thumb(page)
    page.goto("/deliveries/my-day")
    thumb.arrive_at("My next stop")
    thumb.tap("a[href$='/arrive']")
    thumb.arrive_at("Read the kit")
    thumb.type("input[name=seal_number]", read.seal)
    for number, serial in enumerate(read.serials):
        thumb.type(f"input[name^=serial_] >> nth={number}", serial)
    thumb.tap("form[data-send=arrival] button[type=submit]")
    thumb.arrive_at("Hand over")
    thumb.type("input[name=card]", read.card)
    thumb.type("input[name=totp]", read.totp)
    thumb.type("input[name=pin]", read.pin)
    thumb.tap("form[data-send=handover] button[type=submit]")
    expect(page.locator("main [role=status]")).to_contain_text("It is recorded")
    thumb.effort.pages.append("Handed over")
    thumb.tap("form[action$='/ask-next-stop'] button[type=submit]")
    expect(page.locator("main")).to_contain_text("You asked for your next stop")
    thumb.effort.pages.append("Asked")
    return thumb.effort
