"""The inside of a workbook, and of XLSX: the first sheet, cell by cell as it is unpacked. Pure.

So a huge one is refused before it is held. Nothing outside the file is fetched; a document type is refused.
"""

import math
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import StrEnum
from xml.parsers import expat

from grants.credit.amounts import Unreadable, day_of_serial
from grants.delivery.unpacking import pieces

Cell = str | float
Row = tuple[int, list[Cell]]

LONGEST_CELL = 300
MOST_COLUMNS = 60
MOST_STRINGS = 400_000
MOST_FILLED = 20_100  # what a reader of rows takes, and a title
MOST_ROW_MARKS = 1_048_576  # as many rows as a sheet can have
MOST_PART = 60 * 1024 * 1024
DAY_FORMATS = frozenset({*range(14, 18), 22, *range(27, 37), *range(50, 59)})
COLUMN_OF_CELL = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
NOT_A_FORMAT = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
EPOCH_1904 = 1462


class Trouble(StrEnum):
    """Why a whole file is not read."""

    EMPTY = "empty"
    NOT_A_SHEET = "not_a_sheet"
    DAMAGED = "damaged"
    LOCKED = "locked"
    OLD_XLS = "old_xls"
    HTML = "html"
    TOO_BIG = "too_big"
    TOO_MANY = "too_many"
    TOO_WIDE = "too_wide"
    LONG_CELL = "long_cell"
    ENTITIES = "entities"


class Refused(Exception):
    """The file is not read, and why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


Begin = Callable[[str, dict[str, str]], None]


def parse(archive: zipfile.ZipFile, name: str, begin: Begin, end: Callable[[str], None],
           text: Callable[[str], None] | None = None) -> Iterator[None]:  # fmt: skip
    """Feed a part to the handlers a piece at a time; names come without their prefix."""
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_declared: object) -> None:
        raise Refused(Trouble.ENTITIES)

    parser.EntityDeclHandler = refuse
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda tag, given: begin(tag.rpartition(":")[2], given)
    parser.EndElementHandler = lambda tag: end(tag.rpartition(":")[2])
    if text is not None:
        parser.CharacterDataHandler = text
    try:
        for piece in pieces(archive, name, most=MOST_PART):
            parser.Parse(piece, False)
            yield
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise Refused(Trouble.DAMAGED) from error
    yield


def _whole(archive: zipfile.ZipFile, name: str, begin: Begin, end: Callable[[str], None] = lambda _tag: None,
           text: Callable[[str], None] | None = None) -> None:  # fmt: skip
    for _piece in parse(archive, name, begin, end, text):
        pass


def xlsx_rows(archive: zipfile.ZipFile) -> Iterator[Row]:
    """The rows of the first sheet that hold something."""
    path, begins_1904 = _first_sheet(archive)
    names = set(archive.namelist())
    shared = _shared(archive) if "xl/sharedStrings.xml" in names else []
    days = _day_styles(archive) if "xl/styles.xml" in names else set()
    sheet = _XlsxSheet(shared, days, EPOCH_1904 if begins_1904 else 0)
    for _piece in parse(archive, path, sheet.begin, sheet.end, sheet.text):
        yield from sheet.taken()


def _first_sheet(archive: zipfile.ZipFile) -> tuple[str, bool]:
    """Where the first sheet is, and whether its days count from 1904."""
    sheets: list[str] = []
    from_1904: list[bool] = []
    targets: dict[str, str] = {}

    def book(tag: str, given: dict[str, str]) -> None:
        if tag == "sheet":
            sheets.append(next((value for name, value in given.items() if name.endswith(":id")), ""))
        elif tag == "workbookPr":
            from_1904.append(given.get("date1904") in ("1", "true"))

    def relation(tag: str, given: dict[str, str]) -> None:
        if tag == "Relationship" and given.get("TargetMode") != "External":
            targets[given.get("Id", "")] = given.get("Target", "")

    _whole(archive, "xl/workbook.xml", book)
    _whole(archive, "xl/_rels/workbook.xml.rels", relation)
    if not sheets or sheets[0] not in targets:
        raise Refused(Trouble.EMPTY)
    target = targets[sheets[0]]
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}", any(from_1904)


class _Strings:
    """The texts that cells refer to, each cut where it is too long to be of use."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.parts: list[str] = []
        self.left = 0
        self.listens = self.is_phonetic = False

    def begin(self, tag: str, _given: dict[str, str]) -> None:
        if tag == "si":
            self.parts, self.left = [], LONGEST_CELL + 1
        elif tag == "rPh":  # how it is pronounced
            self.is_phonetic = True
        elif tag == "t":
            self.listens = not self.is_phonetic

    def end(self, tag: str) -> None:
        if tag == "si":
            self.found.append("".join(self.parts).strip())
            if len(self.found) > MOST_STRINGS:
                raise Refused(Trouble.TOO_BIG)
        elif tag == "rPh":
            self.is_phonetic = False
        elif tag == "t":
            self.listens = False

    def text(self, piece: str) -> None:
        if self.listens and self.left > 0:
            self.parts.append(piece[: self.left])
            self.left -= len(self.parts[-1])


