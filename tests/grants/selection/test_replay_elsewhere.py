"""A run computed on SQLite is computed again on PostgreSQL, from its text alone."""

from collections.abc import Callable
from pathlib import Path

from grants.core.db import db
from grants.selection.models import SelectionRecord, SelectionState
from tests.conftest import build
from tests.factories.selection import make_selection
from tests.grants.selection.test_quotas_in_runs import record, run_of, women_first


def test_other_database_gives_the_same_bytes(new_database: Callable[[str], str], tmp_path: Path) -> None:
    target = tmp_path / "run.json"
    sqlite = build(new_database("sqlite"), tmp_path / "one")
    with sqlite.app_context():
        run = run_of(women_first())
        stated = run.inputs_hash
        texts = record(run).inputs, record(run).result, record(run).result_hash
        db.session.commit()
        done = sqlite.test_cli_runner().invoke(args=["selection", "export-inputs", str(run.id), str(target)])
        again = sqlite.test_cli_runner().invoke(args=["selection", "replay", str(run.id)])
        db.session.remove()
        db.engine.dispose()
    assert (done.exit_code, again.exit_code) == (0, 0)
    assert target.stat().st_mode & 0o077 == 0

    other = build(new_database("postgresql"), tmp_path / "two")
    with other.app_context():
        moved = make_selection(state=SelectionState.SIMULATED, places=2, inputs_hash=stated)
        kept = SelectionRecord(selection_id=moved.id, result_hash=texts[2], software="semilla")
        kept.inputs, kept.result, kept.summary = texts[0], texts[1], "{}"
        db.session.add(kept)
        db.session.commit()
        runner = other.test_cli_runner()
        found = [
            runner.invoke(args=["selection", "replay", str(moved.id)]),
            runner.invoke(args=["selection", "replay", "--file", str(target)]),
        ]
        kept.result = texts[1].replace('"displaced"', '"below_cut"')
        db.session.commit()
        changed = runner.invoke(args=["selection", "replay", str(moved.id)])
        db.session.remove()
        db.engine.dispose()
    assert [(one.exit_code, texts[2] in one.output) for one in found] == [(0, True), (0, True)]
    assert (changed.exit_code, '"below_cut" / "displaced"' in changed.output) == (1, True)
