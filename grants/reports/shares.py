"""Indicators that are a share of those who answered, and not a count of people: 2.3d.

The framework's other indicators count people and are never touched by this one.
"""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import exists, select

from grants.core.db import db
from grants.credit.periods import quarter_ends
from grants.credit.queries.portfolio import Narrowed
from grants.credit.queries.satisfaction import answers_until
from grants.credit.satisfaction import Tally, newest, tally
from grants.reports.framework import Published, framework_data
from grants.reports.models import Indicator


@dataclass(frozen=True, slots=True)
class ShareResult:
    """One share. `day`: until when answers count; `published`: the percentage that a report once printed."""

    code: str
    name_es: str
    name_en: str
    baseline: int
    target: int
    day: date
    tally: Tally
    published: Published | None

    def name(self, language: str) -> str:
        return self.name_en if language == "en" else self.name_es

    @property
    def percent(self) -> float | None:
        """Of those who answered, with one decimal; None when nobody did or it is protected."""
        return None if self.tally.share is None else round(self.tally.share * 100, 1)


def shares(today: date, *, protected: bool) -> list[ShareResult]:
    """The shares now. `protected`: for a reader who may not open the records, as on the page about credit."""
    day = quarter_ends(today)[0] if protected else today
    found = tally(newest(answers_until(day, Narrowed())), protected=protected)
    adopted = bool(_has_published())
    data = framework_data()
    return [
        ShareResult(row["code"], row["name_es"], row["name_en"], row["baseline"], row["target"], day, found,
                    _published(row["published"], data["contradictions"]) if adopted else None)
        for row in data["shares"]
    ]  # fmt: skip


def _has_published() -> bool | None:
    """Published figures belong to the programme that adopted the framework."""
    return db.session.scalar(select(exists().select_from(Indicator)))


def _published(row: dict[str, str], contradictions: dict[str, dict[str, str]]) -> Published:
    said = contradictions[row["contradiction"]]
    return Published(int(row["figure"]), row["source"], said["es"], said["en"])
