"""Sentences that an applicant understands: the reason of a row, the letter around it, the notice that travels.

All are in the language in force; the caller sets the reader's.
"""

from datetime import datetime

from babel.dates import format_date
from flask_babel import format_decimal, get_locale
from flask_babel import gettext as _

import scoring
from grants.core.clock import PROGRAMME_ZONE
from grants.selection.models import (
    Award,
    AwardState,
    CalledBecause,
    LetterKind,
    LetterRelease,
    Outcome,
    Reason,
    SelectionRow,
)
from grants.selection.queries import Cut, Standing


def reason_sentence(row: SelectionRow, cut: Cut) -> str:
    """Why a row is in, waits or is not ranked, in one sentence. The row's run and call are read along."""
    if row.outcome is Outcome.NOT_RANKED:
        return _why_not_ranked(row)
    return _why_in(row, cut) if row.outcome is Outcome.CHOSEN else _why_waiting(row, cut)


def _why_in(row: SelectionRow, cut: Cut) -> str:
    if row.reason == Reason.BY_POINTS:
        return str(_("In: its %(points)s points reach the cut line of %(cut)s.",
                     points=points(row.points), cut=points(cut.lowest_in)))  # fmt: skip
    if row.reason == Reason.ALL_FIT:
        return str(_("In: there was a place for everybody who could be ranked."))
    if row.points is None:
        return str(_("In: the public lottery gave it place %(place)s of %(places)s.",
                     place=row.place, places=row.selection.places))  # fmt: skip
    return str(_("In: it shares the cut line of %(points)s points with others, and the public lottery gave it the "
                 "place.", points=points(row.points)))  # fmt: skip


def _why_waiting(row: SelectionRow, cut: Cut) -> str:
    number, places = (row.place or 0) - row.selection.places, row.selection.places
    if row.reason == Reason.BELOW_CUT:
        return str(_("Number %(number)s on the waiting list: its %(points)s points are below the cut line of %(cut)s.",
                     number=number, points=points(row.points), cut=points(cut.lowest_in)))  # fmt: skip
    if row.points is None:
        return str(_("Number %(number)s on the waiting list: the public lottery gave the %(places)s places to others.",
                     number=number, places=places))  # fmt: skip
    return str(_("Number %(number)s on the waiting list: it shares the cut line of %(points)s points with others, and "
                 "the public lottery gave them the places.", number=number, points=points(row.points)))  # fmt: skip


def _why_not_ranked(row: SelectionRow) -> str:
    if row.reason == Reason.SHEETS_MISSING:
        return str(_("Not ranked: it has %(reviews)s whole sheets of the %(needed)s that are needed.",
                     reviews=row.reviews, needed=sheets_needed(row)))  # fmt: skip
    grade = row.selection.call.minimum_grade
    if grade is not None:
        return str(_("Not ranked: the person has not completed the training that the call asks for with a grade of at "
                     "least %(grade)s %%.", grade=format_decimal(grade)))  # fmt: skip
    return str(_("Not ranked: the person has not completed the training that the call asks for."))


def sheets_needed(row: SelectionRow) -> int:
    """How many whole sheets the run asked of each application."""
    settings = row.selection.settings
    stages = [stage for stage in ("plan", "pitch") if float(settings.get(f"{stage}_weight", "1"))]
    return int(settings.get("reviews", 0)) * len(stages)


def points(hundredths: int | None) -> str:
    """7400 → '74,00' in Spanish, '74.00' in English."""
    return "—" if hundredths is None else str(format_decimal(scoring.as_points(hundredths), "0.00"))


def when(moment: datetime) -> str:
    """A deadline in full, where the programme works: 'miércoles, 2 de diciembre de 2026, 23:59'."""
    there = moment.astimezone(PROGRAMME_ZONE)
    return f"{format_date(there, 'full', locale=get_locale())}, {there:%H:%M}"


def kind_of(standing: Standing) -> LetterKind:
    """What the letter says: where the application stands now, which may no longer be what the run said."""
    if standing.award is not None:
        return LetterKind.CHOSEN if standing.award.state is AwardState.ACTIVE else LetterKind.CLOSED
    if standing.row.application.withdrawn_at is not None:
        return LetterKind.CLOSED
    return LetterKind.WAITING if standing.entry is not None else LetterKind.NOT_SELECTED


