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
from grants.credit.models import (
    CooperativeSegment,
    Institution,
    InstitutionKind,
    InstitutionLocation,
    LiaisonPost,
)
from grants.credit.queries import posts_of
from grants.credit.services.tokens import end_tokens
from grants.people.models import Canton


@dataclass(frozen=True, slots=True)
class InstitutionFacts:
    """What is known of an institution. `network`: the savings bank's; `canton_code`: where its office is.

    A savings bank lends to its members only, whatever `members_only` says: its statutes allow nothing else.
    """

    name: str
    kind: InstitutionKind
    network: str | None = None
    canton_code: str | None = None
    segment: CooperativeSegment | None = None
    members_only: bool = False


def create_institution(facts: InstitutionFacts, *, by: User, now: datetime) -> Institution:
    """Add an institution that people can be referred to from now on. Names are unique."""
    institution = Institution(created_at=now, is_active=True)
    _write(institution, facts)
    journal.record(by, "institution.created", institution, at=now)
    return institution


def update_institution(institution: Institution, facts: InstitutionFacts, *, by: User, now: datetime) -> None:
    """Change what is known of it; its referrals and linkages stay as they are."""
    _write(institution, facts)
    journal.record(by, "institution.updated", institution, at=now,
                   fields=["name", "kind", "network", "canton_code", "segment", "members_only"])  # fmt: skip


def activate(institution: Institution, *, by: User, now: datetime) -> None:
    """Let people be referred to it again, and its liaisons see them again."""
    institution.is_active = True
    journal.record(by, "institution.activated", institution, at=now)


def deactivate(institution: Institution, *, by: User, now: datetime) -> None:
    """Close it to new referrals; its liaisons see nobody until it is active again, and its programs' tokens end."""
    institution.is_active = False
    end_tokens((post.user_id for post in posts_of(institution)), by=by, now=now)
    journal.record(by, "institution.deactivated", institution, at=now)


def add_location(institution: Institution, canton: Canton, *, by: User, now: datetime) -> InstitutionLocation:
    """From now on it attends this canton's people; with the first one, no longer people from everywhere."""
    place = InstitutionLocation(institution_id=institution.id, canton_code=canton.code)
    try:
        with db.session.begin_nested():
            db.session.add(place)
    except IntegrityError:
        raise RuleBroken(_("This canton is in the list already. Choose another one."), field="canton_code") from None
    journal.record(by, "institution.location_added", institution, at=now, canton_code=canton.code)
    return place


def remove_location(place: InstitutionLocation, *, by: User, now: datetime) -> None:
    """It attends this canton no more; without any canton left, it attends everybody."""
    journal.record(by, "institution.location_removed", "institution", at=now, institution_id=place.institution_id,
                   canton_code=place.canton_code)  # fmt: skip
    db.session.delete(place)


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
    if facts.segment is not None and facts.kind is not InstitutionKind.COOPERATIVE:
        raise RuleBroken(_("Only a cooperative has a segment. Leave it empty."), field="segment")
    institution.name, institution.kind = facts.name, facts.kind
    institution.network, institution.canton_code = facts.network, facts.canton_code
    institution.segment = facts.segment
    institution.members_only = facts.members_only or facts.kind is InstitutionKind.SAVINGS_BANK
    try:
        with db.session.begin_nested():
            db.session.add(institution)
            db.session.flush()
    except IntegrityError:
        raise RuleBroken(_("There is an institution with this name already. Open it in the list."),
                         field="name") from None  # fmt: skip
