"""`grants users`, `grants journal`, `grants keys`."""

import json
import stat
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select, text

from grants.access import queries
from grants.access.cli import journal as journal_group
from grants.access.cli import keys as keys_group
from grants.access.cli import users as users_group
from grants.access.models import AttemptCounter, Factor, User
from grants.access.permissions import Role
from grants.access.second_factor import LOGIN_CODE
from grants.access.services import reseal_batch
from grants.access.services.keys import sealed_models
from grants.core import journal
from grants.core.clock import utcnow
from grants.core.crypto import keyring, lookup_hash, parse_keys, use_keys
from grants.core.db import db, transaction
from tests.factories.access import make_user
from tests.grants.core.test_journal import DROP_TRIGGERS

GROUPS = {"users": users_group, "journal": journal_group, "keys": keys_group}


@pytest.fixture(autouse=True)
def terminal_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.delenv("GRANTS_KEYS", raising=False)


def run(app: Flask, *words: str) -> Result:
    db.session.commit()
    result = app.test_cli_runner().invoke(GROUPS[words[0]], words[1:])
    db.session.expire_all()
    return result


def test_first_account_is_made_and_its_link_printed(app: Flask) -> None:
    result = run(app, "users", "create", "Ana@Example.org", "Ana Ruiz", "--role", "administrator", "--role", "auditor")
    assert result.exit_code == 0
    path = result.output.strip().partition("/invitation/")[1:]
    assert result.output.startswith("http://")
    user = queries.user_of_email("ana@example.org")
    assert user is not None
    assert (user.name, user.roles) == ("Ana Ruiz", {Role.ADMINISTRATOR, Role.AUDITOR})
    assert app.test_client().get("".join(path)).status_code == 200


def test_duplicate_is_refused_with_a_sentence(app: Flask) -> None:
    run(app, "users", "create", "ana@example.org", "Ana Ruiz", "--role", "administrator")
    result = run(app, "users", "create", "ANA@example.org", "Ana Ruiz", "--role", "auditor")
    assert result.exit_code == 1
    assert "There is already an account with that e-mail." in result.output
    assert len(db.session.scalars(select(User)).all()) == 1


@pytest.mark.parametrize(("email", "name"), [("no es", "Ana"), ("ana@example.org", " "), ("ana@example.org", "a\nb")])
def test_bad_words_are_refused_with_a_sentence(app: Flask, email: str, name: str) -> None:
    result = run(app, "users", "create", email, name, "--role", "administrator")
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert db.session.scalars(select(User)).all() == []


def test_unknown_role_is_refused(app: Flask) -> None:
    result = run(app, "users", "create", "ana@example.org", "Ana", "--role", "king")
    assert result.exit_code == 2
    assert db.session.scalars(select(User)).all() == []


def test_console_speaks_spanish_where_the_terminal_does(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    from grants.access.production import console_language

    assert console_language() == "en"
    monkeypatch.setenv("LC_ALL", "es_EC.UTF-8")
    assert console_language() == "es"


def test_list_shows_every_account(app: Flask) -> None:
    for number in range(27):
        make_user(Role.EVALUATOR, email=f"persona{number}@example.org")
    gone = make_user(Role.OFFICER, email="gone@example.org")
    gone.deactivated_at = utcnow()
    lines = run(app, "users", "list").output.splitlines()
    assert len(lines) == 28
    assert lines[0] == f"{gone.id}\tgone@example.org\tofficer\tdeactivated"
    assert lines[1].endswith("persona26@example.org\tevaluator\tactive")


def test_unlock_forgets_wrong_attempts(app: Flask) -> None:
    user = make_user(Role.EVALUATOR, email="ana@example.org")
    db.session.add(
        AttemptCounter(kind=LOGIN_CODE, subject=str(user.id), fails=10, day_fails=10, day_started_at=utcnow())
    )
    assert run(app, "users", "unlock", "Ana@example.org").exit_code == 0
    assert not queries.is_locked(user, now=utcnow())


def test_unlock_of_nobody_is_refused(app: Flask) -> None:
    result = run(app, "users", "unlock", "nadie@example.org")
    assert result.exit_code == 1
    assert "There is no account with that e-mail." in result.output


# The journal: real commits, since an anchor outlives a rollback.


def note(times: int) -> None:
    for number in range(times):
        with transaction():
            journal.record(None, f"thing.step_{number}", "thing", at=utcnow())


def tamper_for_good(*statements: str) -> None:
    """As somebody who owns the database, without the key."""
    with transaction():
        for statement in (*DROP_TRIGGERS[db.engine.dialect.name], *statements):
            db.session.execute(text(statement))


def anchor_of(app: Flask) -> Path:
    return Path(app.instance_path) / "journal-anchor.json"


def test_whole_journal_holds_and_leaves_a_private_anchor(real_app: Flask) -> None:
    note(5)
    result = run(real_app, "journal", "verify")
    assert (result.exit_code, result.output) == (0, "5 entries hold.\n")
    assert stat.S_IMODE(anchor_of(real_app).stat().st_mode) == 0o600
    assert json.loads(anchor_of(real_app).read_text())["entries"] == 5
    note(2)
    assert run(real_app, "journal", "verify").output == "7 entries hold.\n"
    assert json.loads(anchor_of(real_app).read_text())["entries"] == 7


def test_empty_journal_holds(real_app: Flask) -> None:
    assert run(real_app, "journal", "verify").output == "0 entries hold.\n"
    assert run(real_app, "journal", "verify").exit_code == 0


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE journal_entry SET action = 'x' WHERE id = 3", "Entry 3 of the journal was changed."),
        ("DELETE FROM journal_entry WHERE id = 3", "Entry 3 of the journal was removed."),
        ("DELETE FROM journal_entry WHERE id = 5", "Entry 5 of the journal was removed."),
        ("INSERT INTO journal_entry SELECT 6, at, actor_id, action, subject, subject_id, details, previous, mac "
         "FROM journal_entry WHERE id = 5", "Entry 6 of the journal was inserted."),
    ],
)  # fmt: skip
def test_tampering_is_named_and_ends_with_status_1(real_app: Flask, statement: str, sentence: str) -> None:
    note(5)
    tamper_for_good(statement)
    result = run(real_app, "journal", "verify")
    assert result.exit_code == 1
    assert sentence in result.output
    assert not anchor_of(real_app).exists()


