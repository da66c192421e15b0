"""How Alembic reaches the application's database and models."""

from typing import Any

from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask import current_app

from grants.access.models import Names
from grants.core.db import Moment, Usd

PLAIN_TYPES = {
    Moment: "sa.DateTime(timezone=True)",
    Usd: "sa.Numeric(14, 2)",
    Names: "sa.String(1200)",
}


def plain_type(kind: str, item: Any, _autogen: AutogenContext) -> str | bool:
    """Write our own column types as SQLAlchemy's, so that old revisions do not depend on today's code."""
    return PLAIN_TYPES.get(type(item), False) if kind == "type" else False


def run() -> None:
    database = current_app.extensions["migrate"].db
    with database.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            render_item=plain_type,
            compare_type=True,
            render_as_batch=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
