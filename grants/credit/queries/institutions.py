"""Institutions and the posts of their liaisons."""

from sqlalchemy import String, select, type_coerce
from sqlalchemy.orm import joinedload

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.db import Page, db, get_or_refuse, keyset_page, one_or_refuse
from grants.credit.models import Institution, LiaisonPost
from grants.people.models import Canton


def get_institution(institution_id: int) -> Institution:
    """The institution, active or not, or 404."""
    return get_or_refuse(Institution, institution_id)


def institutions_page(*, after: str | None) -> Page[Institution]:
    """All institutions by name, with their cantons."""
    statement = select(Institution).options(joinedload(Institution.canton))
    return keyset_page(statement, Institution.name, Institution.id, after=after)


def active_institutions() -> list[Institution]:
    """Those that people can be referred to, by name."""
    statement = select(Institution).where(Institution.is_active).order_by(Institution.name, Institution.id)
    return list(db.session.scalars(statement))


def all_institutions() -> list[Institution]:
    """Active or not, by name: to narrow a list."""
    return list(db.session.scalars(select(Institution).order_by(Institution.name, Institution.id)))


def all_cantons() -> list[Canton]:
    """Every canton with its province, in the order of the codes."""
    return list(db.session.scalars(select(Canton).options(joinedload(Canton.province)).order_by(Canton.code)))


def liaison_institution(user: User) -> Institution | None:
    """The active institution that this user works for; None without a post, or when it is deactivated."""
    statement = (
        select(Institution)
        .join(LiaisonPost, LiaisonPost.institution_id == Institution.id)
        .where(LiaisonPost.user_id == user.id, Institution.is_active)
    )
    return db.session.scalars(statement).one_or_none()


def liaison_post(user: User) -> LiaisonPost | None:
    """The user's post, whether its institution is active or not."""
    statement = select(LiaisonPost).options(joinedload(LiaisonPost.institution)).where(LiaisonPost.user_id == user.id)
    return db.session.scalars(statement).one_or_none()


def posts_of(institution: Institution) -> list[LiaisonPost]:
    """The institution's liaisons, in the order in which they were assigned."""
    statement = (
        select(LiaisonPost)
        .options(joinedload(LiaisonPost.user))
        .where(LiaisonPost.institution_id == institution.id)
        .order_by(LiaisonPost.id)
    )
    return list(db.session.scalars(statement))


def get_post(institution: Institution, post_id: int) -> LiaisonPost:
    """A post of this institution, or 404."""
    statement = select(LiaisonPost).options(joinedload(LiaisonPost.user))
    return one_or_refuse(statement.where(LiaisonPost.id == findable(post_id),
                                         LiaisonPost.institution_id == institution.id))  # fmt: skip


def free_liaisons() -> list[User]:
    """Active accounts with the role of liaison and without a post, by name."""
    statement = (
        select(User)
        .outerjoin(LiaisonPost, LiaisonPost.user_id == User.id)
        .where(
            LiaisonPost.id.is_(None),
            User.deactivated_at.is_(None),
            User.suspended_at.is_(None),
            # Roles are words in one column, and no other role contains this word.
            type_coerce(User.roles, String).contains(Role.LIAISON.value),
        )
        .order_by(User.id)
    )
    return sorted(db.session.scalars(statement), key=lambda user: (user.name, user.id))


def findable(number: int) -> int:
    """Beyond 31 bits PostgreSQL raises instead of finding nothing; no row has the number -1."""
    return number if 0 <= number < 2**31 else -1
