"""Looking somebody up within one's own institution. Names are sealed: those of its own people are opened, no others."""

import unicodedata
from collections.abc import Sequence

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload

from grants.core.db import db
from grants.credit.models import Institution, Linkage, Referral
from grants.credit.queries.gone import linkage_in_time
from grants.credit.queries.referrals import own_and_consented
from grants.people.folio import normal_folio
from grants.people.models import Person

MOST_OPENED = 3_000  # the newest: beyond that a folio or a number finds what a name does not
MOST_FOUND = 25
SHORTEST = 2


def find_own(institution: Institution, typed: str) -> Sequence[Linkage]:
    """Linkages of this institution by folio, operation number or shared name; the newest first.

    The same statements whatever is typed and whoever knows the person.
    """
    words = _letters(typed).split()
    if not typed.isprintable() or len("".join(words)) < SHORTEST:  # PostgreSQL would raise on what no text can hold
        return []
    found = list(db.session.scalars(_by_number(institution, typed)).unique())
    named = db.session.scalars(_own(institution).limit(MOST_OPENED)).unique()
    found += [one for one in named if one not in found and _is_named(one.referral.short_name, words)]
    return found[:MOST_FOUND]


def _by_number(institution: Institution, typed: str) -> Select[Linkage]:
    folio, number = normal_folio(typed) or "", " ".join(typed.split())
    return _own(institution).where(
        or_(
            Linkage.folio == folio,
            Referral.folio == folio,
            Referral.person_id.in_(select(Person.id).where(Person.folio == folio)),
            func.lower(Linkage.reference) == number.lower(),
        )
    )


def _own(institution: Institution) -> Select[Linkage]:
    return (
        select(Linkage)
        .join(Linkage.referral)
        .join(Referral.consent)
        .options(
            contains_eager(Linkage.referral).contains_eager(Referral.consent),
            contains_eager(Linkage.referral).joinedload(Referral.person),
            joinedload(Linkage.institution),
        )
        .where(own_and_consented(institution), linkage_in_time())
        .order_by(Linkage.id.desc())
    )


def _is_named(name: str, words: Sequence[str]) -> bool:
    """Each word typed begins a word of the name that is shared; what is not shared finds nobody."""
    parts = _letters(name).split()
    return all(any(part.startswith(word) for part in parts) for word in words)


def _letters(text: str) -> str:
    """Without accents, case and punctuation: Núñez is found as nunez."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(letter if letter.isalnum() else " " for letter in plain if not unicodedata.combining(letter))
    return " ".join(kept.split())
