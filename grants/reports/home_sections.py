"""What each role's home page answers (PRODUCT.md), put together from the features' own questions."""

from collections.abc import Callable, Sequence
from datetime import datetime

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from grants.access import queries as access
from grants.access.models import User
from grants.access.permissions import Permission
from grants.applications import queries as applications
from grants.calls import queries as calls
from grants.calls.models import STAGE_NAMES
from grants.core import journal
from grants.evaluation import queries as evaluation
from grants.evaluation.models import SESSION_NAMES, Assignment
from grants.pages import day, moment
from grants.people import queries as people
from grants.reports import home_after, home_credit, home_road, home_runs
from grants.reports import queries as reports
from grants.reports.home_papers import files_to_approve
from grants.reports.home_parts import SHOWN, Figure, Line, Section
from grants.reports.risk_sections import risk_of_areas, waiting_for_signature
from grants.selection import queries as selection


def sections_for(user: User, *, now: datetime) -> list[Section]:
    """The sections that the user's permissions open, the most urgent first."""
    return [part for permission, build in SECTIONS if user.may(permission) for part in build(user, now)]


def _sheets(user: User, _now: datetime) -> list[Section]:
    left = evaluation.left_to_score(user)
    first = evaluation.calibration_left(user)
    others = [one for one in evaluation.my_page(user, submitted=False).items if one not in first]
    waiting = [*first, *others][:SHOWN]
    title = ngettext("%(num)d sheet left to score", "%(num)d sheets left to score", left.sheets)
    lines = [
        Line(
            f"{one.application.plan.venture}",
            url_for("evaluation.sheet", assignment_id=one.id),
            " · ".join([one.application.folio, str(STAGE_NAMES[one.stage]), *_due(one)]),
        )
        for one in waiting
    ]
    nothing = (_("Nothing to score now"), _("When the coordinator assigns you an application, it appears here."))
    return [Section(title, lines, nothing=nothing, action=(_("All my sheets"), url_for("evaluation.index")))]


def _due(task: Assignment) -> list[str]:
    return [_("due %(day)s", day=day(task.due_on))] if task.due_on else []


def _pitches(user: User, _now: datetime) -> list[Section]:
    lines = [
        Line(
            moment(one.starts_at),
            url_for("evaluation.panel", pitch_session_id=one.id),
            f"{one.place} · {one.canton.name}",
            str(SESSION_NAMES[one.state]),
            "active" if one.is_running else "quiet",
        )
        for one in evaluation.my_pitch_sessions(user)[:SHOWN]
    ]
    return [Section(_("My pitch sessions"), lines)] if lines else []


def _drafts(user: User, _now: datetime) -> list[Section]:
    drafts = applications.unfinished_drafts(user, limit=SHOWN)
    lines = [
        Line(
            one.plan.venture or one.folio,
            url_for("applications.edit", application_id=one.id),
            _("%(call)s, until %(moment)s", call=one.call.name, moment=moment(one.call.closes_at)),
        )
        for one in drafts
    ]
    nothing = (_("No unfinished applications"), _("Register a person, then start their application from their page."))
    action = (_("Register a person"), url_for("people.register"))
    return [Section(_("Unfinished applications"), lines, nothing=nothing, action=action)]


def _to_call(user: User, now: datetime) -> list[Section]:
    found = people.people_to_call(user, now=now, limit=SHOWN)
    lines = [Line(one.full_name, url_for("people.show", person_id=one.id), one.folio) for one in found]
    nothing = (_("Nobody must be called"), _("All contact points were verified in the last 90 days."))
    return [Section(_("Who must be called"), lines, nothing=nothing)]


def _scoring(_user: User, now: datetime) -> list[Section]:
    lines = []
    for call in calls.published_calls()[:SHOWN]:
        progress = evaluation.call_progress(call)
        detail = ngettext("%(num)d application", "%(num)d applications", progress.applications)
        if progress.needed:
            sheets = _("%(submitted)d of %(needed)d sheets in", submitted=progress.submitted, needed=progress.needed)
            detail = f"{detail} · {sheets}"
        state = _("Open") if call.is_open(now) else _("Window closed")
        tone = "active" if call.is_open(now) else "quiet"
        lines.append(Line(call.name, url_for("evaluation.board", call_id=call.id), detail, state, tone))
    nothing = (_("No call yet"), _("Create a call with its rubric and publish it."))
    return [Section(_("Where scoring stands"), lines, nothing=nothing, action=(_("Calls"), url_for("calls.index")))]


