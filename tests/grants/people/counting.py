"""How many queries a page costs."""

from flask.testing import FlaskClient
from sqlalchemy import Engine, event


def queries_of(browser: FlaskClient, path: str) -> int:
    """How many SELECTs and writes one GET of this page costs."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN")):
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        answer = browser.get(path)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert answer.status_code == 200, path
    return len(seen)
