"""The inside of XLSX: the first sheet, cell by cell as it is unpacked. Pure."""

import re
import zipfile
from collections.abc import Callable, Iterator

from grants.credit.workbooks import LONGEST_CELL, Begin, Cell, Refused, Row, Rows, Trouble, number_of, parse

MOST_STRINGS = 400_000
DAY_FORMATS = frozenset({*range(14, 18), 22, *range(27, 37), *range(50, 59)})
COLUMN_OF_CELL = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
NOT_A_FORMAT = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
EPOCH_1904 = 1462


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


def _whole(archive: zipfile.ZipFile, name: str, begin: Begin, end: Callable[[str], None] = lambda _tag: None,
           text: Callable[[str], None] | None = None) -> None:  # fmt: skip
    for _piece in parse(archive, name, begin, end, text):
        pass
