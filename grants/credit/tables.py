"""The figures as tables, one shape for the page, the spreadsheet and the CSV file. Pure: figures in, tables out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from flask_babel import gettext as _

from grants.credit import figure_words as words
from grants.credit.funnel import STEPS, Conversion, Funnel, Span, Step
from grants.credit.measures import Measure, Measures
from grants.credit.portfolio import Portfolio, is_at_risk
from grants.credit.small_cells import shown_parts, shown_steps
from grants.credit.standing import ZERO, Standing
from grants.people.models import GROUP_NAMES, SEX_NAMES, PopulationGroup, Sex
from grants.people.protection import is_small


class Kind(StrEnum):
    """How a column's values are written. A share is a part of one."""

    TEXT = "text"
    COUNT = "count"
    USD = "usd"
    SHARE = "share"
    NUMBER = "number"
    DAY = "day"


class Hidden(StrEnum):
    """A value that its reader may not see."""

    PROTECTED = "protected"


HIDDEN = Hidden.PROTECTED
Value = str | int | float | Decimal | date | Hidden | None


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: Kind = Kind.COUNT


@dataclass(frozen=True, slots=True)
class Table:
    """A table of figures. `definition`: what its figures are. `note`: what is missing from it, and why."""

    code: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]
    definition: str = ""
    note: str = ""


def share(part: int | Decimal | None, whole: int | Decimal | None) -> Decimal | None:
    """None where there is nothing to divide by, or where either is not known."""
    return Decimal(part) / Decimal(whole) if part is not None and whole else None


def or_hidden(value: Value) -> Value:
    return HIDDEN if value is None else value


def value_name(dimension: str, value: str, names: Mapping[str, Mapping[str, str]]) -> str:
    """The value of a dimension in words."""
    if dimension == "sex":
        return str(SEX_NAMES[Sex(value)])
    if dimension == "group":
        return str(GROUP_NAMES[PopulationGroup(value)])
    return names.get(dimension, {}).get(value, value)


def measures_table(found: Measures) -> Table:
    """Every ratio with its numerator, denominator, numbers of credits, coverage and bounds."""
    columns = [
        Column(_("Figure"), Kind.TEXT), Column(_("Value"), Kind.SHARE), Column(_("Numerator"), Kind.NUMBER),
        Column(_("Denominator"), Kind.NUMBER), Column(_("Counted in"), Kind.TEXT),
        Column(_("Number in the numerator")), Column(_("Number in the denominator")), Column(_("Coverage"), Kind.SHARE),
        Column(_("Least, if all unknown were fine"), Kind.SHARE),
        Column(_("Most, if all unknown were not"), Kind.SHARE),
        Column(_("Definition"), Kind.TEXT),
    ]  # fmt: skip
    gross = found.gross
    first: list[Value] = [_("Gross portfolio"), None, or_hidden(gross.amount), None, "USD", or_hidden(gross.n), None,
                          None, None, None, str(words.DEFINITIONS["gross"])]  # fmt: skip
    return Table("portfolio", _("Portfolio"), columns, [first, *(_measure_row(one) for one in found.measures)])


def unit_name(unit: str) -> str:
    return str({"usd": "USD", "credits": _("credits"), "people": _("people")}[unit])


def _measure_row(one: Measure) -> list[Value]:
    name, definition = str(words.MEASURE_NAMES[one.code]), str(words.DEFINITIONS[one.code])
    if one.hidden:
        return [name, HIDDEN, HIDDEN, HIDDEN, unit_name(one.unit), HIDDEN, HIDDEN, None, None, None, definition]
    if one.floor is not None and not one.ratio.whole:
        at_least = _("%(percent)s %% or more", percent=one.floor)
        return [name, at_least, HIDDEN, HIDDEN, unit_name(one.unit), HIDDEN, HIDDEN, None, None, None, definition]
    coverage: Value = one.coverage.value if one.coverage else None
    if one.floor is not None:
        coverage = _("%(percent)s %% or more", percent=one.floor)
    return [
        name, one.ratio.value, one.ratio.part, one.ratio.whole, unit_name(one.unit), one.ratio.part_n, one.ratio.n,
        coverage, one.least.value if one.least else None, one.most.value if one.most else None, definition,
    ]  # fmt: skip


