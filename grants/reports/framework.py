"""The results framework as agreed with the donor: indicators from the database, else from the data file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data" / "indicators.json"
CODES = ("1.2a", "1.2b", "1.3a", "2.3a", "2.3b")


@dataclass(frozen=True, slots=True)
class Published:
    """A figure that a report printed, and in words where that report disagrees with itself."""

    figure: int
    source: str
    contradiction_es: str = ""
    contradiction_en: str = ""

    def contradiction(self, language: str) -> str:
        return self.contradiction_en if language == "en" else self.contradiction_es


# (year or None for the cumulative, dimension, value)
Place = tuple[int | None, str, str]


@dataclass(frozen=True, slots=True)
class Frame:
    """One row of the framework, before anybody is counted."""

    code: str
    name_es: str
    name_en: str
    baseline: int
    target: int
    published: Mapping[Place, Published]

    def name(self, language: str) -> str:
        return self.name_en if language == "en" else self.name_es


@cache
def framework_data() -> Any:
    """The data file: source, contradictions by code, indicators with their published figures."""
    return json.loads(DATA.read_text(encoding="utf-8"))


def default_frames() -> list[Frame]:
    """The framework of the data file, without published figures: those belong to one programme's people."""
    return [
        Frame(row["code"], row["name_es"], row["name_en"], row["baseline"], row["target"], {})
        for row in framework_data()["indicators"]
    ]


def whole(number: Decimal) -> int:
    """People are counted in whole numbers."""
    return int(number.to_integral_value())
