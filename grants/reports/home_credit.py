"""Home pages: what a liaison has to do today, and what a coordinator sees standing still."""

from datetime import date, datetime

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from grants.access.models import User
from grants.core.clock import local_day
from grants.credit import queries as credit
from grants.credit.models import Institution, Linkage, Referral
from grants.credit.queries import queues
from grants.credit.queries.queues import OWN_QUEUES, Queue
from grants.credit.queries.referrals import own_and_consented
from grants.credit.queue_words import QUEUE_EMPTY, QUEUE_NAMES, next_button
from grants.credit.words import STATE_NAMES
from grants.pages import day
from grants.reports.home_parts import SHOWN, Line, Section

FIRST = 3  # of each list on the home page
QUIET = (Queue.APPROVED, Queue.LATE)  # no section where nobody is in them


def own_day(user: User, now: datetime) -> list[Section]:
    """Who waits for the liaison, what is owed this month, what is late: the first of each, a button beside each."""
    institution = credit.liaison_institution(user)
    if institution is None:
        sentence = _("Ask the coordinator to name you liaison of your institution.")
        return [Section(_("Who waits for me"), nothing=(_("You have no institution yet"), sentence))]
    today = local_day(now)
    counted = queues.counts(own_and_consented(institution), OWN_QUEUES, today)
    return [
        _section(queue, count, institution, today) for queue, count in counted.items() if count or queue not in QUIET
    ]


def stuck(_user: User, now: datetime) -> list[Section]:
    """Linkages on their way without a step, across institutions."""
    lines = [_stuck_line(one, local_day(now)) for one in credit.stuck(now, limit=SHOWN)]
    nothing = (_("No linkage is stuck"), _("Every open linkage had a step lately."))
    action = (_("Board of linkages"), url_for("credit.board"))
    return [Section(_("Linkages without a step"), lines, nothing=nothing, action=action)]


def _section(queue: Queue, count: int, institution: Institution, today: date) -> Section:
    """The first of a list, and where the others are."""
    seen = own_and_consented(institution)
    if queue is Queue.ANSWER:
        lines = [_to_answer(one, today) for one in queues.referrals_in(queue, seen, today, size=FIRST).items]
    else:
        lines = [_to_log(one, queue, today) for one in queues.linkages_in(queue, seen, today, size=FIRST).items]
    title = f"{QUEUE_NAMES[queue]}: {count}" if count else str(QUEUE_NAMES[queue])
    action = (_("All of them"), url_for("credit.my_linkages", show=queue.value)) if count > FIRST else None
    return Section(title, lines, nothing=(_("Nothing here"), str(QUEUE_EMPTY[queue])), action=action)


def _to_answer(one: Referral, today: date) -> Line:
    address = url_for("credit.referral", referral_id=one.id)
    if one.expires_on is None:
        detail = _("Referred on %(day)s", day=day(one.referred_at))
    elif one.expires_on <= today:
        detail = _("Last day to answer")
    else:
        left = (one.expires_on - today).days
        detail = ngettext("%(num)d day left to answer", "%(num)d days left to answer", left)
    return Line(one.short_name, address, detail, button=(_("Answer"), address))


def _to_log(one: Linkage, queue: Queue, today: date) -> Line:
    address, following = url_for("credit.linkage", linkage_id=one.id), next_button(one, today)
    button = None
    if following is not None:
        button = (str(following[0]), url_for("credit.quick", linkage_id=one.id, do=following[1]))
    state = str(STATE_NAMES[one.state]) if one.is_open else ""
    return Line(one.referral.short_name, address, _detail(one, queue, today), state, button=button)


def _detail(one: Linkage, queue: Queue, today: date) -> str:
    if queue is Queue.LATE and one.next_due_on is not None:
        said = ngettext("%(num)d day late", "%(num)d days late", (today - one.next_due_on).days)
    elif queue is Queue.OWED and one.reported_on is not None:
        unknown = queues.unknown_from(one.reported_on)
        since = _("unknown since %(day)s", day=day(unknown))
        said = since if unknown <= today else _("unknown from %(day)s", day=day(unknown))
    else:
        said = ngettext("%(num)d day without a step", "%(num)d days without a step", one.days_since_step(today))
    return str(said)


def _stuck_line(one: Linkage, today: date) -> Line:
    detail = ngettext(
        "%(institution)s, %(num)d day without a step",
        "%(institution)s, %(num)d days without a step",
        (today - one.last_step_on).days,
        institution=one.institution.name,
    )
    return Line(one.person.full_name, url_for("credit.linkage", linkage_id=one.id), detail, str(STATE_NAMES[one.state]))