def test_tail_cut_off_with_the_head_set_back_is_found_by_the_anchor(real_app: Flask) -> None:
    note(5)
    run(real_app, "journal", "verify")
    tamper_for_good(
        "DELETE FROM journal_entry WHERE id > 3",
        "UPDATE journal_head SET entries = 3, mac = (SELECT mac FROM journal_entry WHERE id = 3)",
    )
    assert journal.verify().holds
    db.session.rollback()
    result = run(real_app, "journal", "verify")
    assert result.exit_code == 1
    assert "Entry 4 of the journal was removed." in result.output
    assert json.loads(anchor_of(real_app).read_text())["entries"] == 5


def test_tail_written_anew_after_the_cut_is_found_by_the_anchor(real_app: Flask) -> None:
    note(5)
    run(real_app, "journal", "verify")
    tamper_for_good(
        "DELETE FROM journal_entry WHERE id > 3",
        "UPDATE journal_head SET entries = 3, mac = (SELECT mac FROM journal_entry WHERE id = 3)",
    )
    note(4)
    result = run(real_app, "journal", "verify")
    assert result.exit_code == 1
    assert "Entry 5 of the journal was changed." in result.output


def test_damaged_anchor_is_refused_with_a_sentence(real_app: Flask) -> None:
    anchor_of(real_app).write_text("{}")
    result = run(real_app, "journal", "verify")
    assert result.exit_code == 1
    assert "journal-anchor.json cannot be read." in result.output


def test_rotation_encrypts_everything_under_the_new_key(real_app: Flask) -> None:
    before = keyring()
    try:
        with transaction():
            make_user(Role.OFFICER, name="Ana Ruiz", email="ana@example.org")
        seeds = [factor.seed for factor in db.session.scalars(select(Factor).order_by(Factor.id))]
        result = run(real_app, "keys", "rotate")
        assert result.exit_code == 0
        assert result.output.startswith("Key version 2 is in use; 3 rows were encrypted again.")

        path = Path(real_app.instance_path) / "keys.json"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        kept = parse_keys(path.read_text())
        assert (kept.current, set(kept.data), kept.root) == (2, {1, 2}, before.root)

        versions = {int.from_bytes(sealed[:2], "big") for sealed in _sealed_values()}
        assert versions == {2}
        user = db.session.scalars(select(User)).one()
        assert (user.name, user.email) == ("Ana Ruiz", "ana@example.org")
        assert [factor.seed for factor in db.session.scalars(select(Factor).order_by(Factor.id))] == seeds
        assert user.email_lookup == lookup_hash("email", "ana@example.org")
    finally:
        use_keys(before)


def _sealed_values() -> list[bytes]:
    users = db.session.execute(text('SELECT name_sealed, email_sealed FROM "user"')).all()
    factors = db.session.execute(text("SELECT seed_sealed FROM factor")).all()
    return [bytes(value) for row in (*users, *factors) for value in row]


def test_keys_of_the_environment_are_not_rotated_here(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (Path(app.instance_path) / "keys.json").read_text()
    monkeypatch.setenv("GRANTS_KEYS", before)
    result = run(app, "keys", "rotate")
    assert result.exit_code == 1
    assert "The keys come from GRANTS_KEYS." in result.output
    assert (Path(app.instance_path) / "keys.json").read_text() == before


def test_every_encrypted_table_is_found() -> None:
    found = {model.__name__ for model in sealed_models()}
    assert {"User", "Factor", "Person", "IdentityDocument", "ContactPoint", "Delivery", "OutboxMessage"} <= found


def test_batches_reach_every_row_once(app: Flask) -> None:
    ids = [make_user(Role.EVALUATOR).id for _n in range(5)]
    counts, after = [], ids[0] - 1
    while after is not None:
        count, after = reseal_batch(User, after=after, size=2)
        counts.append(count)
    assert counts == [2, 2, 1]
