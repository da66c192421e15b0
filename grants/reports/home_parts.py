"""What a home page is made of."""

from collections.abc import Sequence
from dataclasses import dataclass

SHOWN = 8


@dataclass(frozen=True, slots=True)
class Figure:
    value: str
    name: str
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    title: str
    href: str
    detail: str = ""
    state: str = ""
    tone: str = "quiet"
    button: tuple[str, str] | None = None  # (text, address): the act that the line asks for


@dataclass(frozen=True, slots=True)
class Section:
    """A question of the role, answered. `nothing` is (title, sentence) where there is nothing to do."""

    title: str
    lines: Sequence[Line] = ()
    figures: Sequence[Figure] = ()
    nothing: tuple[str, str] | None = None
    action: tuple[str, str] | None = None