def _shared(archive: zipfile.ZipFile) -> list[str]:
    strings = _Strings()
    _whole(archive, "xl/sharedStrings.xml", strings.begin, strings.end, strings.text)
    return strings.found


def _day_styles(archive: zipfile.ZipFile) -> set[str]:
    """The numbers of the cell styles that show a day."""
    custom: dict[str, bool] = {}
    days: set[str] = set()
    state = {"in": False, "at": 0}

    def begin(tag: str, given: dict[str, str]) -> None:
        if tag == "numFmt":
            custom[given.get("numFmtId", "")] = _shows_day(given.get("formatCode", ""))
        elif tag == "cellXfs":
            state["in"] = True
        elif tag == "xf" and state["in"]:
            number = given.get("numFmtId", "")
            if custom.get(number, number.isdigit() and len(number) < 4 and int(number) in DAY_FORMATS):
                days.add(str(state["at"]))
            state["at"] += 1

    def end(tag: str) -> None:
        if tag == "cellXfs":
            state["in"] = False

    _whole(archive, "xl/styles.xml", begin, end)
    return days


def _shows_day(code: str) -> bool:
    shown = NOT_A_FORMAT.sub("", code[:200]).casefold()
    return "y" in shown or "d" in shown or "aa" in shown


class Rows:
    """The row being read, and those read since they were last taken."""

    def __init__(self) -> None:
        self.done: list[Row] = []
        self.number = 0
        self.marks = self.filled = 0
        self.cells: dict[int, Cell] = {}
        self.parts: list[str] = []
        self.left = 0
        self.listens = False

    def taken(self) -> list[Row]:
        done, self.done = self.done, []
        return done

    def text(self, piece: str) -> None:
        if self.listens and self.left > 0:
            self.parts.append(piece[: self.left])
            self.left -= len(self.parts[-1])

    def listen(self) -> None:
        self.listens, self.left = True, LONGEST_CELL + 1
        self.parts.clear()

    def count_row(self) -> None:
        self.marks += 1
        if self.marks > MOST_ROW_MARKS:
            raise Refused(Trouble.TOO_MANY)

    def put(self, column: int, value: Cell) -> None:
        if value == "":
            return
        if column >= MOST_COLUMNS:
            raise Refused(Trouble.TOO_WIDE)
        self.cells[column] = value

    def finish_row(self) -> None:
        if self.cells:
            self.filled += 1
            if self.filled > MOST_FILLED:
                raise Refused(Trouble.TOO_MANY)
            self.done.append((self.number, [self.cells.get(at, "") for at in range(max(self.cells) + 1)]))
            self.cells = {}


class _XlsxSheet(Rows):
    def __init__(self, shared: list[str], days: set[str], shift: int) -> None:
        super().__init__()
        self.shared, self.days, self.shift = shared, days, shift
        self.column, self.kind, self.style, self.value, self.formula = -1, "", "", "", ""

    def begin(self, tag: str, given: dict[str, str]) -> None:
        if tag == "row":
            self.count_row()
            told = given.get("r", "")
            self.number = int(told) if told.isdigit() and len(told) < 9 else self.number + 1
            self.column = -1
        elif tag == "c":
            self.column = _column(given.get("r", ""), self.column + 1)
            self.kind, self.style, self.value, self.formula = given.get("t", "n"), given.get("s", "0"), "", ""
        elif tag in ("v", "f") or (tag == "t" and self.kind == "inlineStr"):
            self.listen()

    def end(self, tag: str) -> None:
        if tag in ("v", "t", "f") and self.listens:
            self.listens, said = False, "".join(self.parts)
            if tag == "f":
                self.formula = "=" + said
            else:
                self.value += said
        elif tag == "c":
            self.put(self.column, self._cell())
        elif tag == "row":
            self.finish_row()

    def _cell(self) -> Cell:
        value = self.value.strip()
        if value == "":
            return self.formula[: LONGEST_CELL + 1]
        if self.kind == "s":
            return self.shared[int(value)] if value.isdigit() and int(value) < len(self.shared) else ""
        if self.kind == "n":
            return number_of(value, is_day=self.style in self.days, shift=self.shift)
        return value[:10] if self.kind == "d" else value


def _column(name: str, otherwise: int) -> int:
    found = COLUMN_OF_CELL.fullmatch(name)
    if found is None:
        return otherwise
    number = 0
    for letter in found[1]:
        number = number * 26 + ord(letter) - 64
    return number - 1


def number_of(text: str, *, is_day: bool = False, shift: int = 0) -> Cell:
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number):
        return text
    if is_day:
        with suppress(Unreadable):
            return day_of_serial(number + shift).isoformat()
    return number
