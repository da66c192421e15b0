"""A symbol card to try a handover with, by the way that everybody has: re-issued by two people, printed, chosen."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.errors import RuleBroken
from grants.delivery.models import PICTURES, Delivery, Picture
from grants.delivery.queries import live_card
from grants.delivery.services import ask_replacement, choose_picture, issue_card, print_card, replace_card
from grants.delivery.symbols import HashCost


@dataclass(frozen=True, slots=True)
class ReadyCard:
    """What the beneficiary holds and knows: a code beside each picture, and which picture is true."""

    codes: dict[Picture, str]
    true_picture: Picture


def ready_card(delivery: Delivery, picture: Picture, *, cost: HashCost, by: list[User], now: datetime) -> ReadyCard:
    """Give this delivery a fresh card by two demo coordinators. An earlier one ends; nothing is kept but its hashes."""
    coordinators = [user for user in by if user.is_a(Role.COORDINATOR)]
    if len(coordinators) < 2:
        raise RuleBroken(_("There are no demo accounts here. Load the demo with `grants demo load`."))
    first, second, *_rest = coordinators
    card = live_card(delivery.award_id)
    if card is None:
        card = issue_card(delivery.award, cost=cost, by=first, now=now)[0]
    else:
        if card.replacement_asked_by_id is None:
            ask_replacement(card, by=first, now=now)
        asked_by_second = card.replacement_asked_by_id == second.id
        card = replace_card(card, cost=cost, by=first if asked_by_second else second, now=now)
    codes = dict(zip(PICTURES, card.codes or (), strict=True))
    print_card(card, by=first, now=now)
    choose_picture(card, picture, by=first, now=now)
    return ReadyCard(codes, picture)
