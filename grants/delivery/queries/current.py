"""What holds now for several deliveries at once: the levels' table and the cantons' snapshots, in two statements."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select

from grants.core.db import db
from grants.delivery.levels import DEFAULT_LEVELS, LEVELS, LevelRules
from grants.delivery.models import Delivery, RiskSnapshot
from grants.delivery.queries.risk import protocol_in_force


def levels_in_force() -> dict[int, LevelRules]:
    """What each level asks for now."""
    version = protocol_in_force()
    if version is None:
        return DEFAULT_LEVELS
    return {level: LevelRules.from_json(version.levels[str(level)]) for level in LEVELS}


def current_ones(deliveries: Iterable[Delivery], now: datetime) -> set[int]:
    """Ids of those that may go on: the newest snapshot of the canton is live and no worse than their own level."""
    deliveries = list(deliveries)
    newest = (
        select(RiskSnapshot.canton_code, func.max(RiskSnapshot.in_force_at).label("at"))
        .where(RiskSnapshot.canton_code.in_({one.canton_code for one in deliveries}))
        .group_by(RiskSnapshot.canton_code)
        .subquery()
    )
    same = (RiskSnapshot.canton_code == newest.c.canton_code) & (RiskSnapshot.in_force_at == newest.c.at)
    found = select(RiskSnapshot.canton_code, RiskSnapshot.level, RiskSnapshot.expires_at).join(newest, same)
    levels = {
        canton: level if expires_at > now else None
        for canton, level, expires_at in db.session.execute(found.order_by(RiskSnapshot.id))
    }
    return {one.id for one in deliveries if (levels.get(one.canton_code) or 99) <= (one.level or 0)}
