"""Starting, writing, submitting and withdrawing applications, and keeping their files."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.applications import queries
from grants.applications.attachments import CleanFile
from grants.applications.models import Application, ApplicationState, Attachment, BusinessPlan, PlanItem
from grants.calls.models import Call, CallKind, CallState
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.people.folio import new_folio
from grants.people.models import Consent, Person


@dataclass(frozen=True, slots=True)
class ItemFields:
    name: str
    quantity: int
    unit_price_usd: Decimal


@dataclass(frozen=True, slots=True)
class PlanFields:
    """A plan as written so far: anything may still be empty."""

    venture: str
    sector: str | None
    is_existing: bool | None
    description: str
    customers: str
    monthly_sales_usd: Decimal | None
    jobs: int | None
    items: tuple[ItemFields, ...]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something between a draft and its submission, and the field where it is mended."""

    sentence: Any
    field: str | None = None


BeforeWithdrawal = Callable[[Application], None]
# What must hold before an application is withdrawn: each raises RuleBroken. Features further down the river add theirs.
_before_withdrawal: list[BeforeWithdrawal] = []


def asked_before_withdrawal(check: BeforeWithdrawal) -> BeforeWithdrawal:
    """Add a check that may refuse the withdrawal of an application. It runs with the application's row claimed."""
    _before_withdrawal.append(check)
    return check


class StalePlan(RuleBroken):
    """Somebody saved a newer text meanwhile. Nothing was overwritten."""


def start(person: Person, call: Call, *, by: User, now: datetime) -> Application:
    """Begin a draft. RuleBroken when the call takes no applications or the person has one already."""
    if not call.is_open(now):
        raise RuleBroken(_closed_sentence(call, now), field="call_id")
    application = Application(
        folio=new_folio("A"),
        call_id=call.id,
        person_id=person.id,
        rubric_id=call.rubric.id,
        state=ApplicationState.DRAFT,
        created_by_id=by.id,
        created_at=now,
    )
    application.plan = BusinessPlan(saved_at=now, revision=0)
    db.session.add(application)
    try:
        db.session.flush()
    except IntegrityError as error:
        raise RuleBroken(_("This person already has an application to this call."), field="call_id") from error
    journal.record(by, "application.started", application, at=now, call_id=call.id, person_id=person.id)
    return application


def save_plan(application: Application, fields: PlanFields, *, revision: int, by: User, now: datetime) -> int:
    """Keep what was written over `revision`, and give the new revision. StalePlan if a newer one was saved."""
    _ask_editor(application, by)
    _hold_draft(application)
    columns = asdict(fields)
    columns.pop("items")
    plan = application.plan
    saved = (
        update(BusinessPlan)
        .where(BusinessPlan.id == plan.id, BusinessPlan.revision == revision)
        .values(revision=revision + 1, saved_at=now, **columns)
    )
    if rows_hit(db.session.execute(saved)) != 1:
        raise StalePlan(_("A newer text of this plan was saved meanwhile. Compare the two before you save yours."))
    db.session.execute(delete(PlanItem).where(PlanItem.plan_id == plan.id))
    db.session.add_all(
        PlanItem(plan_id=plan.id, position=position, **asdict(item)) for position, item in enumerate(fields.items, 1)
    )
    db.session.flush()
    db.session.expire(plan)
    journal.record(by, "application.saved", application, at=now, revision=revision + 1)
    return revision + 1


def submit(application: Application, *, consents: bool, by: User, now: datetime) -> None:
    """Hand the application in: complete, in time, by somebody eligible who consents. Happens once."""
    _ask_editor(application, by)
    if not application.is_draft:
        raise RuleBroken(_not_draft(application))
    for obstacle in obstacles(application, now=now):
        raise RuleBroken(obstacle.sentence, field=obstacle.field)
    _hold_draft(application)
    _ask_unchanged(application.plan)
    _record_consent(application, consents=consents, by=by, now=now)
    rubric = application.call.rubric
    handed_in = (
        update(Application)
        .where(Application.id == application.id, Application.state == ApplicationState.DRAFT)
        .values(state=ApplicationState.SUBMITTED, submitted_at=now, rubric_id=rubric.id)
    )
    if rows_hit(db.session.execute(handed_in)) != 1:
        raise RuleBroken(_("This application was submitted already."))
    journal.record(by, "application.submitted", application, at=now,
                   call_id=application.call_id, rubric_version=rubric.version)  # fmt: skip


def withdraw(application: Application, *, reason: str, by: User, now: datetime) -> None:
    """Take the application back at the person's wish. It stays on record and cannot be reopened."""
    _ask_editor(application, by)
    if not application.can_move_to(ApplicationState.WITHDRAWN):
        raise RuleBroken(_("This application was withdrawn already."))
    if not reason:
        raise RuleBroken(_("Write why the person withdraws."), field="reason")
    taken_back = (
        update(Application)
        .where(Application.id == application.id, Application.state != ApplicationState.WITHDRAWN)
        .values(state=ApplicationState.WITHDRAWN, withdrawn_at=now, withdrawal_reason=reason)
    )
    if rows_hit(db.session.execute(taken_back)) != 1:
        raise RuleBroken(_("This application was withdrawn already."))
    # After the row is claimed, so that no award is given between the question and the withdrawal.
    for check in _before_withdrawal:
        check(application)
    journal.record(by, "application.withdrawn", application, at=now, from_state=application.state.value)


