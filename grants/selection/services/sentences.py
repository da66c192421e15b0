"""Sentences that an applicant understands: the letter around the reason of a row, and the notice that travels.

All are in the language in force; the caller sets the reader's.
"""

from datetime import datetime

from babel.dates import format_date
from flask_babel import get_locale
from flask_babel import gettext as _

from grants.core.clock import PROGRAMME_ZONE
from grants.selection.models import (
    Award,
    AwardState,
    CalledBecause,
    LetterKind,
    LetterRelease,
)
from grants.selection.queries import Reasons, Standing


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


def letter_text(standing: Standing, reasons: Reasons, release: LetterRelease) -> str:
    """The letter in paragraphs. It names no value, no place and no day on which anything is handed over."""
    kind = kind_of(standing)
    paragraphs = [
        _("About your application %(folio)s to the call “%(call)s”.",
          folio=standing.row.application.folio, call=release.selection.call.name),
        _outcome(kind, standing),
        _reason(kind, standing, reasons),
        _what_next(kind),
        _("On this page you see how your application was evaluated: the points, the words of the levels and the "
          "evaluators' comments, without their names."),
        _("If you think that something is wrong, you may appeal once, until %(deadline)s. It costs nothing, and two "
          "or three people who neither scored it nor decided the result will look at it.",
          deadline=when(release.appeals_until)),
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


def _reason(kind: LetterKind, standing: Standing, reasons: Reasons) -> str:
    award = standing.award
    if kind is LetterKind.CHOSEN and award is not None and (award.called_because or award.replaces_id):
        return called_sentence(award)
    return reasons.sentence(standing.row)


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
