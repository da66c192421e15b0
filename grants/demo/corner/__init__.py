"""Work of these days, beside the programme of the report: something to do for every role on the first day.

Built by the features' own services, on days counted back from the day of loading. Nothing here reaches an indicator:
no completion, no handover, no first credit, and nobody who was not registered before.
"""

from collections.abc import Sequence
from datetime import datetime

from grants.delivery.signals import Desk
from grants.demo.corner.credit import build_living, build_referrals
from grants.demo.corner.credit_due import build_due
from grants.demo.corner.deliveries import build_kits
from grants.demo.corner.goods import build_goods
from grants.demo.corner.open_call import build_open_call
from grants.demo.corner.pilot import build_pilot
from grants.demo.corner.risk import CALM, TENSE
from grants.demo.corner.setting import build_setting
from grants.demo.facts import Chance
from grants.demo.staff import Staff
from grants.people.models import Person

PILOT, OPEN_CALL = 10, 12  # people of each


def build_corner(chance: Chance, staff: Staff, people: Sequence[Person], desk: Desk, *, now: datetime) -> None:
    """A pilot call whose kits are on their way, an open call with drafts and sheets to score, people referred.

    `people`: trained and without an award of the reported programme.
    """
    setting = build_setting(chance, staff, now=now)
    chosen = _pilot_first(chance.shuffled(people))
    awards = build_pilot(setting, chosen[:PILOT])
    build_kits(setting, awards, desk)
    build_goods(setting)
    build_open_call(setting, chosen[PILOT : PILOT + OPEN_CALL])
    build_referrals(setting, chosen[PILOT + OPEN_CALL :])
    build_due(setting, list(reversed(chosen[PILOT + OPEN_CALL :])))
    build_living(setting)


def _pilot_first(people: list[Person]) -> list[Person]:
    """Half of the pilot from each canton: whoever is selected, kits go to both."""
    of_both = [one for code in (CALM, TENSE) for one in [p for p in people if p.canton_code == code][: PILOT // 2]]
    return of_both + [one for one in people if one not in of_both]
