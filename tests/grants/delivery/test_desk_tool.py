"""The desk's own tool: its keys, what it opens, what it keeps, what it answers, and what it never shows the server."""

import base64
import json
import stat
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select

from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.outbox import deliver_due, sender
from grants.delivery.desk import answers, book, watch
from grants.delivery.desk.book import Book
from grants.delivery.desk.boxes import PassphraseWrong, load_private, new_desk_keys, unseal
from grants.delivery.desk.cli import group as tool
from grants.delivery.desk.screen import Screen, about
from grants.delivery.desk.server import Question, SealedBox, ServerSilent, over_http
from grants.delivery.models import Signal, StopAnswer, StopRequest
from grants.delivery.signals import Desk, DeskKeyUnusable, Facts, Kind, seal
from tests.factories.delivery import DESK, DESK_PRIVATE, make_officer
from tests.factories.desk import KEY, confirm_as, make_practice, make_request, make_watch

NOW = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
NORMAL = Facts(1, 2, NOW, pin_is_true=True, picture_used=3, picture_true=3)
ALARM = Facts(7, 2, NOW, pin_is_true=False, picture_used=3, picture_true=3)
DRILL = Facts(9, 4, NOW, pin_is_true=True, picture_used=1, picture_true=3, kind=Kind.DRILL)
RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRANTS_DESK_LANGUAGE", "en")


@pytest.fixture
def private(tmp_path: Path) -> Path:
    path = tmp_path / "desk.pem"
    path.write_bytes(DESK_PRIVATE)
    return path


def written(folder: Path, name: str, facts: Facts) -> None:
    """A neutral message of the file outbox."""
    body = base64.b64encode(seal(facts, DESK)).decode()
    (folder / name).write_text(f"desk\nSemilla\n\n{body}\n")


def test_keygen_protects_the_key_with_words_and_overwrites_nothing(tmp_path: Path) -> None:
    private, public = tmp_path / "desk.pem", tmp_path / "desk_public.pem"
    call = ["keygen", "--private", str(private), "--public", str(public), "--passphrase"]
    words = "cuatro palabras en fila\n" * 2

    first = RUNNER.invoke(tool, call, input=words)
    kept = private.read_bytes()
    second = RUNNER.invoke(tool, call, input=words)

    assert (first.exit_code, second.exit_code) == (0, 1)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert private.read_bytes() == kept
    box = seal(NORMAL, Desk(public.read_bytes(), "desk"))
    assert unseal(box, load_private(kept, b"cuatro palabras en fila")) == NORMAL
    with pytest.raises(PassphraseWrong):
        load_private(kept, b"otras")
    with pytest.raises(PassphraseWrong):
        load_private(kept)
    with pytest.raises(DeskKeyUnusable):
        load_private(public.read_bytes())


def test_keygen_without_words(tmp_path: Path) -> None:
    call = ["keygen", "--private", str(tmp_path / "a.pem"), "--public", str(tmp_path / "b.pem")]

    assert RUNNER.invoke(tool, call).exit_code == 0
    assert load_private((tmp_path / "a.pem").read_bytes())


def test_open_lists_messages_of_a_folder_and_makes_one_case_of_two_channels(tmp_path: Path, private: Path) -> None:
    folder = tmp_path / "outbox"
    folder.mkdir()
    written(folder, "1.txt", NORMAL)
    written(folder, "2.txt", ALARM)
    (folder / "3.txt").write_text((folder / "2.txt").read_text().replace("desk\n", "desk-2\n"))
    (folder / "4.txt").write_text("una carta cualquiera\n")
    call = ["--private", str(private)]

    opened = RUNNER.invoke(tool, ["open", str(folder), *call])
    again = RUNNER.invoke(tool, ["open", str(folder), *call])
    cases = RUNNER.invoke(tool, ["cases", "list", *call])

    words = [line.split("\t")[-1] for line in opened.output.splitlines()]
    assert (opened.exit_code, words) == (0, ["normal", "ALARM"])
    assert again.output == opened.output
    assert cases.output.count("ALARM") == 1


