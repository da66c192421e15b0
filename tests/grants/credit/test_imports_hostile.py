"""Files that nobody should send: each gets a sentence, takes little memory, and leaves nothing behind."""

import contextlib
import io
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import date
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from flask import Flask

from grants.credit import import_words, spreadsheets
from grants.credit.models import CreditImport, ImportRow
from grants.credit.workbooks import LONGEST_CELL, Refused, Trouble
from tests.factories.credit import make_institution, make_liaison
from tests.grants.credit.test_imports import everything_but_imports

MIB = 1024 * 1024
MOST_MIB = 120
BOOK = '<workbook xmlns:r="r"><sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>'
RELATIONS = '<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>'


def zipped(**parts: bytes | str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def xlsx(rows: str, *, before: str = "", **more: bytes | str) -> bytes:
    """A workbook written by hand around these rows."""
    return zipped(**{
        "xl/workbook.xml": BOOK, "xl/_rels/workbook.xml.rels": RELATIONS,
        "xl/worksheets/sheet1.xml": f"{before}<worksheet><sheetData>{rows}</sheetData></worksheet>", **more,
    })  # fmt: skip


def ods(rows: str, *, before: str = "", **more: bytes | str) -> bytes:
    head = '<o xmlns:table="t" xmlns:text="x" xmlns:office="of"><office:body><table:table>'
    return zipped(**{"mimetype": "application/vnd.oasis.opendocument.spreadsheet",
                     "content.xml": f"{before}{head}{rows}</table:table></office:body></o>", **more})  # fmt: skip


def cell(text: str) -> str:
    return f'<c t="inlineStr"><is><t>{text}</t></is></c>'


def odf(text: str, **more: str) -> str:
    given = "".join(f' {name.replace("_", ":", 1).replace("_", "-")}="{value}"' for name, value in more.items())
    return f"<table:table-cell{given}><text:p>{text}</text:p></table:table-cell>"


def many_rows() -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"constant_memory": True}) as book:
        page = book.add_worksheet()
        for number in range(200_000):
            page.write_row(number, 0, [f"OP-{number}", "2026-01-05", 85.5])
    return out.getvalue()


def bomb() -> bytes:
    return xlsx("<row>" + " " * (70 * MIB) + "</row>")


def lying_bomb() -> bytes:
    """Says of itself that it is small."""
    file = bytearray(xlsx("<row>" + " " * (70 * MIB) + "</row>"))
    size = len(f"<worksheet><sheetData><row>{' ' * (70 * MIB)}</row></sheetData></worksheet>").to_bytes(4, "little")
    return bytes(file.replace(size, (100).to_bytes(4, "little")))


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
) + "]>"  # fmt: skip
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
STRINGS = "<sst>" + "<si><t>a</t></si>" * 500_000 + "</sst>"
REPEATED = (
    '<table:table-row table:number-rows-repeated="1048576">'
    + odf("x", table_number_columns_repeated="60")
    + "</table:table-row>"
)

