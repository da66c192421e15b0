"""Keeping institutions, and who works for them."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.access.permissions import Role
from grants.core import journal
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.credit.models import Institution, InstitutionKind, LiaisonPost
from grants.credit.queries import posts_of
from grants.credit.services.tokens import end_tokens


@dataclass(frozen=True, slots=True)
class InstitutionFacts:
    """What is known of an institution. `network`: the savings bank's; `canton_code`: where its office is."""

    name: str
    kind: InstitutionKind
    network: str | None = None
    canton_code: str | None = None


def create_institution(facts: InstitutionFacts, *, by: User, now: datetime) -> Institution:
    """Add an institution that people can be referred to from now on. Names are unique."""
    institution = Institution(created_at=now, is_active=True)
    _write(institution, facts)
    journal.record(by, "institution.created", institution, at=now)
    return institution


def update_institution(institution: Institution, facts: InstitutionFacts, *, by: User, now: datetime) -> None:
    """Change what is known of it; its referrals and linkages stay as they are."""
    _write(institution, facts)
    journal.record(by, "institution.updated", institution, at=now, fields=["name", "kind", "network", "canton_code"])


def activate(institution: Institution, *, by: User, now: datetime) -> None:
    """Let people be referred to it again, and its liaisons see them again."""
    institution.is_active = True
    journal.record(by, "institution.activated", institution, at=now)


def deactivate(institution: Institution, *, by: User, now: datetime) -> None:
    """Close it to new referrals; its liaisons see nobody until it is active again, and its programs' tokens end."""
    institution.is_active = False
    end_tokens((post.user_id for post in posts_of(institution)), by=by, now=now)
    journal.record(by, "institution.deactivated", institution, at=now)


def assign_liaison(institution: Institution, user: User, *, by: User, now: datetime) -> LiaisonPost:
    """Give a liaison this institution and no other."""
    if not user.is_a(Role.LIAISON) or not user.is_active:
        raise RuleBroken(_("Choose an active account with the role of liaison."), field="user_id")
    post = LiaisonPost(user_id=user.id, institution_id=institution.id)
    try:
        with db.session.begin_nested():
            db.session.add(post)
    except IntegrityError:
        raise RuleBroken(_("This person already works for an institution. Release them there first."),
                         field="user_id") from None  # fmt: skip
    end_tokens([user.id], by=by, now=now)
    journal.record(by, "liaison.assigned", post, at=now, user_id=user.id, institution_id=institution.id)
    return post


def release_liaison(post: LiaisonPost, *, by: User, now: datetime) -> None:
    """Take the institution from a liaison, who sees nobody from now on."""
    journal.record(by, "liaison.released", "liaison_post", at=now, post_id=post.id, user_id=post.user_id,
                   institution_id=post.institution_id)  # fmt: skip
    end_tokens([post.user_id], by=by, now=now)
    db.session.delete(post)


def _write(institution: Institution, facts: InstitutionFacts) -> None:
    institution.name, institution.kind = facts.name, facts.kind
    institution.network, institution.canton_code = facts.network, facts.canton_code
    try:
        with db.session.begin_nested():
            db.session.add(institution)
            db.session.flush()
    except IntegrityError:
        raise RuleBroken(_("There is an institution with this name already. Open it in the list."),
                         field="name") from None  # fmt: skip
