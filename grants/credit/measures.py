"""The portfolio's figures as one list, and which of them a reader may see who may not open the records. Pure.

Small numbers of credits are protected as small numbers of people are: neither a figure about one to four of them is
shown, nor two from which such a figure follows by subtraction. Money of so few is hidden with their number.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from grants.credit.portfolio import Losses, Portfolio, Punctuality, Ratio
from grants.people.protection import is_small

# Larger sets first. Each names the sets that it lies in.
INSIDE: Mapping[str, tuple[str, ...]] = {
    "known": (),
    "active": (),
    "par30": ("known", "active"),
    "par90": ("par30", "known", "active"),
    "late_credits": ("known", "active"),
    "par30_late": ("par30", "late_credits", "known", "active"),
    "par90_late": ("par30_late", "par90", "par30", "late_credits", "known", "active"),
}
BOUNDED = ("par30", "par90")  # their least counts the unknown credits that were restructured
STEP = 5  # percent: how coarse a coverage is shown that would betray a few unknown credits


@dataclass(frozen=True, slots=True)
class Measure:
    """A ratio with its bounds. `unit`: what `part` and `whole` are counted in. `hidden`: nothing of it may be shown."""

    code: str
    ratio: Ratio
    unit: str = "usd"
    least: Ratio | None = None
    most: Ratio | None = None
    coverage: Ratio | None = None
    floor: int | None = None  # of a coverage that is only shown as “so many percent or more”
    hidden: bool = False

    @property
    def is_coarse(self) -> bool:
        return self.floor is not None


@dataclass(frozen=True, slots=True)
class Gross:
    """The gross portfolio; None where it must not be shown."""

    amount: Decimal | None
    n: int | None


@dataclass(frozen=True, slots=True)
class Measures:
    gross: Gross
    measures: Sequence[Measure]
    losses: Losses | None  # None: protected

    @property
    def hides_any(self) -> bool:
        return self.gross.n is None or any(one.hidden or one.is_coarse for one in self.measures)

    def __getitem__(self, code: str) -> Measure:
        return next(one for one in self.measures if one.code == code)


def measures(found: Portfolio, lost: Losses, paid: Punctuality) -> Measures:
    """All ratios of a day and its period, in the order of the page."""
    par30, par90, money = found.at_risk(30), found.at_risk(90), found.coverage_usd
    return Measures(
        Gross(found.gross, len(found.active)),
        [
            Measure("coverage", found.coverage, "credits"),
            Measure("coverage_usd", money),
            Measure("par30", par30.ratio, least=par30.least, most=par30.most, coverage=money),
            Measure("par30_late", par30.late_only, coverage=money),
            Measure("par90", par90.ratio, least=par90.least, most=par90.most, coverage=money),
            Measure("par90_late", par90.late_only, coverage=money),
            Measure("arrears", found.arrears, coverage=money),
            Measure("late_credits", found.late_credits, "credits", coverage=found.coverage),
            Measure("late_people", found.late_people, "people", coverage=found.coverage),
            Measure("write_off", lost.ratio, coverage=money),
            Measure("on_time", paid.ratio, least=paid.least, most=paid.most, coverage=paid.coverage),
        ],
        lost,
    )  # fmt: skip


def protected(found: Measures, paid: Punctuality) -> Measures:
    """The same for a reader who may not open the records."""
    sizes = _sizes(found)
    shown = _showable(sizes)
    few_unknown = is_small(sizes["active"] - sizes["known"])
    few_undated = is_small(paid.unknown_n)
    kept = []
    for one in found.measures:
        if _must_hide(one, shown, found, paid):
            one = Measure(one.code, _nothing(), one.unit, hidden=True)
        elif (few_unknown and one.code != "on_time") or (few_undated and one.code == "on_time"):
            one = _coarse(one)
        kept.append(_without_telling_least(one))
    gross = found.gross if "active" in shown and not few_unknown else Gross(None, None)
    losses = None if next(one.hidden for one in kept if one.code == "write_off") else found.losses
    return Measures(gross, kept, losses)


def _sizes(found: Measures) -> dict[str, int]:
    sizes = {"active": found["coverage"].ratio.n, "known": found["coverage"].ratio.part_n}
    return sizes | {code: found[code].ratio.part_n for code in INSIDE if code not in sizes}


def _showable(sizes: Mapping[str, int]) -> set[str]:
    """Sets of credits that may stand beside each other: no size and no difference of two nested ones is small."""
    shown: set[str] = set()
    for code, around in INSIDE.items():
        gaps = [sizes[code], *(sizes[outer] - sizes[code] for outer in around if outer in shown)]
        if not any(is_small(gap) for gap in gaps):
            shown.add(code)
    return shown


def _must_hide(one: Measure, shown: Iterable[str], found: Measures, paid: Punctuality) -> bool:
    if "known" not in shown or is_small(one.ratio.n):
        return True
    if one.code == "write_off":
        lost = found.losses
        # What it is divided by is a mean of gross portfolios: where one is hidden for the few credits that it would
        # tell of, it would follow from the mean and the other one.
        return (
            lost is None
            or "active" not in shown
            or any(is_small(count) for count in (lost.ratio.part_n, lost.recovered_n, *lost.behind))
        )
    if one.code == "on_time":
        punctual = one.ratio
        return any(is_small(count) for count in (punctual.part_n, punctual.n - punctual.part_n, paid.late_n))
    if one.code == "late_people":
        people = one.ratio
        return "late_credits" not in shown or is_small(people.part_n) or is_small(people.n - people.part_n)
    wanted = {"coverage": "known", "coverage_usd": "known", "arrears": "late_credits"}.get(one.code, one.code)
    return wanted not in shown


def _coarse(one: Measure) -> Measure:
    """Without what tells how much few unknown credits are."""
    if one.code in ("coverage", "coverage_usd"):
        return replace(one, ratio=_nothing(), floor=_floor(one.ratio))
    seen = one.coverage
    return replace(one, least=None, most=None, coverage=None, floor=_floor(seen) if seen else None)


def _without_telling_least(one: Measure) -> Measure:
    """Without the least that it can be where that tells of few unknown credits: those restructured, or the others."""
    if one.code not in BOUNDED or one.least is None or one.most is None:
        return one
    restructured, others = one.least.part_n - one.ratio.part_n, one.most.part_n - one.least.part_n
    return replace(one, least=None) if is_small(restructured) or is_small(others) else one


def _floor(ratio: Ratio) -> int:
    return int((ratio.value or 0) * 100) // STEP * STEP


def _nothing() -> Ratio:
    return Ratio(Decimal(0), Decimal(0), 0, 0)