REFUSED: dict[str, tuple[Callable[[], bytes], Trouble]] = {
    "nothing": (lambda: b"", Trouble.EMPTY),
    "spaces": (lambda: b" \r\n \t \0", Trouble.EMPTY),
    "no row": (lambda: xlsx(""), Trouble.EMPTY),
    "200,000 rows": (many_rows, Trouble.TOO_MANY),
    "200,000 lines": (lambda: b"a;b\n" * 200_000, Trouble.TOO_MANY),
    "a million repeated rows": (lambda: ods(REPEATED), Trouble.TOO_MANY),
    "many rows repeated": (lambda: ods(REPEATED.replace("1048576", "19999") * 900), Trouble.TOO_MANY),
    "a million empty rows": (lambda: xlsx("<row/>" * 1_100_000), Trouble.TOO_MANY),
    "a million columns": (lambda: ods(f"<table:table-row>{odf('x', table_number_columns_repeated='1000000')}"
                                      "</table:table-row>"), Trouble.TOO_WIDE),
    "a cell far to the right": (lambda: xlsx('<row r="1"><c r="XFD1"><v>1</v></c></row>'), Trouble.TOO_WIDE),
    "a bomb": (bomb, Trouble.TOO_BIG),
    "a bomb that lies": (lying_bomb, Trouble.DAMAGED),
    "an ODS bomb": (lambda: ods(" " * (70 * MIB)), Trouble.TOO_BIG),
    "a bomb of strings": (lambda: xlsx("", **{"xl/sharedStrings.xml": STRINGS}),
                          Trouble.TOO_BIG),
    "more than ten megabytes": (lambda: b"a;b\n" * 3 * MIB, Trouble.TOO_BIG),
    "a million parts": (lambda: zipped(**{f"{n:06}": "" for n in range(5_000)}), Trouble.TOO_BIG),
    "a billion laughs": (lambda: xlsx(f"<row>{cell('&j;')}</row>", before=LAUGHS), Trouble.ENTITIES),
    "laughs in an ODS": (lambda: ods(f"<table:table-row>{odf('&j;')}</table:table-row>", before=LAUGHS),
                         Trouble.ENTITIES),
    "a file of the server": (lambda: xlsx(f"<row>{cell('&a;')}</row>", before=OUTSIDE), Trouble.ENTITIES),
    "half a file": (lambda: xlsx(f"<row>{cell('x')}</row>")[:-40], Trouble.DAMAGED),
    "unfinished XML": (lambda: xlsx("<row>"), Trouble.DAMAGED),
    "no archive": (lambda: b"PK\x03\x04" + b"x" * 300, Trouble.DAMAGED),
    "an old XLS": (lambda: spreadsheets.OLD_OFFICE + b"x" * 600, Trouble.OLD_XLS),
    "a password": (lambda: spreadsheets.OLD_OFFICE + "EncryptedPackage".encode("utf-16-le"), Trouble.LOCKED),
    "an ODS with a password": (lambda: ods("", **{"META-INF/manifest.xml": "<m><encryption-data/></m>"}),
                               Trouble.LOCKED),
    "a web page": (lambda: b"<html><table><tr><td>OP-1</td></tr></table></html>", Trouble.HTML),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)), Trouble.NOT_A_SHEET),
    "a PDF": (lambda: b"%PDF-1.7\n1 0 obj", Trouble.NOT_A_SHEET),
    "a letter": (lambda: zipped(**{"word/document.xml": "<w/>"}), Trouble.NOT_A_SHEET),
    "a drawing": (lambda: zipped(mimetype="application/vnd.oasis.opendocument.graphics", **{"content.xml": "<o/>"}),
                  Trouble.NOT_A_SHEET),
    "NUL bytes": (lambda: b"OP-1;\0\0;5\n", Trouble.NOT_A_SHEET),
    "an open quote": (lambda: b'a;b\n"abc;5', Trouble.DAMAGED),
    "a cell of ten megabytes": (lambda: b'a;b\n"' + b"x" * (9 * MIB) + b'";5\n', Trouble.LONG_CELL),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_is_refused_with_a_reason_and_little_memory(kind: str) -> None:
    make, trouble = REFUSED[kind]
    file = make()
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(Refused) as caught:
        spreadsheets.read(file)
    seconds, peak = time.process_time() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.trouble is trouble
    assert peak < MOST_MIB * MIB
    assert seconds < 20
    assert str(import_words.TROUBLES[trouble])


@pytest.mark.parametrize("kind", ["200,000 rows", "a bomb", "a billion laughs", "a picture", "NUL bytes", "nothing"])
def test_the_page_says_it_and_nothing_is_kept(app: Flask, sign_in: Any, kind: str) -> None:
    institution = make_institution()
    client = sign_in(make_liaison(institution))
    before = everything_but_imports()

    answer = client.post("/credit-imports", data={"institution": str(institution.id),
                                                  "file": (io.BytesIO(REFUSED[kind][0]()), "x.xlsx")})  # fmt: skip

    assert answer.status_code == 200
    assert 'id="file-error"' in answer.text
    assert (db_count(CreditImport), db_count(ImportRow)) == (0, 0)
    assert everything_but_imports() == before


def db_count(model: Any) -> int:
    from grants.core.db import db

    return db.session.query(model).count()


def cells_of(file: bytes) -> list[list[Any]]:
    return [line.cells for line in spreadsheets.read(file).lines]


