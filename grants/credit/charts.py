"""Pictures of the figures about credit; the table beside each has the same numbers. What is hidden has no bar."""

from collections.abc import Sequence

from flask_babel import gettext as _

from grants.credit.tables import Hidden, Table, Value
from grants.evaluation.drawing import DARK, INK, Spec, drawn, quantity

MOST = 30


def people_by_step(table: Table) -> str:
    """The funnel: people by step."""
    return _bars(table, 1, _("People"))


def principal_by_age(table: Table) -> str:
    """Principal owed by days late."""
    return _bars(table, 2, _("Principal owed (USD)"))


def members(table: Table) -> str:
    """Members of each savings bank, as it reported."""
    return _bars(table, 2, _("Members"))


def _bars(table: Table, column: int, title: str) -> str:
    rows: list[Spec] = [
        {"name": str(row[0]), "amount": float(row[column])}  # type: ignore[arg-type]
        for row in table.rows[:MOST]
        if _is_number(row[column])
    ]
    if not any(row["amount"] for row in rows):
        return ""
    return drawn(rows, _layers(title), {})


def _layers(title: str) -> Sequence[Spec]:
    amount = {"x": quantity("amount", title, axis={"tickMinStep": 1})}
    return [
        {"mark": {"type": "bar", "color": DARK}, "encoding": amount},
        {"mark": {"type": "text", "align": "left", "dx": 4, "color": INK, "fontSize": 13},
         "encoding": {**amount, "text": {"field": "amount", "type": "quantitative", "format": ",~f"}}},
    ]  # fmt: skip


def _is_number(value: Value) -> bool:
    return value is not None and not isinstance(value, (str, Hidden))
