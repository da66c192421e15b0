"""The inside of XLSX: the first sheet, cell by cell as it is unpacked. Pure."""

import re
import zipfile
from collections.abc import Callable, Iterator
from enum import StrEnum

from grants.credit.workbooks import LONGEST_CELL, Begin, Cell, Refused, Row, Rows, Trouble, number_of, parse

MOST_STRINGS = 400_000
DAY_FORMATS = frozenset({*range(14, 18), 22, *range(27, 37), *range(50, 59)})
PERCENT_FORMATS = frozenset({9, 10})
COLUMN_OF_CELL = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
NOT_A_FORMAT = re.compile(r'"[^"]*"|\[[^\]]*\]|[\\_*].')  # what is written as it stands, colours, gaps
EPOCH_1904 = 1462


def xlsx_rows(archive: zipfile.ZipFile) -> Iterator[Row]:
    """The rows of the first sheet that hold something."""
    path, begins_1904 = _first_sheet(archive)
    names = set(archive.namelist())
    shared = _shared(archive) if "xl/sharedStrings.xml" in names else []
    styles = _styles(archive) if "xl/styles.xml" in names else {}
    sheet = _XlsxSheet(shared, styles, EPOCH_1904 if begins_1904 else 0)
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


class Shows(StrEnum):
    """What a style makes of a number: 46146 a day, 0.45 "45 %"."""

    DAY = "day"
    PERCENT = "percent"


def _styles(archive: zipfile.ZipFile) -> dict[str, Shows]:
    """The numbers of the cell styles that show a day or a percentage."""
    custom: dict[str, Shows | None] = {}
    styles: dict[str, Shows] = {}
    state = {"in": False, "at": 0}

    def begin(tag: str, given: dict[str, str]) -> None:
        if tag == "numFmt":
            custom[given.get("numFmtId", "")] = _shown_by(given.get("formatCode", ""))
        elif tag == "cellXfs":
            state["in"] = True
        elif tag == "xf" and state["in"]:
            number = given.get("numFmtId", "")
            shows = custom[number] if number in custom else _built_in(number)
            if shows is not None:
                styles[str(state["at"])] = shows
            state["at"] += 1

    def end(tag: str) -> None:
        if tag == "cellXfs":
            state["in"] = False

    _whole(archive, "xl/styles.xml", begin, end)
    return styles


def _built_in(number: str) -> Shows | None:
    at = int(number) if number.isdigit() and len(number) < 4 else -1
    return Shows.DAY if at in DAY_FORMATS else Shows.PERCENT if at in PERCENT_FORMATS else None


def _shown_by(code: str) -> Shows | None:
    shown = NOT_A_FORMAT.sub("", code[:200]).casefold()
    if "y" in shown or "d" in shown or "aa" in shown:
        return Shows.DAY
    return Shows.PERCENT if "%" in shown.partition(";")[0] else None  # the first part is that of positive numbers


class _XlsxSheet(Rows):
    def __init__(self, shared: list[str], styles: dict[str, Shows], shift: int) -> None:
        super().__init__()
        self.shared, self.styles, self.shift = shared, styles, shift
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
            shows = self.styles.get(self.style)
            return number_of(value, is_day=shows is Shows.DAY, is_percent=shows is Shows.PERCENT, shift=self.shift)
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
