"""What a run is computed from, as text that is the same wherever it is written."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import zip_longest
from typing import Any, NamedTuple

RULES = 2


class Sheet(NamedTuple):
    """A sheet that counts: who wrote it by a code, from which panel, a level for each criterion in its order."""

    stage: str
    evaluator: str
    panel: str | None
    levels: tuple[int | None, ...]


class Entry(NamedTuple):
    """A submitted application. `groups`: those of the run's quotas that its person belongs to."""

    folio: str
    is_eligible: bool
    rubric: str  # its version
    groups: tuple[str, ...]
    sheets: tuple[Sheet, ...]


class QuotaLine(NamedTuple):
    """A quota in counts of places."""

    group: str
    minimum: int | None
    maximum: int | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What a what-if changes against the call as declared; None leaves it. `plan_weight` in percent, the pitch has
    the rest."""

    places: int | None = None
    plan_weight: Decimal | None = None
    quotas: tuple[QuotaLine, ...] | None = None
    calibration: str | None = None


@dataclass(frozen=True)
class RunInputs:
    """Everything a run depends on, folios for names. Settings are plain words and numbers.

    `rubrics`: by version, for each stage its criteria as [weight, lowest level, highest level] in their order.
    """

    settings: Mapping[str, Any]
    quotas: Sequence[QuotaLine]
    rubrics: Mapping[str, Mapping[str, Sequence[Any]]]
    entries: Sequence[Entry]

    @cached_property
    def text(self) -> str:
        """Canonical JSON: sorted keys, sorted folios, ASCII, no blanks."""
        return canonical(
            {
                "applications": sorted(self.entries),
                "quotas": list(self.quotas),
                "rubrics": self.rubrics,
                "settings": self.settings,
            }
        )

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical text."""
        return fingerprint(self.text)

    @classmethod
    def parse(cls, text: str) -> "RunInputs":
        """Inputs from their canonical text. ValueError when it is not one."""
        try:
            raw = json.loads(text)
            entries = [
                Entry(folio, eligible, rubric, tuple(groups),
                      tuple(Sheet(stage, by, panel, tuple(levels)) for stage, by, panel, levels in sheets))
                for folio, eligible, rubric, groups, sheets in raw["applications"]
            ]  # fmt: skip
            quotas = [QuotaLine(*quota) for quota in raw["quotas"]]
            return cls(raw["settings"], quotas, raw["rubrics"], entries)
        except (KeyError, TypeError) as error:
            raise ValueError("not the inputs of a run") from error


def canonical(content: Any) -> str:
    """The one way a value is written: equal values give equal bytes."""
    return json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def fingerprint(text: str) -> str:
    """SHA-256 as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def first_difference(stored: str, again: str) -> str | None:
    """Where two canonical texts part, in words for a person: the path and both values; None when they are equal."""
    return None if stored == again else _parting("", json.loads(stored), json.loads(again))


def _parting(path: str, one: Any, other: Any) -> str | None:
    if isinstance(one, dict) and isinstance(other, dict):
        pairs = ((f"{path}.{key}", one.get(key), other.get(key)) for key in sorted({*one, *other}))
    elif isinstance(one, list) and isinstance(other, list):
        both = enumerate(zip_longest(one, other))
        pairs = ((f"{path}[{number}]", left, right) for number, (left, right) in both)
    else:
        return None if one == other else f"{path.lstrip('.')}: {canonical(one)} / {canonical(other)}"
    return next((found for place, left, right in pairs if (found := _parting(place, left, right))), None)