def letter_text(standing: Standing, cut: Cut, release: LetterRelease) -> str:
    """The letter in paragraphs. It names no value, no place and no day on which anything is handed over."""
    kind = kind_of(standing)
    paragraphs = [
        _("About your application %(folio)s to the call “%(call)s”.",
          folio=standing.row.application.folio, call=release.selection.call.name),
        _outcome(kind, standing),
        _reason(kind, standing, cut),
        _what_next(kind),
        _("On this page you see how your application was evaluated: the points, the words of the levels and the "
          "evaluators' comments, without their names."),
        _("If you think that something is wrong, you may appeal once, until %(deadline)s. It costs nothing, and two "
          "or three people who had no part in this result will look at it.", deadline=when(release.appeals_until)),
        _("Everything in the programme is free. Nobody may ask you for money, favours or a part of anything."),
    ]  # fmt: skip
    return "\n\n".join(str(paragraph) for paragraph in paragraphs if paragraph)


def _outcome(kind: LetterKind, standing: Standing) -> str:
    if kind is LetterKind.CHOSEN:
        return str(_("Your application was selected."))
    if kind is LetterKind.WAITING:
        number = standing.entry.position if standing.entry else "—"
        return str(_("Your application is number %(number)s on the waiting list.", number=number))
    if kind is LetterKind.NOT_SELECTED:
        return str(_("Your application was not selected."))
    return str(_("Your application no longer takes part: it was withdrawn, or its award has ended."))


def _reason(kind: LetterKind, standing: Standing, cut: Cut) -> str:
    award = standing.award
    if kind is LetterKind.CHOSEN and award is not None and (award.called_because or award.replaces_id):
        return called_sentence(award)
    return str(_("The reason: %(reason)s", reason=reason_sentence(standing.row, cut)))


def called_sentence(award: Award) -> str:
    """Why this one got a place that became free; empty for an award of the run itself."""
    if award.called_because == CalledBecause.QUOTA_KEPT:
        return str(_("A place became free, and among those waiting this was the best that keeps the quotas of the "
                     "call."))  # fmt: skip
    if award.called_because == CalledBecause.APPEAL:
        return str(_("The place was given because an appeal was upheld."))
    return str(_("A place became free, and this was the next on the waiting list.")) if award.replaces_id else ""


def _what_next(kind: LetterKind) -> str:
    if kind is LetterKind.CHOSEN:
        return str(_("What happens next: somebody of the programme whom you know will speak with you in person. You "
                     "do not have to go anywhere or sign anything before that. For your safety, tell only people whom "
                     "you trust."))  # fmt: skip
    if kind is LetterKind.WAITING:
        return str(_("What happens next: when a place becomes free, the programme calls from the list in its order, "
                     "keeping the quotas of the call. You do not have to do anything."))  # fmt: skip
    if kind is LetterKind.NOT_SELECTED:
        return str(_("What happens next: nothing more in this call. You may apply to the next one; the people who "
                     "registered you will help."))  # fmt: skip
    return str(_("What happens next: nothing more in this call. If this is not what you wanted, tell the people who "
                 "registered you."))  # fmt: skip


def notice_subject() -> str:
    return str(_("There is an answer for you"))


def notice_text(folio: str, release: LetterRelease) -> str:
    """What travels by mail or on paper: alike for everybody, so that it marks nobody as chosen."""
    return "\n\n".join(
        str(paragraph)
        for paragraph in (
            _("The result of your application %(folio)s is ready.", folio=folio),
            _("To see it, open %(address)s and type this folio and a one-time code. Ask for the code where you were "
              "registered: it is given to you in person or sent to you.", address=release.address),
            _("Everybody who applied gets this same message. Whoever disagrees with the result may appeal until "
              "%(deadline)s.", deadline=when(release.appeals_until)),
            _("Everything in the programme is free. Nobody may ask you for money, favours or a part of anything."),
        )
    )  # fmt: skip