def _appeals(user: User, now: datetime) -> list[Section]:
    """Appeals that wait, the nearest deadline first; no section where none does."""
    lines = [
        Line(
            one.folio,
            url_for("selection.appeal", appeal_id=one.id),
            _("answer due %(moment)s", moment=moment(one.decide_by)),
            _("overdue") if one.is_overdue(now) else _("with its panel") if one.has_panel else _("needs a panel"),
            "bad" if one.is_overdue(now) else "active" if one.has_panel else "warn",
        )
        for one in selection.appeals_waiting(user, limit=SHOWN)
    ]
    action = (_("All appeals"), url_for("selection.appeals"))
    return [Section(_("Appeals that wait"), lines, action=action)] if lines else []


def _to_tell(user: User, _now: datetime) -> list[Section]:
    """Whose result is ready and who must hear it in person; no section where nobody is left."""
    lines = [
        Line(one.application.folio, url_for("selection.result", application_id=one.application_id))
        for one in selection.letters_to_tell(user, limit=SHOWN)
    ]
    return [Section(_("Who must be told in person that their result is ready"), lines)] if lines else []


def _indicators(user: User, _now: datetime) -> list[Section]:
    figures = [
        Figure(
            "—" if count is None else str(count),
            _("%(code)s, target %(target)d", code=frame.code, target=int(frame.target)),
            url_for("reports.results", _anchor=frame.code),
        )
        for frame, count in reports.headlines(protected=not user.may(Permission.OPEN_RESULT_RECORDS))
    ]
    nothing = (_("No indicators yet"), _("The results framework has not been loaded."))
    action = (_("Results"), url_for("reports.results"))
    return [
        Section(_("Indicators against target"), figures=figures, nothing=None if figures else nothing, action=action)
    ]


def _audit(_user: User, _now: datetime) -> list[Section]:
    last = journal.last("journal.verified")
    found = [Figure(moment(last.at), _("last verification of the journal"))] if last else []
    nothing = (_("The journal has not been verified yet"), _("Open the journal and verify it."))
    action = (_("Journal"), url_for("access.journal"))
    return [Section(_("Audit trail"), figures=found, nothing=None if found else nothing, action=action)]


def _accounts(_user: User, now: datetime) -> list[Section]:
    lines = [
        Line(
            one.user.name,
            url_for("access.user", user_id=one.user.id),
            ", ".join(str(access.RISK_NAMES[risk]) for risk in one.risks),
        )
        for one in access.accounts_at_risk(now=now)[:SHOWN]
    ]
    nothing = (_("No account at risk"), _("Locked, unused and incomplete accounts appear here."))
    return [Section(_("Accounts at risk"), lines, nothing=nothing, action=(_("Users"), url_for("access.users")))]


SECTIONS: Sequence[tuple[Permission, Callable[[User, datetime], list[Section]]]] = (
    (Permission.FOLLOW_INCIDENT, home_road.missed_check_ins),
    (Permission.CARRY_DELIVERY, home_road.my_stop),
    (Permission.PLAN_RUN, home_road.to_tell_of_stops),
    (Permission.SCORE_APPLICATION, _pitches),
    (Permission.SCORE_APPLICATION, _sheets),
    (Permission.DECIDE_APPEAL, _appeals),
    (Permission.ASSIGN_EVALUATORS, _scoring),
    (Permission.EDIT_APPLICATION, _drafts),
    (Permission.TELL_RESULT, _to_tell),
    (Permission.REGISTER_PERSON, _to_call),
    (Permission.ISSUE_CARD, files_to_approve),
    (Permission.APPROVE_DELIVERY, home_runs.approvals),
    (Permission.PLAN_RUN, home_runs.runs),
    (Permission.PACK_KIT, home_runs.runs_to_send),
    (Permission.FOLLOW_INCIDENT, home_after.incidents),
    (Permission.DECIDE_DISPUTE, home_after.disputes),
    (Permission.RECONCILE_DELIVERY, home_after.to_reconcile),
    (Permission.MONITOR_DELIVERY, home_after.visits),
    (Permission.PACK_KIT, home_road.kits),
    (Permission.SIGN_RISK, waiting_for_signature),
    (Permission.DECIDE_RISK, risk_of_areas),
    (Permission.ANSWER_STOPS, home_road.alarm_desk),
    (Permission.VIEW_DELIVERY, home_road.on_the_road),
    (Permission.LOG_LINKAGE, home_credit.own_day),
    (Permission.REFER_PERSON, home_credit.stuck),
    (Permission.VIEW_RESULTS, _indicators),
    (Permission.MANAGE_USERS, _accounts),
    (Permission.VIEW_JOURNAL, _audit),
)
