"""What the readers of both kinds of workbook share: parts fed to a parser as they are unpacked, rows of cells. Pure.

So a huge one is refused before it is held. Nothing outside the file is fetched; a document type is refused.
"""

import math
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
MOST_FILLED = 20_100  # what a reader of rows takes, and a title
MOST_ROW_MARKS = 1_048_576  # as many rows as a sheet can have
MOST_PART = 60 * 1024 * 1024


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


def number_of(text: str, *, is_day: bool = False, is_percent: bool = False, shift: int = 0) -> Cell:
    """A number, a day, or a percentage as it is shown: "45 %", which only a rate is read from. Else the text itself."""
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number):
        return text
    if is_day:
        with suppress(Unreadable):
            return day_of_serial(number + shift).isoformat()
    if is_percent:
        return f"{number * 100:.12g} %"
    return number