def age_of(stood: Standing) -> str:
    """The band of days late; unknown credits have one of their own."""
    if not stood.is_known:
        return "unknown"
    days = stood.days_late
    return "current" if not days else "30" if days <= 30 else "90" if days <= 90 else "over"


def ages_table(found: Portfolio, shown: Measures, *, protected: bool) -> Table:
    """Principal by days late. Protected: only where no band is small and no figure is hidden that bands would tell."""
    counts, sums = dict.fromkeys(words.AGE_NAMES, 0), dict.fromkeys(words.AGE_NAMES, ZERO)
    for _credit, stood in found.active:
        counts[age_of(stood)] += 1
        sums[age_of(stood)] += stood.owed
    columns = [Column(_("Days late"), Kind.TEXT), Column(_("Credits")), Column(_("Principal owed (USD)"), Kind.USD),
               Column(_("Share of the principal"), Kind.SHARE)]  # fmt: skip
    rows = [[str(name), counts[band], sums[band], share(sums[band], found.gross)]
            for band, name in words.AGE_NAMES.items()]  # fmt: skip
    title, definition = _("Principal by days late"), str(words.DEFINITIONS["ages"])
    if protected and (shown.hides_any or any(is_small(count) for count in counts.values())):
        return Table("ages", title, columns, [], definition, _withheld())
    return Table("ages", title, columns, rows, definition)


def institutions_table(found: Portfolio, figures: Measures, names: Mapping[str, str], *, protected: bool) -> Table:
    """The portfolio of each institution with credits owed, by name."""
    parts = {
        key: Portfolio(found.day, [one for one in found.active if str(one[0].institution_id) == key]) for key in names
    }
    parts = {key: part for key, part in parts.items() if part.active}
    columns = [Column(_("Institution"), Kind.TEXT), Column(_("Credits")), Column(_("Principal owed (USD)"), Kind.USD),
               Column(_("Coverage"), Kind.SHARE), Column("PAR30", Kind.SHARE), Column("PAR90", Kind.SHARE),
               Column(_("Late credits"))]  # fmt: skip
    title, definition = _("Portfolio by institution"), str(words.DEFINITIONS["institutions"])
    whole: list[Sequence[Value]] = [[names[key], *_institution_row(part)] for key, part in parts.items()]
    shown = shown_parts([len(part.active) for part in parts.values()])
    safe = not figures.hides_any and None not in shown and all(_is_safe(part) for part in parts.values())
    if not protected or safe:
        return Table("institutions", title, columns, whole, definition)
    if figures.gross.n is None:  # the rows would add up to it
        return Table("institutions", title, columns, [], definition, _withheld())
    rows: list[Sequence[Value]] = [
        [names[key], or_hidden(count), HIDDEN if count is None else part.gross]
        for (key, part), count in zip(parts.items(), shown, strict=True)
    ]
    return Table("institutions", title, columns[:3], rows, definition, _withheld_columns())


def _institution_row(part: Portfolio) -> list[Value]:
    return [len(part.active), part.gross, part.coverage_usd.value, part.at_risk(30).ratio.value,
            part.at_risk(90).ratio.value, len(part.late)]  # fmt: skip


def _is_safe(part: Portfolio) -> bool:
    """Whether no kind of an institution's credits is one to four of them."""
    counts = dict.fromkeys([*words.AGE_NAMES, "restructured"], 0)
    for _credit, stood in part.active:
        counts[age_of(stood)] += 1
        counts["restructured"] += stood.is_known and stood.days_late <= 90 and is_at_risk(stood, 90)
    return not any(is_small(count) for count in counts.values())


def funnel_table(found: Funnel, *, with_trained: bool, protected: bool) -> Table:
    """People by step, each over the step before and over those referred."""
    counts = shown_steps(found) if protected else list(found.counts)
    columns = [Column(_("Step"), Kind.TEXT), Column(_("People")), Column(_("Over the step before"), Kind.SHARE),
               Column(_("Over those referred"), Kind.SHARE)]  # fmt: skip
    rows: list[Sequence[Value]] = []
    before: int | None = None
    if with_trained:
        both = found.of_trained
        gaps = (found.trained, found.trained - both, sum(found.ends.values()) - both, both)
        few = protected and any(is_small(gap) for gap in gaps)
        rows.append([_("Trained in financial education"), HIDDEN if few else found.trained, None, None])
        rows.append(
            [_("Of them referred"), HIDDEN if few else both, HIDDEN if few else share(both, found.trained), None]
        )
    for step, count in zip(STEPS, counts, strict=True):
        over_before: Value = share(count, before) if step is not Step.REFERRED else None
        if step is not Step.REFERRED and (count is None or before is None):
            over_before = HIDDEN
        over_all: Value = HIDDEN if count is None or counts[0] is None else share(count, counts[0])
        rows.append([str(words.STEP_NAMES[step]), or_hidden(count), over_before, over_all])
        before = count
    return Table("funnel", _("From referral to a second credit"), columns, rows, str(words.DEFINITIONS["funnel"]))


