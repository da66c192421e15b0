"""Linkages as files."""

import csv
import io
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from grants.access.permissions import Role
from grants.core.db import db
from grants.core.documents import FORMULA_STARTS, safe_text
from grants.core.journal import JournalEntry
from grants.credit.models import LinkageState
from grants.credit.sheets import as_csv, as_xlsx
from tests.factories.access import make_user
from tests.factories.credit import make_institution, make_liaison, make_linkage
from tests.factories.people import make_person


def rows_of(answer: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))


@given(st.text(max_size=30))
def test_no_text_starts_a_formula(text: str) -> None:
    safe = safe_text(text)
    assert not safe.startswith(FORMULA_STARTS)
    assert not safe.lstrip(" ").startswith(FORMULA_STARTS)
    assert safe in (text, "'" + text)


HOSTILE = ['=HYPERLINK("http://x","y")', "+1", "-2+3", "@SUM(A1)", "\t=1", " =1+1", "＝1"]


def test_hostile_cells_stay_text_in_both_formats() -> None:
    rows = [[text, Decimal("1.50"), None, 3] for text in HOSTILE]

    sheet = openpyxl.load_workbook(io.BytesIO(as_xlsx(["=a", "b", "c", "d"], rows))).active
    lines = list(csv.reader(io.StringIO(as_csv(["=a", "b", "c", "d"], rows).decode("utf-8-sig"))))

    assert [cell.data_type for cell in sheet["A"]] == ["s"] * 8
    assert [cell.value for cell in sheet["A"]][1:] == ["'" + text for text in HOSTILE]
    assert [cell.value for cell in sheet["B"]][1:] == [1.5] * 7
    assert [line[0] for line in lines] == ["'=a", *("'" + text for text in HOSTILE)]
    assert lines[1][1:] == ["1.50", "", "3"]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_liaison_takes_the_own_institutions_linkages(app: Flask, sign_in: Any, kind: str) -> None:
    person = make_person(given_names="=cmd()", first_surname="Ortiz")
    own = make_linkage(person=person, state=LinkageState.DISBURSED, amount_usd=Decimal("980.50"), reference="OP-1")
    other = make_linkage(person=person)
    user = make_liaison(own.institution)

    answer = sign_in(user).get(f"/my-linkages/export?format={kind}")

    if kind == "csv":
        head, *rows = rows_of(answer)
    else:
        book = openpyxl.load_workbook(io.BytesIO(answer.data))
        head, *rows = [list(row) for row in book.active.values]
    assert f'.{kind}"' in answer.headers["Content-Disposition"]
    assert len(rows) == 1
    assert len(head) == len(rows[0]) == 17
    assert rows[0][:4] == [own.referral.folio, own.folio, person.folio, "'=cmd() Ortiz"]
    assert Decimal(str(rows[0][10])) == Decimal("980.50")
    assert other.folio not in str(rows)
    taken = db.session.execute(select(JournalEntry).where(JournalEntry.action == "linkages.exported")).scalar_one()
    assert (taken.actor_id, taken.details) == (user.id, '{"rows":1}')


def test_a_coordinator_takes_all_institutions_without_names(app: Flask, sign_in: Any) -> None:
    person = make_person(given_names="Luz", first_surname="Ortiz")
    first, second = make_linkage(person=person), make_linkage(person=person, state=LinkageState.DISBURSED)
    client = sign_in(make_user(Role.COORDINATOR))

    everything = rows_of(client.get("/linkages/export?state=all"))
    narrowed = rows_of(client.get(f"/linkages/export?institution={first.institution_id}"))

    assert {row[1] for row in everything[1:]} == {first.folio, second.folio}
    assert {row[3] for row in everything[1:]} == {first.institution.name, second.institution.name}
    assert "Ortiz" not in str(everything)
    assert [row[1] for row in narrowed[1:]] == [first.folio]


def test_an_institutions_name_cannot_start_a_formula(app: Flask, sign_in: Any) -> None:
    make_linkage(institution=make_institution("=1+1"))
    rows = rows_of(sign_in(make_user(Role.COORDINATOR)).get("/linkages/export"))
    assert rows[1][3] == "'=1+1"


def test_exports_are_closed_to_others(app: Flask, sign_in: Any) -> None:
    assert sign_in(make_user(Role.COORDINATOR)).get("/my-linkages/export").status_code == 403
    assert sign_in(make_liaison(make_institution())).get("/linkages/export").status_code == 403
    assert sign_in(make_liaison(None)).get("/my-linkages/export").status_code == 404
    assert sign_in(make_liaison(make_institution(is_active=False))).get("/my-linkages/export").status_code == 404


def test_a_file_says_that_there_are_more_rows(app: Flask, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("queries", "views"):
        monkeypatch.setattr(f"grants.credit.{module}.linkages.MOST_EXPORTED", 2)
    first, _second = make_linkage(), make_linkage()
    client = sign_in(make_user(Role.COORDINATOR))
    assert len(rows_of(client.get("/linkages/export"))) == 3

    make_linkage()
    rows = rows_of(client.get("/linkages/export"))
    assert (len(rows), first.folio in rows[1], len(rows[3])) == (4, True, 1)
    assert rows[3] == ["Estas son las primeras 2 filas. Hay más: acote la lista por institución o estado."]
    assert client.get("/linkages/export?format=xlsx").status_code == 200
