"""How many statements a request sends."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from grants.core.db import db


def queries_of(call: Callable[[], Any]) -> int:
    """The SELECTs and changes that a request sends; savepoints of the test itself are left out."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            seen.append(statement)

    connection = db.session.connection()
    event.listen(connection.engine, "before_cursor_execute", note)
    try:
        answer = call()
    finally:
        event.remove(connection.engine, "before_cursor_execute", note)
    assert answer.status_code == 200
    return len(seen)
