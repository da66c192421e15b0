"""The migrations build exactly the tables of the models, on both databases, and can be taken back."""

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from grants.core.db import db
from tests.conftest import DATABASES, build


@pytest.fixture(params=DATABASES)
def migrated_app(request: pytest.FixtureRequest, new_database: Callable[[str], str], tmp_path: Path) -> Flask:
    return build(new_database(request.param), tmp_path)


def test_migrations_leave_nothing_to_generate(migrated_app: Flask) -> None:
    with migrated_app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []


def test_migrations_make_the_constraints_of_the_models(migrated_app: Flask) -> None:
    with migrated_app.app_context():
        inspector = inspect(db.engine)
        for table in db.metadata.sorted_tables:
            named = {str(check["name"]) for check in inspector.get_check_constraints(table.name)}
            wanted = {str(c.name) for c in table.constraints if type(c).__name__ == "CheckConstraint"}
            assert wanted <= named, table.name


def test_migrations_protect_the_journal(migrated_app: Flask) -> None:
    with migrated_app.app_context(), db.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO journal_entry (id, at, action, subject, details, previous, mac) "
                "VALUES (1, CURRENT_TIMESTAMP, 'a', 's', '{}', :zeros, :zeros)"
            ),
            {"zeros": bytes(32)},
        )
    with migrated_app.app_context(), db.engine.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
        connection.execute(text("DELETE FROM journal_entry"))


def test_migrations_can_be_taken_back_and_made_again(migrated_app: Flask) -> None:
    with migrated_app.app_context():
        downgrade(revision="base")
        assert set(inspect(db.engine).get_table_names()) == {"alembic_version"}
        upgrade()
        assert set(db.metadata.tables) <= set(inspect(db.engine).get_table_names())
