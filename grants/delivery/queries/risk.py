"""Which risk holds in a canton now, what its level asks for, and what other records say of a canton."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from grants.access.models import User
from grants.core.db import Page, db, keyset_page, one_or_refuse, plausible
from grants.core.errors import NotFound
from grants.delivery.levels import DEFAULT_LEVELS, LEVELS, LevelRules
from grants.delivery.models import Hub, LevelsProposal, ProposalState, ProtocolVersion, RiskSnapshot
from grants.people.models import Canton

SignCount = Callable[[datetime], Mapping[str, tuple[int, int | None] | None]]


@dataclass(frozen=True, slots=True)
class RiskSign:
    """What another record says of cantons.

    `count(now)`: canton code → (how many, of how many; None: no whole), or None where few people stand behind it.
    """

    name: Any  # translated, as the risk page shows it
    count: SignCount


risk_signs: list[RiskSign] = []


def risk_sign(name: Any) -> Callable[[SignCount], SignCount]:
    """Show a count by canton on the risk page, for the security desk and the director."""

    def register(count: SignCount) -> SignCount:
        risk_signs.append(RiskSign(name, count))
        return count

    return register


def protocol_in_force() -> ProtocolVersion | None:
    """The newest version of the levels' table; None while the starting values hold. What waits to be signed is none."""
    return db.session.scalar(select(ProtocolVersion).order_by(ProtocolVersion.number.desc()).limit(1))


def protocol_versions() -> Sequence[ProtocolVersion]:
    """All versions of the levels' table, the newest first."""
    return db.session.scalars(select(ProtocolVersion).order_by(ProtocolVersion.number.desc())).all()


def open_proposal() -> LevelsProposal | None:
    """The table that waits for the director, with who proposed it; there is one at most."""
    whole = select(LevelsProposal).options(joinedload(LevelsProposal.proposed_by))
    return db.session.scalar(whole.where(LevelsProposal.state == ProposalState.OPEN))


def get_proposal(proposal_id: int) -> LevelsProposal:
    """A proposed table, whatever became of it; NotFound otherwise."""
    return one_or_refuse(select(LevelsProposal).where(LevelsProposal.id == proposal_id))


def levels_of(version: ProtocolVersion | LevelsProposal | None) -> dict[int, LevelRules]:
    """What each level asks for in a version; the starting values where there is none."""
    if version is None:
        return DEFAULT_LEVELS
    return {level: LevelRules.from_json(version.levels[str(level)]) for level in LEVELS}


def rules(level: int) -> LevelRules:
    """What a level asks for now: the newest version holds for every delivery, whenever it got its level."""
    return levels_of(protocol_in_force())[level]


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


def newest_snapshots(of: Collection[str] | None = None) -> dict[str, RiskSnapshot]:
    """`newest_snapshot` of these cantons, or of every one that has one, by canton code, in one question."""
    other = RiskSnapshot.__table__.alias("other")
    newest = (
        select(other.c.id)
        .where(other.c.canton_code == Canton.code, other.c.in_force_at.is_not(None))
        .order_by(other.c.in_force_at.desc(), other.c.id.desc())
        .limit(1)
        .correlate(Canton)
        .scalar_subquery()
    )
    statement = select(RiskSnapshot).join(Canton, RiskSnapshot.id == newest).order_by(RiskSnapshot.canton_code)
    if of is not None:
        statement = statement.where(Canton.code.in_(of))
    found = db.session.scalars(statement.execution_options(populate_existing=True))
    return {snapshot.canton_code: snapshot for snapshot in found}


def get_snapshot(snapshot_id: int) -> RiskSnapshot:
    """A snapshot with its canton; NotFound otherwise."""
    whole = select(RiskSnapshot).options(joinedload(RiskSnapshot.canton))
    return one_or_refuse(whole.where(RiskSnapshot.id == plausible(snapshot_id)))


def history(canton_code: str, *, after: str | None = None) -> Page[RiskSnapshot]:
    """A page of what was recorded of a canton, the newest first, with who took it."""
    statement = select(RiskSnapshot).options(joinedload(RiskSnapshot.taken_by))
    own = statement.where(RiskSnapshot.canton_code == canton_code)
    return keyset_page(own, RiskSnapshot.id, RiskSnapshot.id, after=after, size=15, descending=True)


def lowerings_to_sign(now: datetime) -> Sequence[RiskSnapshot]:
    """Lower levels that wait for the director and can still be signed, the oldest first, with their canton."""
    followed = RiskSnapshot.__table__.alias("followed")
    taken_over = select(followed.c.id).where(followed.c.follows_id == RiskSnapshot.lowers_id)
    statement = (
        select(RiskSnapshot)
        .options(joinedload(RiskSnapshot.canton), joinedload(RiskSnapshot.taken_by))
        .where(
            RiskSnapshot.lowers_id.is_not(None),
            RiskSnapshot.in_force_at.is_(None),
            RiskSnapshot.withdrawn_at.is_(None),
            RiskSnapshot.expires_at > now,
            ~taken_over.exists(),
        )
    )
    return db.session.scalars(statement.order_by(RiskSnapshot.taken_at, RiskSnapshot.id)).all()


def names_of(snapshots: Sequence[RiskSnapshot]) -> dict[int, str]:
    """The names of who took, signed and withdrew these snapshots, by their number."""
    people = {
        person
        for one in snapshots
        for person in (one.taken_by_id, one.signed_by_id, one.withdrawn_by_id)
        if person is not None
    }
    return {user.id: user.name for user in db.session.scalars(select(User).where(User.id.in_(people)))}


def get_canton(code: str) -> Canton:
    """A canton by its DPA code; NotFound otherwise."""
    if not (code.isascii() and code.isdigit()):
        raise NotFound
    return one_or_refuse(select(Canton).options(joinedload(Canton.province)).where(Canton.code == code))


def hubs(*, canton_code: str | None = None) -> Sequence[Hub]:
    """Hubs in use, of one canton or all, by name."""
    statement = select(Hub).options(joinedload(Hub.canton)).where(Hub.ended_at.is_(None))
    if canton_code is not None:
        statement = statement.where(Hub.canton_code == canton_code)
    return db.session.scalars(statement.order_by(Hub.name, Hub.id)).all()


def get_hub(hub_id: int) -> Hub:
    """A hub in use; NotFound otherwise."""
    return one_or_refuse(select(Hub).where(Hub.id == plausible(hub_id), Hub.ended_at.is_(None)))
