"""Eight kits of the pilot, each before another pair of hands: from the one to approve to the one on the way."""

from collections.abc import Sequence
from datetime import timedelta

from grants.access.models import User
from grants.access.permissions import Role
from grants.delivery import services
from grants.delivery.models import PICTURES, Delivery
from grants.delivery.signals import Desk
from grants.demo.corner.risk import CALM, KNOWN_ON, TENSE, look_at_cantons, look_at_tense_canton, report_incident
from grants.demo.corner.runs import make_team, plan_tomorrow, send_out
from grants.demo.corner.setting import Setting
from grants.demo.deliveries import CARD_COST
from grants.selection.models import Award

PLANNED_ON, APPROVED_ON, PACKED_ON, SEALED_ON = -12, -10, -6, -5
SOON = timedelta(hours=1)
WEIGHT_GRAMS = 8_400


def build_kits(setting: Setting, awards: Sequence[Award], desk: Desk) -> None:
    """The calm canton has a kit on the way; the tense one has three that the risk decides about."""
    calm = [one for one in awards if one.application.person.canton_code == CALM]
    tense = [one for one in awards if one.application.person.canton_code == TENSE]
    on_the_way, (for_tomorrow, held, to_clear) = calm.pop(0), (tense.pop(0) for _n in range(3))
    to_schedule, to_seal, to_pack, to_approve = calm + tense
    for award in (on_the_way, for_tomorrow, held, to_clear, to_schedule, to_seal, to_pack):
        _card(setting, award)

    look_at_cantons(setting)
    team, vehicle = make_team(setting)
    send_out(setting, team, vehicle, _cleared_in_calm(setting, on_the_way), desk)
    _hold(setting, held)
    tomorrow = _sealed(setting, for_tomorrow)
    services.clear(tomorrow, by=setting.staff[Role.DESK][0], now=setting.now - SOON)
    plan_tomorrow(setting, team, vehicle, tomorrow)
    _sealed(setting, to_clear)
    _cleared_in_calm(setting, to_schedule)
    _packed(setting, to_seal)
    _approved(setting, to_pack)
    _plan(setting, to_approve, by=setting.staff[Role.COORDINATOR][2])
    report_incident(setting)


def _card(setting: Setting, award: Award) -> None:
    """Issued and printed at the signing; the person has chosen their picture."""
    by, now = setting.coordinator, setting.morning(-20)
    card, _codes = services.issue_card(award, cost=CARD_COST, by=by, now=now)
    services.print_card(card, by=by, now=now)
    services.choose_picture(card, setting.chance.choice(PICTURES), by=by, now=now)


def _plan(setting: Setting, award: Award, *, by: User) -> Delivery:
    delivery = services.plan_delivery(award, by=by, now=setting.morning(PLANNED_ON))
    setting.name(delivery, "D")
    return delivery


def _approved(setting: Setting, award: Award) -> Delivery:
    planner, *signers = setting.staff[Role.COORDINATOR]
    delivery = _plan(setting, award, by=planner)
    for signer in signers[:2]:
        services.approve(delivery, by=signer, now=setting.morning(APPROVED_ON))
    return delivery


def _packed(setting: Setting, award: Award) -> Delivery:
    delivery = _approved(setting, award)
    counted = {line.position: line.quantity for line in delivery.lines}
    packer = setting.staff[Role.WAREHOUSE][0]
    services.pack(delivery, counted=counted, serials={}, by=packer, now=setting.morning(PACKED_ON))
    return delivery


def _sealed(setting: Setting, award: Award) -> Delivery:
    """Packed by the first keeper, sealed by the second."""
    delivery, number = _packed(setting, award), f"PR{setting.chance.randrange(10**9):09d}"
    sealer, now = setting.staff[Role.WAREHOUSE][1], setting.morning(SEALED_ON)
    services.seal(delivery, seal_number=number, weight_grams=WEIGHT_GRAMS, by=sealer, now=now)
    return delivery


def _cleared_in_calm(setting: Setting, award: Award) -> Delivery:
    delivery = _sealed(setting, award)
    services.clear(delivery, by=setting.staff[Role.DESK][0], now=setting.morning(KNOWN_ON))
    return delivery


def _hold(setting: Setting, award: Award) -> None:
    """Cleared and held yesterday; with what is known since this morning the desk asks the director to let it go on."""
    desk, delivery = setting.staff[Role.DESK][0], _sealed(setting, award)
    before = look_at_tense_canton(setting, "before")
    services.clear(delivery, by=desk, now=before + SOON)
    services.hold(delivery, by=desk, now=before + 3 * SOON)
    today = look_at_tense_canton(setting, "today")
    services.ask_resume(delivery, by=desk, now=today + SOON)
