"""Pieces of a printed document: sections of paragraphs, tables, facts and lines of code. Plain data, never markup."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from flask_babel import format_date, format_decimal

from grants.core.clock import local_day
from grants.selection.exports.contents import rounded

Block = dict[str, Any]


def section(title: str, *blocks: Block) -> Block:
    return {"title": title, "blocks": [one for one in blocks if one]}


def text(sentence: str) -> Block:
    return {"kind": "text", "text": sentence}


def code(*lines: str) -> Block:
    """Lines to be read letter by letter."""
    return {"kind": "code", "lines": list(lines)}


def items(sentences: Sequence[str]) -> Block:
    return {"kind": "items", "items": list(sentences)}


def facts(*pairs: tuple[str, str]) -> Block:
    return {"kind": "facts", "pairs": [list(pair) for pair in pairs]}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Block:
    """Columns after the first stand at the right: they hold numbers."""
    return {"kind": "table", "head": list(head), "rows": [list(row) for row in rows]}


def number(value: int | float | Decimal | Fraction | None, digits: int = 2) -> str:
    """A number as the reader's language writes it, with exactly so many decimals."""
    if value is None:
        return "—"
    exact = rounded(value) if isinstance(value, Fraction) else value
    return str(format_decimal(exact, "#,##0." + "0" * digits if digits else "#,##0"))


def whole(value: int) -> str:
    return number(value, 0)


def share(weight: Decimal | Fraction) -> str:
    """A percentage without needless zeros: 60, 33.33."""
    return str(format_decimal(rounded(Fraction(weight)), "#,##0.##"))


def day(moment: datetime | None) -> str:
    return "—" if moment is None else str(format_date(local_day(moment), "d MMMM y"))
