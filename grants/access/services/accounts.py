"""What an administrator does with other people's accounts."""

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, String, and_, case, literal, or_, true, type_coerce, update

from grants.access import queries
from grants.access.models import ApiToken, FactorKind, FactorReset, LoginSession, User
from grants.access.permissions import Role
from grants.access.second_factor import lift
from grants.access.services.invitations import LinkFor, expire_links, send_link
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken


def change_roles(user: User, roles: frozenset[Role], *, by: User, now: datetime) -> None:
    """Give the account these roles and no others, at once."""
    if not roles:
        raise RuleBroken(_("Choose at least one role."), field="roles")
    if user.id == by.id:
        raise RuleBroken(_("You cannot change your own roles. Ask another administrator."), field="roles")
    _change(user, {"roles": roles}, by=by, where=true())
    journal.record(by, "user.roles_changed", user, at=now, roles=sorted(roles))


def deactivate(user: User, *, by: User, now: datetime) -> None:
    """Close the account: its sessions, tokens and links end. What the person did stays in the records."""
    if user.id == by.id:
        raise RuleBroken(_("You cannot deactivate your own account. Ask another administrator."))
    if user.deactivated_at is not None:
        raise RuleBroken(_("This account is already deactivated."))
    _change(user, {"deactivated_at": now}, by=by, where=User.deactivated_at.is_(None))
    end_access(user, now=now)
    journal.record(by, "user.deactivated", user, at=now)


def reactivate(user: User, *, by: User, now: datetime) -> None:
    """Open a deactivated account again, with the password and factor it had."""
    if user.deactivated_at is None:
        raise RuleBroken(_("This account is already active."))
    user.deactivated_at = None
    journal.record(by, "user.reactivated", user, at=now)


def _change(user: User, values: dict[str, Any], *, by: User, where: ColumnElement[bool]) -> None:
    """Change the account while its changer is still an active administrator.

    One statement takes both rows: two administrators who act on each other at once cannot both succeed, so that
    one always remains.
    """
    is_target = and_(User.id == user.id, where)
    administers = type_coerce(User.roles, String).contains(Role.ADMINISTRATOR.value)
    is_changer = and_(User.id == by.id, administers, User.deactivated_at.is_(None))
    columns = {name: getattr(User, name) for name in values}
    changed = db.session.execute(
        update(User)
        .where(or_(is_target, is_changer))
        .values({
            name: case((User.id == user.id, literal(values[name], column.type)), else_=column)
            for name, column in columns.items()
        })
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    if rows_hit(changed) != 2:
        raise RuleBroken(_("Somebody else changed this account a moment ago. Open it again."))
    db.session.refresh(user)


def end_access(user: User, *, now: datetime) -> None:
    """End the account's sessions, API tokens and invitation links."""
    for statement in (
        update(LoginSession).where(LoginSession.user_id == user.id, LoginSession.ended_at.is_(None))
        .values(ended_at=now),
        update(ApiToken).where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None)).values(revoked_at=now),
    ):  # fmt: skip
        db.session.execute(statement.execution_options(synchronize_session=False))
    expire_links(user, now=now)


def unlock(user: User, *, by: User | None, now: datetime) -> None:
    """Forget the wrong attempts counted against the account. Its owner proved who they are to `by`."""
    if by is not None and user.id == by.id:
        raise RuleBroken(_("You cannot unlock your own account. Ask another administrator."))
    for counter in queries.counters(user):
        lift(counter.kind, counter.subject)
    user.suspended_at = None
    journal.record(by, "user.unlocked", user, at=now)


def reinvite(user: User, *, link_for: LinkFor, by: User | None, now: datetime) -> str:
    """A fresh link for somebody who has not finished the first one."""
    factor = queries.factor(user, FactorKind.LOGIN)
    if factor is not None and factor.confirmed_at is not None:
        raise RuleBroken(_("This account is already in use. If the phone is lost, ask for a reset."))
    if user.deactivated_at is not None:
        raise RuleBroken(_("Reactivate the account first."))
    return send_link(user, link_for=link_for, by=by, now=now)


def request_reset(user: User, reason: str, *, by: User, now: datetime) -> FactorReset:
    """Ask that somebody's password and factors be made new. A second administrator decides."""
    if user.id == by.id:
        raise RuleBroken(_("You cannot ask for a reset of your own account. Ask another administrator."))
    if queries.open_reset(user) is not None:
        raise RuleBroken(_("A reset of this account already waits for a second administrator."))
    request = FactorReset(user_id=user.id, requested_by_id=by.id, requested_at=now, reason=reason)
    db.session.add(request)
    journal.record(by, "reset.requested", user, at=now)
    return request


def approve_reset(request: FactorReset, *, link_for: LinkFor, by: User, now: datetime) -> str:
    """Carry the reset out: sessions, seeds and recovery codes go, and a fresh link is returned."""
    if by.id in (request.requested_by_id, request.user_id):
        raise RuleBroken(_("A reset needs two people: another administrator must approve it, not the account's owner."))
    approved = db.session.execute(
        update(FactorReset)
        .where(FactorReset.id == request.id, FactorReset.approved_at.is_(None))
        .values(approved_at=now, approved_by_id=by.id)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(approved) != 1:
        raise RuleBroken(_("This reset was already carried out."))
    user = queries.get_user(request.user_id)
    end_access(user, now=now)
    journal.record(by, "reset.approved", user, at=now, requested_by=request.requested_by_id)
    return send_link(user, link_for=link_for, by=by, now=now)


def withdraw_reset(request: FactorReset, *, by: User, now: datetime) -> None:
    """Drop a request that should not be carried out."""
    if request.approved_at is not None:
        raise RuleBroken(_("This reset was already carried out."))
    journal.record(by, "reset.withdrawn", "user", at=now, user=request.user_id)
    db.session.delete(request)
