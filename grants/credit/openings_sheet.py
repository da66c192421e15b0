"""The counts of what is open to whom as a table to take away. `*` stands where few people are behind a figure."""

from collections.abc import Iterator

from flask_babel import gettext as _

from grants.credit.matching import Reason
from grants.credit.openings import OPEN, PEOPLE, SHUT, Openings, Row
from grants.credit.reason_words import REASON_WORDS, SITUATION_NAMES
from grants.credit.sheets import Cell
from grants.people.models import SEX_NAMES

HIDDEN = "*"


def heading(figures: Openings) -> list[str]:
    """The columns; those of the parts only where they are shown."""
    parts = [str(name) for name in (*SEX_NAMES.values(), *SITUATION_NAMES.values())] if figures.splits else []
    return [_("Institution"), _("What"), _("People"), *parts]


def rows_of(figures: Openings) -> list[list[Cell]]:
    """Everybody first, then each institution with its reasons."""
    return [[name, _what(row), *(HIDDEN if cell is None else cell for cell in cells_of(row))]
            for name, row in _lines(figures)]  # fmt: skip


def cells_of(row: Row) -> tuple[int | None, ...]:
    """A line's figures in the order of the columns."""
    return (row.total, *row.by_sex, *row.by_situation)


def _lines(figures: Openings) -> Iterator[tuple[str, Row]]:
    yield _("All"), figures.people
    yield _("All"), figures.open
    for part in figures.parts:
        for row in (part.open, part.shut, *part.reasons):
            yield part.institution.name, row


def _what(row: Row) -> str:
    fixed = {PEOPLE: _("People registered"), OPEN: _("With an open credit"), SHUT: _("Without an open credit")}
    return fixed[row.what] if row.what in fixed else str(REASON_WORDS[Reason(row.what)])
