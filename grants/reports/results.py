"""The donor's table: figures with their protection and what was once published. Pure, from people already read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grants.people.models import AgeBand, PopulationGroup, Sex
from grants.people.protection import Mark, is_small, protect
from grants.reports.framework import Frame, Published
from grants.reports.tally import Line, Reached, achieved, headline, lines, years_of

# Dimensions with the values that always have a row, in the order of the page.
DIMENSIONS: Mapping[str, Sequence[str]] = {
    "sex": [sex.value for sex in Sex],
    "population_group": [group.value for group in PopulationGroup],
    "nationality": [],
    "age_band": [band.value for band in AgeBand],
    "disability": ["yes", "no", "not_asked"],
    "single_carer": ["yes", "no", "not_asked"],
    "province": [],
    "canton": [],
}
OF_DIGITAL: Mapping[str, Sequence[str]] = {"grade": ["passed", "below", "no_grade"], "device": ["yes", "no"]}
SPLITS = ("province_sex",)
SPLITS_OF_DIGITAL = ("province_sex", "province_mobility", "province_disability", "province_grade", "province_device")
# A province is the sum of its cantons, and a split the parts of both: shown beside them they would betray a cell.
LINKED = frozenset({"province", *SPLITS_OF_DIGITAL})


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure as its reader may see it, beside the one once published."""

    count: int | None
    mark: Mark = Mark.SHOWN
    published: Published | None = None

    @property
    def differs(self) -> bool:
        return self.published is not None and self.published.figure != self.count


@dataclass(frozen=True, slots=True)
class Row:
    value: str
    years: Mapping[int, Cell]
    cumulative: Cell

    @property
    def cells(self) -> list[Cell]:
        return [*self.years.values(), self.cumulative]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A disaggregation. `withheld`: no part of it can be shown without betraying a small cell."""

    dimension: str
    years: tuple[int, ...]
    rows: tuple[Row, ...]
    withheld: bool = False

    @property
    def contradictions(self) -> list[Published]:
        return _contradictions(self.rows)


@dataclass(frozen=True, slots=True)
class Result:
    frame: Frame
    years: tuple[int, ...]
    total: Row
    breakdowns: tuple[Breakdown, ...]

    @property
    def achieved(self) -> float | None:
        count = self.total.cumulative.count
        return None if count is None else achieved(count, self.frame.target)

    @property
    def contradictions(self) -> list[Published]:
        return _contradictions((self.total,))

    @property
    def is_protected(self) -> bool:
        return any(part.withheld for part in self.breakdowns) or any(
            cell.mark is not Mark.SHOWN for part in self.breakdowns for row in part.rows for cell in row.cells
        )


def dimensions_of(code: str, *, protected: bool) -> dict[str, Sequence[str]]:
    """The dimensions of an indicator's page, with the values that always have a row."""
    digital = code == "1.3a"
    splits = SPLITS_OF_DIGITAL if digital else SPLITS
    found = {**DIMENSIONS, **(OF_DIGITAL if digital else {}), **dict.fromkeys(splits, ())}
    return {name: order for name, order in found.items() if not (protected and name in LINKED)}


def result(frame: Frame, reached: Sequence[Reached], *, protected: bool) -> Result:
    """An indicator's figures. `protected`: for a reader who may not open the records."""
    years = years_of(reached)
    total = headline(reached)
    hidden = protected and is_small(total.cumulative)
    whole_years = not protected or not any(is_small(total.years[year]) for year in years)
    breakdowns = [
        _breakdown(frame, name, lines(reached, name, order), years if whole_years else (), protected=protected)
        for name, order in dimensions_of(frame.code, protected=protected).items()
        if not hidden
    ]
    return Result(frame, () if hidden else years, _total(frame, total, years, protected=protected), tuple(breakdowns))


def _total(frame: Frame, total: Line, years: tuple[int, ...], *, protected: bool) -> Row:
    """The headline. Below five people in all nothing is shown; a small year takes others with it."""
    if protected and is_small(total.cumulative):
        return Row("", {}, Cell(None, Mark.SMALL))
    marks = protect([total.years[year] for year in years]) if protected else [Mark.SHOWN] * len(years)
    marks = marks if marks is not None else [Mark.PROTECTED] * len(years)
    cells = {
        year: _cell(total.years[year], mark, frame, (year, "", "")) for year, mark in zip(years, marks, strict=True)
    }
    return Row("", cells, _cell(total.cumulative, Mark.SHOWN, frame, (None, "", "")))


def _breakdown(
    frame: Frame, dimension: str, found: Sequence[Line], years: tuple[int, ...], *, protected: bool
) -> Breakdown:
    if not protected:
        rows = [_row(frame, dimension, line, years, Mark.SHOWN) for line in found]
        return Breakdown(dimension, years, tuple(rows))
    marks = protect([line.cumulative for line in found])
    if marks is None:
        return Breakdown(dimension, (), (), withheld=True)
    # Years and values cross only where no crossing is small: otherwise the years stay out of this breakdown.
    if any(is_small(line.years.get(year, 0)) for line in found for year in years) or Mark.SMALL in marks:
        years = ()
    rows = [_row(frame, dimension, line, years, mark) for line, mark in zip(found, marks, strict=True)]
    return Breakdown(dimension, years, tuple(rows))


def _row(frame: Frame, dimension: str, line: Line, years: tuple[int, ...], mark: Mark) -> Row:
    cells = {year: _cell(line.years.get(year, 0), Mark.SHOWN, frame, (year, dimension, line.value)) for year in years}
    return Row(line.value, cells, _cell(line.cumulative, mark, frame, (None, dimension, line.value)))


def _cell(count: int, mark: Mark, frame: Frame, place: tuple[int | None, str, str]) -> Cell:
    """A hidden cell keeps nothing of itself: neither its count nor the figure printed elsewhere."""
    if mark is not Mark.SHOWN:
        return Cell(None, mark)
    return Cell(count, mark, frame.published.get(place))


def _contradictions(rows: Sequence[Row]) -> list[Published]:
    """Each contradiction once, in the order of the table."""
    found = {
        cell.published.contradiction_en: cell.published
        for row in rows
        for cell in row.cells
        if cell.published and cell.published.contradiction_en
    }
    return list(found.values())