def attach(application: Application, file: CleanFile, *, name: str, most: int, by: User, now: datetime) -> Attachment:
    """Remember a cleaned file that is already stored under `name`; at most `most` files."""
    _ask_editor(application, by)
    _hold_draft(application)
    db.session.expire(application, ["attachments"])
    if len(application.kept_attachments) >= most:
        raise RuleBroken(_("There is room for %(most)d files. Remove one first.", most=most), field="file")
    attachment = Attachment(
        application_id=application.id,
        storage_name=name,
        media_type=file.media_type,
        size_bytes=len(file.content),
        sha256=file.sha256,
        uploaded_by_id=by.id,
        uploaded_at=now,
    )
    attachment.file_name = file.name
    db.session.add(attachment)
    db.session.flush()
    journal.record(by, "attachment.added", attachment, at=now, application_id=application.id)
    return attachment


def remove_attachment(attachment: Attachment, *, by: User, now: datetime) -> str:
    """Forget a file; gives its storage name, to be deleted from disk once this is committed."""
    _ask_editor(attachment.application, by)
    _hold_draft(attachment.application)
    removed = (
        update(Attachment)
        .where(Attachment.id == attachment.id, Attachment.removed_at.is_(None))
        .values(removed_at=now, file_name_sealed=None)
    )
    if rows_hit(db.session.execute(removed)) != 1:
        raise RuleBroken(_("This file was removed already."))
    journal.record(by, "attachment.removed", attachment, at=now, application_id=attachment.application_id)
    return attachment.storage_name


def obstacles(application: Application, *, now: datetime) -> Sequence[Obstacle]:
    """All that stands between this draft and its submission, in the order of the page. Empty when ready."""
    call, plan = application.call, application.plan
    found = [] if call.is_open(now) else [Obstacle(_closed_sentence(call, now))]
    if not queries.eligibility(application.person_id, call).is_met:
        found.append(Obstacle(_("The person does not meet what the call asks for. Check their training.")))
    found += [Obstacle(sentence, field) for field, sentence in _missing(plan, call.kind).items()]
    if application.left_usd < 0:
        found.append(Obstacle(_("The items cost more than the award: take out USD %(over)s.",
                                over=f"{-application.left_usd:.2f}"), "items"))  # fmt: skip
    return found


def _missing(plan: BusinessPlan, kind: CallKind) -> dict[str, Any]:
    sentences = {
        "venture": (plan.venture, _("Write the name of the venture.")),
        "sector": (plan.sector, _("Choose the sector.")),
        "is_existing": (plan.is_existing is not None, _("Say whether it is a start-up or exists already.")),
        "description": (plan.description, _("Describe what the venture does.")),
        "customers": (plan.customers, _("Write who the customers are.")),
        "monthly_sales_usd": (plan.monthly_sales_usd is not None, _("Write the monthly sales now; 0 if none.")),
        "jobs": (plan.jobs is not None, _("Write how many people work there.")),
        "items": (plan.items, _("List what the award should buy.")),
    }
    # Devices go to those who finished a course: their plan is what the device is for.
    asked = {"description", "items"} if kind is CallKind.DEVICES else set(sentences)
    return {field: sentence for field, (value, sentence) in sentences.items() if field in asked and not value}


def _closed_sentence(call: Call, now: datetime) -> Any:
    if call.state is CallState.PUBLISHED and now < call.opens_at:
        return _("This call is not open yet. What you wrote stays as a draft.")
    return _("This call no longer takes applications: its window is over. What you wrote stays as a draft; "
             "ask the coordinator whether the window will be extended.")  # fmt: skip


def _not_draft(application: Application) -> Any:
    if application.state is ApplicationState.WITHDRAWN:
        return _("This application was withdrawn: it cannot change any more.")
    return _("This application was submitted already: it cannot change any more.")


def _ask_editor(application: Application, by: User) -> None:
    if not queries.may_edit(application, by):
        raise RuleBroken(_("Only who wrote this application down, or a coordinator, may change it."))


def _hold_draft(application: Application) -> None:
    """Make whoever changes this application at the same moment wait, and refuse if it is no longer a draft."""
    still = (
        update(Application)
        .where(Application.id == application.id, Application.state == ApplicationState.DRAFT)
        .values(state=ApplicationState.DRAFT)
    )
    if rows_hit(db.session.execute(still)) != 1:
        db.session.refresh(application, ["state"])
        raise RuleBroken(_not_draft(application))


def _ask_unchanged(plan: BusinessPlan) -> None:
    """Refuse if the text that was found complete is not the text that is stored."""
    same = (
        update(BusinessPlan)
        .where(BusinessPlan.id == plan.id, BusinessPlan.revision == plan.revision)
        .values(revision=plan.revision)
    )
    if rows_hit(db.session.execute(same)) != 1:
        raise StalePlan(_("The plan was changed a moment ago on another device. Read it again before you submit."))


def _record_consent(application: Application, *, consents: bool, by: User, now: datetime) -> None:
    person = application.person
    if queries.grant_consent(person.id) is not None:
        return
    text = queries.grant_consent_text(person.language)
    if not consents or text is None:
        raise RuleBroken(_("Read the consent out to the person and record that they agree."), field="consents")
    consent = Consent(person_id=person.id, text_id=text.id, read_out_by_id=by.id, given_at=now)
    db.session.add(consent)
    db.session.flush()
    journal.record(by, "consent.given", consent, at=now, person_id=person.id, purpose="grant")
