"""Symbol cards: issued, printed once, chosen in private, replaced by two people."""

import secrets
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import PICTURES, Picture, SymbolCard
from grants.delivery.symbols import SALT_BYTES, HashCost, hash_codes, new_codes, tag_key
from grants.people.folio import new_folio
from grants.selection.models import Award
from grants.selection.services import claim_active_award


def issue_card(award: Award, *, cost: HashCost, by: User, now: datetime) -> tuple[SymbolCard, list[str]]:
    """A card for who is to receive, and its four codes in the pictures' order. They stay sealed until printed once."""
    claim_active_award(award)
    alternate = queries.live_alternate(award.id)
    salt = secrets.token_bytes(SALT_BYTES)
    codes, tag = new_codes(tag_key(salt))
    card = SymbolCard(
        serial=new_folio("S"),
        person_id=award.application.person_id,
        award_id=award.id,
        alternate_id=alternate.id if alternate else None,
        salt=salt,
        tag=tag,
        hash_memory_kib=cost.memory_kib,
        hash_time_cost=cost.time_cost,
        code_hashes=hash_codes(codes, salt, cost),
        issued_by_id=by.id,
        issued_at=now,
    )
    card.codes = codes
    try:
        with db.session.begin_nested():
            db.session.add(card)
    except IntegrityError as error:
        raise RuleBroken(_("This person already has a card. It can be replaced by two people.")) from error
    journal.record(by, "symbol_card.issued", card, at=now)
    return card, codes


def print_card(card: SymbolCard, *, by: User, now: datetime) -> None:
    """Mark the card printed and wipe its codes: after this nobody can read them again, the application included."""
    _change(
        card,
        (SymbolCard.printed_at.is_(None), SymbolCard.replaced_at.is_(None)),
        _("This card was already printed. If it was lost, it must be replaced by two people."),
        printed_at=now,
        printed_by_id=by.id,
        codes_sealed=None,
    )
    journal.record(by, "symbol_card.printed", card, at=now)


def choose_picture(card: SymbolCard, picture: Picture, *, by: User, now: datetime) -> None:
    """Keep the beneficiary's choice, encrypted and of one length. The journal does not say which."""
    if card.printed_at is None:
        raise RuleBroken(_("Print the card first."))
    _change(
        card,
        (SymbolCard.chosen_at.is_(None), SymbolCard.used_at.is_(None), SymbolCard.replaced_at.is_(None)),
        _("The picture of this card was already chosen."),
        chosen_at=now,
    )
    card.true_picture = str(PICTURES.index(picture))
    db.session.flush()
    journal.record(by, "symbol_card.chosen", card, at=now)


def ask_replacement(card: SymbolCard, *, by: User, now: datetime) -> None:
    """The first of two people who replace a lost, locked or spoiled card."""
    _change(
        card,
        (SymbolCard.used_at.is_(None), SymbolCard.replacement_asked_by_id.is_(None)),
        _("This card cannot be replaced, or its replacement was already asked for."),
        replacement_asked_by_id=by.id,
    )
    journal.record(by, "symbol_card.replacement_asked", card, at=now)


def replace_card(card: SymbolCard, *, cost: HashCost, by: User, now: datetime) -> SymbolCard:
    """The second person ends the card and issues a new one, with the beneficiary present."""
    if card.replacement_asked_by_id is None:
        raise RuleBroken(_("Somebody must ask for the replacement first."))
    if card.replacement_asked_by_id == by.id:
        raise RuleBroken(_("You asked for this replacement. Another person must confirm it."))
    _change(
        card,
        (SymbolCard.used_at.is_(None), SymbolCard.replaced_at.is_(None)),
        _("This card was already used or replaced."),
        replaced_at=now,
        replaced_by_id=by.id,
        codes_sealed=None,
    )
    journal.record(by, "symbol_card.replaced", card, at=now)
    return issue_card(card.award, cost=cost, by=by, now=now)[0]


def refuse_card_maker(card: SymbolCard, officer: User) -> None:
    """Whoever issued or printed a card could have kept its codes, and whoever named its holder could have named
    anybody: another officer confirms with it."""
    if officer.id in (card.issued_by_id, card.printed_by_id):
        raise RuleBroken(_("The officer of this delivery made its symbol card. Another officer must carry it."))
    if card.alternate_id is not None and queries.registered_by(card.alternate_id) == officer.id:
        raise RuleBroken(_("The officer of this delivery registered who receives it. Another officer must carry it."))


def _change(card: SymbolCard, where: tuple[ColumnElement[bool], ...], refusal: object, **values: object) -> None:
    changed = db.session.execute(
        update(SymbolCard)
        .where(SymbolCard.id == card.id, *where)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(changed) != 1:
        raise RuleBroken(refusal)
    db.session.refresh(card)
