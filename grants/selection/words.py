"""Why a row is in or out, in one sentence that an applicant understands. True for each reason, in either language."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import format_decimal, gettext

import scoring
from grants.selection.models import Departure, Direction, Outcome, Reason, Selection, SelectionRow


def _(sentence: str, **values: Any) -> str:
    return str(gettext(sentence, **values))


@dataclass(frozen=True, slots=True)
class Explained:
    """A row with what its sentence needs. `cut` and points in hundredths.

    `quotas`: in words, those that explain the outcome; None for a reader who may not know a person's groups.
    """

    row: SelectionRow
    cut: int | None
    places: int
    needed: int
    quotas: Sequence[str] | None = None
    departure: Departure | None = None

    @property
    def turn(self) -> int:
        """The number on the waiting list."""
        return (self.row.place or 0) - self.places


def why(one: Explained) -> str:
    """The sentence of a row."""
    if one.departure is not None:
        put_in = one.departure.direction is Direction.PUT_IN
        return _("In by a decision against the order, with its reason in the act.") if put_in else _(
            "Out by a decision against the order, with its reason in the act."
        )  # fmt: skip
    sentence = SENTENCES.get(one.row.reason, _not_eligible)(one)
    extra = _short(one)
    return f"{sentence} {extra}" if extra else sentence


def hundredths(number: int | None) -> str:
    """7400 → '74,00' in Spanish, '74.00' in English."""
    return "—" if number is None else str(format_decimal(scoring.as_points(number), "0.00"))


def needed_sheets(selection: Selection) -> int:
    """How many whole sheets the run asked of each application."""
    settings = selection.settings
    stages = sum(1 for stage in ("plan", "pitch") if float(settings.get(f"{stage}_weight", "1")))
    return int(settings.get("reviews", 0)) * stages


def _named(one: Explained) -> str:
    """The quotas between their marks; "a quota of the call" where the reader may not know which."""
    if not one.quotas:
        return _("a quota of the call")
    return _("the quota %(names)s", names=", ".join(f"“{name}”" for name in one.quotas))


def _numbers(one: Explained) -> dict[str, Any]:
    return {
        "points": hundredths(one.row.points),
        "cut": hundredths(one.cut),
        "number": one.turn,
        "places": one.places,
        "place": one.row.place,
    }


def _by_points(one: Explained) -> str:
    if one.cut is not None and (one.row.points or 0) > one.cut:
        return _("In: its %(points)s points are above the cut line of %(cut)s.", **_numbers(one))
    return _("In: its %(points)s points reach the cut line of %(cut)s.", **_numbers(one))


def _all_fit(_one: Explained) -> str:
    return _("In: there was a place for everybody who could be ranked.")


def _by_lottery(one: Explained) -> str:
    if one.row.points is None:
        return _("In: the public lottery gave it place %(place)s of %(places)s.", **_numbers(one))
    return _("In: it shares the cut line of %(points)s points with others, and the public lottery gave it the place.",
             **_numbers(one))  # fmt: skip


def _by_quota(one: Explained) -> str:
    return _("In through %(quota)s: its %(points)s points are below the cut line of %(cut)s, and places are kept for "
             "this group.", quota=_named(one), **_numbers(one))  # fmt: skip


def _quota_and_lottery(one: Explained) -> str:
    return _("In through %(quota)s: others of the group have the same %(points)s points, and the public lottery gave "
             "it the place.", quota=_named(one), **_numbers(one))  # fmt: skip


def _together(one: Explained) -> str:
    if one.row.outcome is Outcome.CHOSEN:
        return _("In: the list with the most points that meets all quotas together contains it.")
    return _("Number %(number)s on the waiting list: the list with the most points that meets all quotas together does "
             "not contain it.", **_numbers(one))  # fmt: skip


def _below_cut(one: Explained) -> str:
    return _("Number %(number)s on the waiting list: its %(points)s points are below the cut line of %(cut)s.",
             **_numbers(one))  # fmt: skip


def _lottery_lost(one: Explained) -> str:
    if one.row.points is None:
        return _("Number %(number)s on the waiting list: the public lottery gave the %(places)s places to others.",
                 **_numbers(one))  # fmt: skip
    if one.row.points != one.cut:
        return _("Number %(number)s on the waiting list: others of its groups have the same %(points)s points, and the "
                 "public lottery gave them the places.", **_numbers(one))  # fmt: skip
    return _("Number %(number)s on the waiting list: it shares the cut line of %(points)s points with others, and the "
             "public lottery gave them the places.", **_numbers(one))  # fmt: skip


def _quota_full(one: Explained) -> str:
    return _("Number %(number)s on the waiting list: its %(points)s points reach the cut line of %(cut)s, but all the "
             "places that %(quota)s allows are taken.", quota=_named(one), **_numbers(one))  # fmt: skip


def _displaced(one: Explained) -> str:
    return _("Number %(number)s on the waiting list: with its %(points)s points it would be in by points alone, but "
             "places are kept for %(quota)s.", quota=_named(one), **_numbers(one))  # fmt: skip


def _sheets_missing(one: Explained) -> str:
    return _("Not ranked: it has %(reviews)s whole sheets of the %(needed)s that are needed.",
             reviews=one.row.reviews, needed=one.needed)  # fmt: skip


def _not_eligible(_one: Explained) -> str:
    return _("Not ranked: the person has not completed the training that the call asks for.")


SENTENCES: dict[str, Callable[[Explained], str]] = {
    Reason.BY_POINTS.value: _by_points,
    Reason.ALL_FIT.value: _all_fit,
    Reason.BY_LOTTERY.value: _by_lottery,
    Reason.BY_QUOTA.value: _by_quota,
    Reason.QUOTA_AND_LOTTERY.value: _quota_and_lottery,
    Reason.QUOTAS_TOGETHER.value: _together,
    Reason.BELOW_CUT.value: _below_cut,
    Reason.LOTTERY_LOST.value: _lottery_lost,
    Reason.QUOTA_FULL.value: _quota_full,
    Reason.DISPLACED.value: _displaced,
    Reason.SHEETS_MISSING.value: _sheets_missing,
    Reason.NOT_ELIGIBLE.value: _not_eligible,
}
# Where points decided: how many more would have been enough.
BY_THEIR_POINTS = frozenset({Reason.BELOW_CUT, Reason.QUOTA_FULL, Reason.DISPLACED, Reason.QUOTAS_TOGETHER})


def _short(one: Explained) -> str:
    row = one.row
    if row.outcome is not Outcome.WAITING or row.reason not in BY_THEIR_POINTS:
        return ""
    if row.short:
        return _("With %(short)s points more it would have been in.", short=hundredths(row.short))
    return _("The public lottery ordered those with equal points.") if row.settled_by_lottery else ""
