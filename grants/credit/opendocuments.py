"""The inside of ODS: the first table, cell by cell as it is unpacked. Pure."""

import zipfile
from collections.abc import Iterator

from grants.credit.workbooks import (
    LONGEST_CELL,
    MOST_COLUMNS,
    Cell,
    Refused,
    Row,
    Rows,
    Trouble,
    number_of,
    parse,
)
from grants.delivery.unpacking import pieces


def ods_rows(archive: zipfile.ZipFile) -> Iterator[Row]:
    """The rows of the first table that hold something."""
    if "META-INF/manifest.xml" in archive.namelist() and b"encryption-data" in b"".join(
        pieces(archive, "META-INF/manifest.xml", most=1024 * 1024)
    ):
        raise Refused(Trouble.LOCKED)
    sheet = _OdsSheet()
    for _piece in parse(archive, "content.xml", sheet.begin, sheet.end, sheet.text):
        yield from sheet.taken()


class _OdsSheet(Rows):
    """Repeated cells and rows are written once each: only those that hold something are unfolded."""

    def __init__(self) -> None:
        super().__init__()
        self.tables, self.column, self.repeat, self.rows = 0, 0, 1, 1
        self.given: dict[str, str] = {}
        self.in_note = False

    def begin(self, tag: str, given: dict[str, str]) -> None:
        if tag == "table":
            self.tables += 1
        elif self.tables != 1:
            return
        elif tag == "table-row":
            self.count_row()
            self.column, self.rows = 0, _times(given, "number-rows-repeated")
        elif tag in ("table-cell", "covered-table-cell"):
            self.given, self.repeat = given, _times(given, "number-columns-repeated")
            self.listen()
            self.listens = False
        elif tag == "annotation":
            self.in_note = True
        elif tag in ("p", "s", "line-break") and not self.in_note:
            self.listens = True
            if self.parts or tag == "s":
                self.text(" ")

    def end(self, tag: str) -> None:
        if self.tables != 1:
            return
        if tag == "p":
            self.listens = False
        elif tag == "annotation":
            self.in_note = False
        elif tag in ("table-cell", "covered-table-cell"):
            self._finish_cell()
        elif tag == "table-row":
            self._finish_rows()
        elif tag == "table":
            self.tables += 1  # those after it are not read

    def _finish_cell(self) -> None:
        value = self._cell()
        if value != "":
            for column in range(self.column, self.column + min(self.repeat, MOST_COLUMNS + 1)):
                self.put(column, value)
        self.column += self.repeat

    def _finish_rows(self) -> None:
        cells, first = self.cells, self.number + 1
        for number in range(first, first + self.rows if cells else first):
            self.number, self.cells = number, dict(cells)
            self.finish_row()
        self.number, self.cells = first + self.rows - 1, {}

    def _cell(self) -> Cell:
        said = {name.rpartition(":")[2]: value for name, value in self.given.items()}
        kind, text = said.get("value-type", ""), "".join(self.parts).strip()
        if kind in ("float", "currency", "percentage"):
            return number_of(said.get("value", text), is_percent=kind == "percentage")
        if kind == "date":
            return said.get("date-value", text)[:10]
        if text == "" and "formula" in said:
            return "=" + said["formula"].rpartition(":=")[2][:LONGEST_CELL]
        return text


def _times(given: dict[str, str], name: str) -> int:
    told = next((value for key, value in given.items() if key.endswith(name)), "1")
    return int(told) if told.isdigit() and len(told) < 9 and told != "0" else 1
