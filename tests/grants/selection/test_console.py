"""The console: simulate a call or a list, keep it, replay it, hand it on."""

from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from grants.access.permissions import Role
from grants.core.db import db
from grants.selection.models import Selection
from tests.factories.access import make_user
from tests.grants.selection.test_quotas_in_runs import run_of, women_first

LIST = """folio,points,groups
A,90.00,men
B,80.00,men;young
C,72.50,women
D,60,women;young
"""


def console(app: Flask, *args: str) -> Result:
    db.session.commit()
    return app.test_cli_runner().invoke(args=["selection", *args], env={"LANG": "C", "LC_ALL": "C"})


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_text(LIST)
    return path


def test_list_is_chosen_without_a_database_and_the_certificate_printed(
    app: Flask, listed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"

    found = console(app, "simulate", "--from", str(listed), "--places", "2", "--quota", "women >= 50%",
                    "--out", str(out))  # fmt: skip

    assert found.exit_code == 0, found.output
    assert "women moves 1 and costs 7.50 points." in found.output
    assert "Certificate: points 162.50, bound 162.50, checked." in found.output
    assert out.read_text().splitlines() == [
        "folio,place,outcome", "A,1,chosen", "C,2,chosen", "B,3,waiting", "D,4,waiting",
    ]  # fmt: skip
    assert db.session.query(Selection).count() == 0


def test_order_of_the_list_changes_nothing(app: Flask, listed: Path, tmp_path: Path) -> None:
    head, *people = LIST.splitlines()
    turned = tmp_path / "turned.csv"
    turned.write_text("\n".join([head, *reversed(people)]))
    options = ("--places", "2", "--quota", "women>=1", "--quota", "young<=1")

    outputs = [console(app, "simulate", "--from", str(path), *options).output for path in (listed, turned)]

    assert outputs[0] == outputs[1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("folio,group\nA,men\n", "Line 1"),
        ("folio,points,groups\nA,many,men\n", "Line 2"),
        ("folio,points,groups\nA,NaN,men\n", "Line 2"),
        ("folio,points,groups\nA,1e999,\n", "Line 2"),
        ("folio,points,groups\nA,-1,\n", "Line 2"),
        ("folio,points,groups\nA,50,\n,50,\n", "Line 3"),
        ("folio,points,groups\nA,50,\nA,60,\n", "cannot be used"),
    ],
)
def test_list_that_cannot_be_read_is_refused_by_its_line(app: Flask, tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)

    found = console(app, "simulate", "--from", str(path), "--places", "1")

    assert (found.exit_code, words in found.output) == (1, True)


@pytest.mark.parametrize("quota", ["women", "women>60", "women>=x", "women>=-1", ">=5", "women>=99999999999"])
def test_quota_that_cannot_be_read_is_refused(app: Flask, listed: Path, quota: str) -> None:
    found = console(app, "simulate", "--from", str(listed), "--places", "2", "--quota", quota)

    assert (found.exit_code, "Quota 1 cannot be read" in found.output) == (1, True)


def test_call_is_simulated_without_keeping_anything_and_kept_when_asked(app: Flask) -> None:
    call, by = women_first(), make_user(Role.COORDINATOR)

    once = console(app, "simulate", call.code.lower())
    assert (once.exit_code, db.session.query(Selection).count()) == (0, 0)
    assert "sex:female: 1 / 2, +25.00" in once.output
    assert "Certificate: points 150.00, bound 150.00, checked." in once.output

    kept = console(app, "simulate", call.code, "--save", "--by", by.email)
    tried = console(
        app, "simulate", call.code, "--save", "--by", by.email, "--places", "3", "--quota", "sex:female>=60%"
    )
    assert (kept.exit_code, tried.exit_code) == (0, 0)
    runs = db.session.query(Selection).order_by(Selection.id).all()
    assert [(run.is_what_if, run.places) for run in runs] == [(False, 2), (True, 3)]
    assert runs[0].inputs_hash in kept.output


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("simulate", "NOBODY"), "no call with this code"),
        (("simulate",), "no call with this code"),
        (("simulate", "{code}", "--save"), "--by E-MAIL"),
        (("simulate", "{code}", "--quota", "sex:female>=3"), "keeps 3 places, but the call has 2"),
        (("simulate", "{code}", "--quota", "robots>=1"), "names no group"),
        (("replay", "999999"), "no run with this number"),
        (("replay", "99999999999999999999"), "no run with this number"),
        (("replay",), "no run with this number"),
    ],
)
def test_console_refuses_in_a_sentence(app: Flask, args: tuple[str, ...], words: str) -> None:
    code = women_first().code

    found = console(app, *(arg.format(code=code) for arg in args))

    assert (found.exit_code, words in found.output) == (1, True), found.output
    assert db.session.query(Selection).count() == 0


def test_exported_file_is_refused_when_it_was_changed_and_never_overwritten(app: Flask, tmp_path: Path) -> None:
    run, path = run_of(women_first()), tmp_path / "run.json"
    assert console(app, "export-inputs", str(run.id), str(path)).exit_code == 0

    again = console(app, "export-inputs", str(run.id), str(path))
    path.write_text(path.read_text().replace('"places":2', '"places":1'))
    changed = console(app, "replay", "--file", str(path))
    path.write_text("[]")
    strange = console(app, "replay", "--file", str(path))

    assert (again.exit_code, "exists already" in again.output) == (1, True)
    assert (changed.exit_code, "hash differs" in changed.output) == (1, True)
    assert (strange.exit_code, "not a file of" in strange.output) == (1, True)