def test_open_reads_a_mail_as_it_was_received_and_what_the_second_channel_got(tmp_path: Path, private: Path) -> None:
    body = base64.b64encode(seal(ALARM, DESK)).decode()
    mail, pushed, nothing = EmailMessage(), tmp_path / "2.json", tmp_path / "3.txt"
    mail["From"], mail["To"], mail["Subject"] = "semilla@example.org", "mesa@example.org", "Semilla"
    mail.set_content(body)
    (tmp_path / "1.eml").write_bytes(bytes(mail))
    pushed.write_text(json.dumps({"subject": "Semilla", "body": body}))
    nothing.write_text("una carta cualquiera\n")

    for file in (tmp_path / "1.eml", pushed):
        opened = RUNNER.invoke(tool, ["open", str(file), "--private", str(private)])
        assert (opened.exit_code, opened.output.split()[-1]) == (0, "ALARM")
    refused = RUNNER.invoke(tool, ["open", str(pushed), str(nothing), "--private", str(private)])
    assert (refused.exit_code, "ALARM" in refused.output, "3.txt" in refused.output) == (1, True, True)


def test_open_reads_an_export_and_refuses_another_key(tmp_path: Path, private: Path) -> None:
    export, stranger = tmp_path / "boxes.json", tmp_path / "stranger.pem"
    lines = [{"id": 1, "box": base64.b64encode(seal(one, DESK)).decode()} for one in (NORMAL, ALARM, DRILL)]
    export.write_text("\n".join(json.dumps(line) for line in lines) + "\n")
    stranger.write_bytes(new_desk_keys()[0])

    opened = RUNNER.invoke(tool, ["open", str(export), "--private", str(private)])
    refused = RUNNER.invoke(tool, ["open", str(export), "--private", str(stranger)])
    no_file = RUNNER.invoke(tool, ["open", str(export), "--private", str(tmp_path / "none.pem")])

    assert [line.split("\t")[-1] for line in opened.output.splitlines()] == ["normal", "ALARM", "DRILL ALARM"]
    assert (refused.exit_code, no_file.exit_code) == (1, 1)
    assert "ALARM" not in refused.output