def book_of(*rows: list[Any], act: Callable[[Any], None] = lambda page: None) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    act(book.active)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_long_cell_is_cut_and_so_is_one_that_many_cells_share() -> None:
    strings = "<sst><si><t>" + "x" * (10 * MIB) + "</t></si></sst>"
    rows = "".join(f'<row r="{n}"><c t="s"><v>0</v></c></row>' for n in range(1, 20_001))
    tracemalloc.start()
    found = cells_of(xlsx(rows, **{"xl/sharedStrings.xml": strings}))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert {len(row[0]) for row in found} == {LONGEST_CELL + 1}
    assert peak < MOST_MIB * MIB


def test_formulas_give_the_saved_value_or_themselves() -> None:
    rows = "<row><c><f>1+1</f><v>2</v></c><c><f>SUM(A1:A9)</f></c><c t='e'><v>#N/A</v></c></row>"
    assert cells_of(xlsx(rows)) == [[2.0, "=SUM(A1:A9)", "#N/A"]]


def test_days_numbers_and_truth_of_a_workbook() -> None:
    def shape(page: Any) -> None:
        page["B1"].number_format = "dd/mm/yyyy"
        page["C1"].number_format = '"days" 0'
        page["D1"].number_format = "[$-300A]d mmm"

    file = book_of([date(2026, 5, 4), 46146, 46146, 46146.5, True, 1e308, "1.234", None, "x"], act=shape)
    assert cells_of(file) == [["2026-05-04", "2026-05-04", 46146.0, "2026-05-04", "1", 1e308, "1.234", "", "x"]]


def test_merged_cells_hold_what_stands_in_the_first() -> None:
    file = book_of(["Informe", None, None], ["OP-1", "a", "b"], act=lambda page: page.merge_cells("A1:C1"))
    assert cells_of(file) == [["Informe"], ["OP-1", "a", "b"]]


def test_macros_are_never_looked_at() -> None:
    assert cells_of(xlsx(f"<row>{cell('OP-1')}</row>", **{"xl/vbaProject.bin": b"\0" * 100})) == [["OP-1"]]


def test_an_ods_gives_values_days_repeats_and_no_notes() -> None:
    rows = (
        "<table:table-row table:number-rows-repeated='1000000'>"
        "<table:table-cell table:number-columns-repeated='16384'/></table:table-row><table:table-row>"
        + odf("1.234,50", office_value_type="float", office_value="1234.5")
        + odf("4/5/26", office_value_type="date", office_date_value="2026-05-04T00:00:00")
        + odf("x", table_number_columns_repeated="2")
        + "<table:table-cell><office:annotation><text:p>note</text:p></office:annotation><text:p>a</text:p>"
        "<text:p>b</text:p></table:table-cell></table:table-row>"
    )
    file = spreadsheets.read(ods(rows))
    assert [(line.number, line.cells) for line in file.lines] == [(1_000_001, [1234.5, "2026-05-04", "x", "x", "a b"])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("mark", [";", ",", "\t"])
def test_a_text_file_reads_the_same_in_all_its_ways(encoding: str, mark: str) -> None:
    rows = [["Operación", "Nombre", "Monto"], ["OP-1", "PEÑA, LUIS", "1.234,56"], ["OP-2", 'La "Ñ"', "12,50"]]
    out = io.StringIO(newline="")
    import csv

    csv.writer(out, delimiter=mark).writerows(rows)
    assert cells_of(out.getvalue().encode(encoding)) == rows


def test_the_line_that_names_the_separator_is_no_row() -> None:
    lines = spreadsheets.read(b"sep=;\r\na;b,c\r\n\r\nd;e\r\n").lines
    assert [(line.number, line.cells) for line in lines] == [(2, ["a", "b,c"]), (4, ["d", "e"])]


def test_twenty_thousand_rows_are_read() -> None:
    assert len(spreadsheets.read(b"a;b\n" * 20_000).lines) == 20_000


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_workbook_is_read_or_refused_and_never_fails(seed: int) -> None:
    import random

    chance = random.Random(seed)
    file = bytearray(book_of(["Op", "Fecha", 1.5], ["a", date(2026, 1, 5), 2]))
    for _hit in range(chance.randint(1, 12)):
        file[chance.randrange(len(file))] = chance.randrange(256)
    with contextlib.suppress(Refused):
        spreadsheets.read(bytes(file[: chance.randint(len(file) // 2, len(file))] if seed % 3 == 0 else file))