def groups_table(
    dimension: str, groups: Mapping[str, Funnel], names: Mapping[str, Mapping[str, str]], steps: Sequence[Step]
) -> Table:
    """The funnel by value of a dimension, with these steps of it."""
    columns = [Column(str(words.DIMENSION_NAMES[dimension]), Kind.TEXT),
               *(Column(str(words.STEP_NAMES[step])) for step in steps)]  # fmt: skip
    if Step.DISBURSED in steps:
        columns.append(Column(_("Disbursed over referred"), Kind.SHARE))
    rows = []
    for value, found in sorted(groups.items(), key=lambda one: value_name(dimension, one[0], names)):
        row: list[Value] = [value_name(dimension, value, names), *(found.count(step) for step in steps)]
        if Step.DISBURSED in steps:
            row.append(share(found.count(Step.DISBURSED), found.count(Step.REFERRED)))
        rows.append(row)
    title = _("People by %(dimension)s", dimension=str(words.DIMENSION_NAMES[dimension]).lower())
    if not steps:
        return Table(f"funnel_{dimension}", title, columns, [], "", _withheld())
    return Table(f"funnel_{dimension}", title, columns, rows, "", "" if tuple(steps) == STEPS else _withheld_columns())


def conversion_table(found: Conversion, *, withheld: bool, protected: bool) -> Table:
    """Cases sent, decided and approved, with those still open. `withheld`: a step of the funnel is hidden."""
    columns = [Column(_("Credit linkages"), Kind.TEXT), Column(_("Number")), Column(_("Share"), Kind.SHARE),
               Column(_("Share of"), Kind.TEXT)]  # fmt: skip
    parts = [found.approved, found.decided - found.approved, found.withdrawn, found.open]
    title, definition = _("Decided and open cases"), str(words.DEFINITIONS["conversion"])
    if protected and (withheld or any(is_small(count) for count in parts)):
        return Table("conversion", title, columns, [], definition, _withheld())
    sent, decided = _("those sent"), _("those decided")
    rows: list[Sequence[Value]] = [
        [_("Sent to an institution"), found.sent, None, None],
        [_("Decided"), found.decided, share(found.decided, found.sent), sent],
        [_("Approved"), found.approved, share(found.approved, found.decided), decided],
        [_("Withdrawn before a decision"), found.withdrawn, share(found.withdrawn, found.sent), sent],
        [_("Still open"), found.open, share(found.open, found.sent), sent],
    ]
    return Table("conversion", title, columns, rows, definition)


def spans_table(found: Mapping[str, Span], *, protected: bool) -> Table:
    """How long steps take, and how long those wait that are still open. Counts are in the funnel, protected there."""
    columns = [
        Column(_("From one step to another"), Kind.TEXT),
        Column(_("Cases")),
        Column(_("Median days"), Kind.NUMBER),
        Column(_("Nine in ten within days"), Kind.NUMBER),
        Column(_("Still open")),
        Column(_("Open: median days"), Kind.NUMBER),
        Column(_("Open: longest days"), Kind.NUMBER),
    ]
    rows = []
    for name, span in found.items():
        few, few_open = protected and is_small(span.done), protected and is_small(span.open)
        row: list[Value] = [str(words.SPAN_NAMES[name])]
        row += [HIDDEN] * 3 if few else [HIDDEN if protected else span.done, span.median, span.ninth]
        row += [HIDDEN] * 3 if few_open else [HIDDEN if protected else span.open, span.open_median,
                                              HIDDEN if protected else span.open_longest]  # fmt: skip
        rows.append(row)
    return Table("spans", _("How long it takes"), columns, rows, str(words.DEFINITIONS["spans"]))


def _withheld() -> str:
    return str(_("Too few people: this breakdown is protected."))


def _withheld_columns() -> str:
    return str(_("Some columns are protected: they would tell of fewer than five people."))