def test_cases_are_kept_in_a_file_that_only_the_desks_key_opens(tmp_path: Path, private: Path) -> None:
    call = ["--private", str(private)]
    RUNNER.invoke(tool, ["cases", "open", "Rumor en el mercado", *call])
    RUNNER.invoke(tool, ["cases", "note", "1", "Llamé a la líder", *call])
    closed = RUNNER.invoke(tool, ["cases", "close", "1", "Era un malentendido", *call])
    again = RUNNER.invoke(tool, ["cases", "close", "1", "otra vez", *call])
    path = private.with_suffix(".book")

    assert (closed.exit_code, again.exit_code) == (0, 1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "mercado" not in path.read_text()
    assert b"mercado" not in bytes.fromhex(path.read_text().strip())
    assert "Rumor en el mercado" in RUNNER.invoke(tool, ["cases", "list", "--all", *call]).output
    with pytest.raises(book.BookUnreadable):
        book.load(path, load_private(new_desk_keys()[0]))
    path.write_text(path.read_text()[:-2] + "00")
    with pytest.raises(book.BookUnreadable):
        book.load(path, KEY)


def test_watch_opens_alarms_and_acknowledges_every_box_alike(app: Flask, tmp_path: Path) -> None:
    now = utcnow()
    for kind in ("normal", "picture", "pin"):
        confirm_as(kind)

    looking = make_watch(app, tmp_path)

    view = looking.look(now)
    new_cases = view.new_cases
    view.key_pressed()
    looking.look(now)

    assert [case.drill for case in new_cases] == [False, False]
    signals = db.session.scalars(select(Signal)).all()
    assert len({(one.acknowledged_at, one.acknowledged_by_id) for one in signals}) == 1
    assert signals[0].acknowledged_at is not None
    assert not view.rings
    kept = book.load(tmp_path / "desk.book", KEY)
    assert [case.officer_id for case in kept.cases] == [case.officer_id for case in new_cases]


@pytest.mark.parametrize("kind", ["normal", "both"])
def test_a_box_is_acknowledged_after_a_key_was_pressed_with_it_on_the_screen(
    app: Flask, tmp_path: Path, kind: str
) -> None:
    now, looking = utcnow(), make_watch(app, tmp_path)
    looking.view.key_pressed()  # at 17:00; the handover is at 17:01, and nobody is there any more
    confirm_as(kind)

    rang = [looking.look(now + timedelta(seconds=15 * n)).rings for n in range(120)]
    text = [line.text for line in Screen().lines(looking.view, now)]
    signal = db.session.scalars(select(Signal)).one()
    assert (rang, signal.acknowledged_at) == ([True] * 120, None)
    assert "! New handovers wait for a key: 1. Press any." in text

    Screen().press(" ", looking.view, now)
    view = looking.look(now)
    db.session.refresh(signal)
    assert signal.acknowledged_at is not None
    assert not view.rings
    assert not any("wait for a key" in line.text for line in Screen().lines(view, now))


def test_the_desk_sees_drill_after_opening(app: Flask, tmp_path: Path) -> None:
    from tests.grants.delivery.test_drills import practice_codes

    practice, now = make_practice(), utcnow()
    from grants.delivery.services import drills

    drills.practise(practice, practice_codes(practice, right=False), desk=DESK, by=practice.officer, now=now)

    view = make_watch(app, tmp_path).look(now)

    assert [case.drill for case in view.new_cases] == [True]
    assert "DRILL" in view.new_cases[0].title


def test_watch_answers_when_the_time_has_come_rescheduled_after_an_alarm(app: Flask, tmp_path: Path) -> None:
    now = utcnow()
    coerced = confirm_as("both", now=now - timedelta(minutes=12)).officer
    make_request(coerced, now=now - timedelta(minutes=11))
    fresh = make_request(make_officer(), now=now)

    view = make_watch(app, tmp_path).look(now)

    answered = db.session.scalars(select(StopRequest).where(StopRequest.answer.is_not(None))).one()
    assert (answered.officer_id, answered.answer) == (coerced.id, StopAnswer.RESCHEDULED)
    assert [one.id for one in view.questions] == [fresh.id]


def question(number: int, officer: int = 2, at: datetime = NOW) -> Question:
    return Question(number, officer, at, at + timedelta(minutes=10))


def test_an_alarm_reschedules_the_day_that_it_came_on_and_no_other() -> None:
    """Open or closed: an officer who is rescheduled for days would tell that they called for help."""
    kept = Book(draws={"2:2026-03-02": 0, "2:2026-03-03": 0, "3:2026-03-02": 0})
    case = kept.open_case("alarm", now=NOW, facts=ALARM)
    kept.open_case("drill", now=NOW, facts=DRILL)
    tomorrow = question(2, at=NOW + timedelta(days=1))

    assert answers.decide(question(1), kept) == "rescheduled"
    assert answers.decide(tomorrow, kept) == "go"
    case.closed_at = book.stamp(NOW)
    assert answers.decide(question(1), kept) == "rescheduled"
    assert answers.decide(tomorrow, kept) == "go"
    assert answers.decide(question(3, officer=3), kept) == "go"
    assert answers.decide(question(4, officer=4), Book(cases=kept.cases, draws={"4:2026-03-02": 0})) == "go"


def test_an_alarm_just_before_midnight_reschedules_the_rest_of_the_trip() -> None:
    late = datetime(2026, 3, 3, 4, 50, tzinfo=UTC)  # ten to midnight in Guayaquil
    kept = Book(draws={"2:2026-03-03": 0})
    kept.open_case("alarm", now=late, facts=replace(ALARM, at=late))

    assert answers.decide(question(1, at=late + timedelta(minutes=20)), kept) == "rescheduled"
    assert answers.decide(question(2, at=late + timedelta(hours=9)), kept) == "go"


def test_a_drawn_day_reschedules_from_its_question_on_and_says_the_same_twice() -> None:
    kept = Book(draws={"2:2026-03-02": 2})

    said = [answers.decide(question(number), kept) for number in (1, 2, 1, 2, 3)]

    assert said == ["go", "rescheduled", "go", "rescheduled", "rescheduled"]


def test_the_draw_is_of_a_team_and_an_alarm_of_an_officer() -> None:
    kept = Book(draws={"team 8:2026-03-02": 1, "team 9:2026-03-02": 0})
    kept.open_case("alarm", now=NOW, facts=ALARM)

    asked = ((1, 5, 8), (2, 5, 9), (3, 2, 9), (4, 5, 9), (2, 5, 9))
    of_team = [replace(question(n, officer), team_id=team) for n, officer, team in asked]

    # After the alarm of 2 their colleague 5 is rescheduled too, as on a day that a lot fell on.
    said = [answers.decide(one, kept) for one in of_team]
    assert said == ["rescheduled", "go", "rescheduled", "rescheduled", "go"]


def test_an_alarm_of_the_second_officer_names_them_and_reschedules_both() -> None:
    facts = replace(ALARM, pin_is_true=True, second_pin_is_true=False, second_officer_id=6)
    kept = Book(draws={f"{officer}:2026-03-02": 0 for officer in (2, 5, 6)})
    case = watch.take(SealedBox(1, seal(facts, DESK)), KEY, kept, now=NOW)

    assert case is not None
    assert "another PIN of the second officer" in about(case)
    assert "second officer 6" in about(case)
    said = [answers.decide(question(number, officer), kept) for number, officer in ((1, 2), (2, 6), (3, 5))]
    assert said == ["rescheduled", "rescheduled", "go"]


def first_rescheduled(days: int, questions: int) -> Counter[int]:
    """On which question of a normal day the trip was rescheduled first, 0 where on none, over many days."""
    found: Counter[int] = Counter()
    for _day in range(days):
        kept = Book()
        said = [answers.decide(question(number), kept) for number in range(1, questions + 1)]
        found[said.index("rescheduled") + 1 if "rescheduled" in said else 0] += 1
    return found


def test_of_days_with_ten_questions_five_percent_are_rescheduled_from_any_of_them_on() -> None:
    """Of 20,000 days 1,000 are expected, at question q 1,000 · (1/q) ÷ 2.929; six standard deviations either way."""
    found = first_rescheduled(20_000, 10)
    weights = [Fraction(1, number) for number in range(1, 11)]

    assert abs(20_000 - found[0] - 1_000) < 6 * 31
    for number, weight in enumerate(weights, 1):
        expected = float(1_000 * weight / sum(weights))
        assert abs(found[number] - expected) < 6 * expected**0.5, number
        assert found[number] > 0, number  # six deviations of the tenth reach below nothing


def test_the_lot_falls_beyond_the_tenth_question_too() -> None:
    """About 0.05 ÷ 2.929 · (1/11 + … + 1/14) of all days: 110 of 20,000."""
    found = first_rescheduled(20_000, 14)

    assert all(found[number] for number in range(11, 15))
    assert abs(sum(found[number] for number in range(11, 15)) - 110) < 6 * 10.5


def test_a_silent_server_keeps_what_is_known_and_says_so(tmp_path: Path) -> None:
    def silent(*_asked: object) -> tuple[int, object]:
        raise ServerSilent("URLError")

    looking = watch.Watch(watch.Server(silent), KEY, tmp_path / "desk.book")
    looking.view.book.open_case("alarm", now=NOW, facts=ALARM)

    view = looking.look(NOW)

    assert view.trouble == "URLError"
    assert len(book.load(tmp_path / "desk.book", KEY).open_cases) == 1
    assert any("URLError" in line.text for line in Screen().lines(view, NOW))


def test_token_goes_over_https_or_to_this_machine_only() -> None:
    with pytest.raises(ServerSilent):
        over_http("http://semilla.example.org", "token")
    assert over_http("http://127.0.0.1:8012", "token")
    assert over_http("https://semilla.example.org", "token")


def test_screen_shows_alarms_first_and_drills_as_drills(tmp_path: Path) -> None:
    view = watch.View(Book(), contact_at=NOW, worker_at=NOW - timedelta(minutes=4))
    for facts in (DRILL, ALARM):
        watch.take(SealedBox(1, seal(facts, DESK)), KEY, view.book, now=NOW)
    view.questions, view.proposed = [question(5)], {5: "go"}

    text = [line.text for line in Screen().lines(view, NOW)]

    assert "1" in text[0]
    rows = [line for line in text if "ALARM:" in line or "DRILL:" in line]
    assert ["ALARM" in rows[0], "DRILL" in rows[1]] == [True, True]
    assert any(line.startswith("!") and "240" in line for line in text)


def test_low_screen_keeps_the_chosen_row_and_the_keys_in_sight() -> None:
    view, screen = watch.View(Book(), contact_at=NOW, worker_at=NOW), Screen()
    for _number in range(30):
        view.book.open_case("alarm", now=NOW, facts=ALARM)
    view.questions, view.proposed = [question(5)], {5: "go"}
    whole = screen.lines(view, NOW)

    for _press in range(31):
        shown = screen.lines(view, NOW, 24)
        assert len(shown) == 24
        assert (shown[0], shown[-2:]) == (whole[0], whole[-2:])
        assert sum(line.text.startswith(">") for line in shown) == 1
        screen.press("j", view, NOW)
    assert "WHO ASKS" in "".join(line.text for line in shown)


def test_keys_of_the_screen_note_close_and_answer() -> None:
    view, screen = watch.View(Book()), Screen()
    view.book.open_case("alarm", now=NOW, facts=ALARM)
    view.questions, view.proposed = [question(5)], {5: "go"}

    assert screen.press("c", view, NOW) is False  # no note yet
    for key in ("n", *"hecho", "\n"):
        changed = screen.press(key, view, NOW)
    assert changed
    assert screen.press("c", view, NOW)
    screen.press("r", view, NOW)  # the question is the only row left

    assert view.book.open_cases == []
    assert view.book.cases[0].notes == ["2026-03-02T17:00:00+00:00 hecho"]
    assert view.chosen == {5: "rescheduled"}


def test_messages_of_the_file_outbox_open_on_the_desks_machine(app: Flask, tmp_path: Path, private: Path) -> None:
    confirm_as("pin")
    deliver_due(sender({"MAIL_BACKEND": "file"}, tmp_path), now=utcnow())

    opened = RUNNER.invoke(tool, ["open", str(tmp_path / "outbox"), "--private", str(private)])

    assert [line.split("\t")[-1] for line in opened.output.splitlines()] == ["ALARM"]


PROBE = """
import sys
from grants import create_app
app = create_app({"INSTANCE_PATH": sys.argv[1], "ENVIRONMENT": "test"})
import grants.wsgi, grants.server, grants.cli
from grants.core.jobs import worker_for
worker_for(app)
app.test_client().get("/sign-in")
print(sorted(name for name in sys.modules if name.startswith("grants.delivery.desk.")))
"""


def test_no_server_has_what_opens_a_box_in_memory(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROBE, str(tmp_path)], capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(Path.cwd()), "GRANTS_INSTANCE_PATH": str(tmp_path), "PATH": ""},
    )  # fmt: skip

    assert ran.stdout.strip().splitlines()[-1] == "[]"


def test_no_file_of_the_server_loads_a_private_key_or_unseals() -> None:
    root = Path(watch.__file__).resolve().parents[2]
    words = ("load_pem_private_key", "X25519PrivateKey", "unseal(", "SUITE.decrypt", "import unseal")
    found = [
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if path.parent != root / "delivery" / "desk" and any(word in path.read_text() for word in words)
    ]

    assert found == []


def test_the_tool_runs_without_database_or_keys_of_the_server(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "grants.cli", "desk", "keygen", "--private", "desk.pem", "--public", "public.pem"],
        capture_output=True, text=True, check=True, cwd=tmp_path,
        env={"PYTHONPATH": str(Path.cwd()), "PATH": "", "GRANTS_DESK_LANGUAGE": "en"},
    )  # fmt: skip

    assert sorted(path.name for path in tmp_path.iterdir()) == ["desk.pem", "public.pem"]
    assert "private" in ran.stdout
