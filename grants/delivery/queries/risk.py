"""Which risk holds in a canton now, and what its level asks for."""

from datetime import datetime

from sqlalchemy import select

from grants.core.db import db
from grants.delivery.levels import DEFAULT_LEVELS, LevelRules
from grants.delivery.models import ProtocolVersion, RiskSnapshot


def protocol_in_force() -> ProtocolVersion | None:
    """The newest version of the levels' table; None while the starting values hold."""
    return db.session.scalar(select(ProtocolVersion).order_by(ProtocolVersion.number.desc()).limit(1))


def rules(level: int) -> LevelRules:
    """What a level asks for now."""
    version = protocol_in_force()
    if version is None:
        return DEFAULT_LEVELS[level]
    return LevelRules.from_json(version.levels[str(level)])


def newest_snapshot(canton_code: str) -> RiskSnapshot | None:
    """The canton's last snapshot that came into force, expired or not."""
    statement = select(RiskSnapshot).where(
        RiskSnapshot.canton_code == canton_code, RiskSnapshot.in_force_at.is_not(None)
    )
    newest_first = statement.order_by(RiskSnapshot.in_force_at.desc(), RiskSnapshot.id.desc())
    return db.session.scalar(newest_first.limit(1))


def snapshot_in_force(canton_code: str, now: datetime) -> RiskSnapshot | None:
    """The canton's snapshot that holds now. None: nothing is known, or it expired, and so the canton is held."""
    newest = newest_snapshot(canton_code)
    return newest if newest is not None and newest.is_live(now) else None
