"""Every sheet, criterion, comment and flag of a run as one workbook."""

import tempfile
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import IO, Any, TypeVar

from flask_babel import gettext as _

from grants.core.clock import local_day, utcnow
from grants.selection.exports import columns as named
from grants.selection.exports.book import Book, Cell, Heading, Table
from grants.selection.exports.columns import Column, Rung, Scored, Told
from grants.selection.exports.contents import Contents, Line
from grants.selection.exports.parameters import parameters
from grants.selection.exports.words import why_words
from grants.selection.queries import Cut
from grants.selection.queries.export import ExportRow

T = TypeVar("T")


class Version(StrEnum):
    """Internal: with evaluators' names and comments. Public: codes, and no free text of evaluators."""

    INTERNAL = "internal"
    PUBLIC = "public"


def run_workbook(
    contents: Contents, rows: Iterable[ExportRow], *, version: Version, cut: Cut, hidden: int
) -> IO[bytes]:
    """An open .xlsx file, deleted when closed. `hidden`: how many applications the reader may not see."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- the answer reads it, then closes it
    with tempfile.TemporaryDirectory(prefix="semilla-") as folder:
        book = Book(file, folder)
        _Workbook(book, contents, version).write(contents.lines(rows), cut, hidden)
        book.close()
    file.seek(0)
    return file


class _Workbook:
    """The worksheets of one file. Each takes its rows in one pass over the run."""

    def __init__(self, book: Book, contents: Contents, version: Version) -> None:
        self._book, self._contents, self._version = book, contents, version
        self._readme = book.table(_("Read me"), _readme_headings())
        self._applications = self._table(_("Applications"), named.APPLICATIONS)
        self._sheets = self._table(_("Sheets"), named.SHEETS)
        self._scores = self._table(_("Scores"), named.SCORES)
        self._criteria = self._table(_("Criteria"), named.CRITERIA)
        self._quotas = self._table(_("Quotas"), named.QUOTAS)
        self._run = book.table(_("Run"), _run_headings())

    def _shown(self, columns: Sequence[Column[T]]) -> list[Column[T]]:
        """The columns of this version."""
        return [one for one in columns if self._version is Version.INTERNAL or not one.internal]

    def _table(self, name: str, columns: Sequence[Column[Any]]) -> Table:
        return self._book.table(name, [one.heading for one in self._shown(columns)])

    def _cells(self, columns: Sequence[Column[T]], row: T) -> list[Cell]:
        return [one.value(row) for one in self._shown(columns)]

    def write(self, lines: Iterable[Line], cut: Cut, hidden: int) -> None:
        self._explain(hidden)
        for line in lines:
            self._line(line, why_words(self._contents, line, cut, in_public=self._version is Version.PUBLIC))
        for criterion in self._contents.criteria:
            for level in criterion.levels:
                rung = Rung(criterion, level, self._contents.share_of_total(criterion))
                self._criteria.add(self._cells(named.CRITERIA, rung))
        for quota in self._contents.quotas(in_public=self._version is Version.PUBLIC):
            self._quotas.add(self._cells(named.QUOTAS, quota))
        for pair in parameters(self._contents, with_names=self._version is Version.INTERNAL):
            self._run.add(pair)

    def _line(self, line: Line, why: str) -> None:
        told = Told(line, why, self._contents.counted_for.get(line.folio))
        self._applications.add(self._cells(named.APPLICATIONS, told))
        for sheet in line.sheets:
            self._sheets.add(self._cells(named.SHEETS, (line, sheet)))
            for criterion in self._contents.criteria_of(sheet):
                self._scores.add(self._cells(named.SCORES, Scored(line, sheet, criterion)))

    def _explain(self, hidden: int) -> None:
        for sentence in _sentences(self._contents, self._version, hidden):
            self._readme.add(["", "", sentence])
        for table in (self._applications, self._sheets, self._scores, self._criteria, self._quotas, self._run):
            for heading in table.headings:
                self._readme.add([table.name, heading.name, heading.meaning])


def _readme_headings() -> list[Heading]:
    return [Heading(_("Worksheet"), 18, ""), Heading(_("Column"), 26, ""), Heading(_("What it holds"), 110, "")]


def _run_headings() -> list[Heading]:
    return [
        Heading(_("Parameter"), 34, _("What the run was computed with, and who made and signed it.")),
        Heading(_("Value"), 90, _("As it was when the run was made.")),
    ]


def _sentences(contents: Contents, version: Version, hidden: int) -> list[str]:
    run = contents.selection
    found = [
        _("Run %(number)s of the call %(call)s. File made on %(day)s.",
          number=run.id, call=run.call.code, day=local_day(utcnow()).isoformat()),
        _("Sheets are those handed in by the time of the run. Drafts are left out. Times are those of Ecuador."),
    ]  # fmt: skip
    if version is Version.PUBLIC:
        found.append(_("Public version: evaluators stand under codes, and what they wrote in their own words is left "
                       "out, because it may name people."))  # fmt: skip
    else:
        found.append(_("Internal version: it names evaluators and holds their comments. Do not pass it on."))
    if hidden:
        found.append(_("Applications left out because you declared a conflict of interest: %(number)s.", number=hidden))
    return found
