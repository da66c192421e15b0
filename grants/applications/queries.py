"""Applications as each reader may see them, and what submitting one depends on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications.models import Application, ApplicationState, Attachment, BusinessPlan
from grants.calls.models import Call, CallState, Rubric
from grants.core.db import Page, db, keyset_page, one_or_refuse, plausible
from grants.core.errors import NotFound
from grants.people.folio import normal_folio
from grants.people.models import Consent, ConsentPurpose, ConsentText, Person
from grants.training.models import Completion, Course, CourseKind, Enrolment

SEES_ALL = (Role.COORDINATOR, Role.MONITORING)

HiddenFrom = Callable[[User], ColumnElement[bool]]
# Which applications are hidden from a user, whatever their roles. Features further down the river add theirs.
_hidden_from: list[HiddenFrom] = []


def hides_applications(condition: HiddenFrom) -> HiddenFrom:
    """Add a condition under which no door of applications opens one to a user."""
    _hidden_from.append(condition)
    return condition


def visible_to(user: User) -> Select[Application]:
    """Applications this user may see: an enumerator their own, coordination and monitoring all, none hidden."""
    found = select(Application).where(*(~hidden(user) for hidden in _hidden_from))
    if any(user.is_a(role) for role in SEES_ALL):
        return found
    return found.where(Application.created_by_id == user.id)


def may_edit(application: Application, user: User) -> bool:
    """Whether this user may change it: who wrote it down, or a coordinator."""
    return user.is_a(Role.COORDINATOR) or (user.is_a(Role.ENUMERATOR) and application.created_by_id == user.id)


def page_of_applications(
    user: User,
    *,
    call_id: int | None = None,
    state: ApplicationState | None = None,
    after: str | None = None,
) -> Page[Application]:
    """Applications by folio with call, person and plan; at most a call and a state are asked for."""
    found = visible_to(user).options(
        joinedload(Application.call),
        joinedload(Application.person),
        joinedload(Application.plan).selectinload(BusinessPlan.items),
        joinedload(Application.created_by),
    )
    if call_id is not None:
        found = found.where(Application.call_id == call_id)
    if state is not None:
        found = found.where(Application.state == state)
    return keyset_page(found, Application.folio, Application.id, after=after)


def get_application(application_id: int, user: User) -> Application:
    """An application with all its page shows; NotFound if this user may not see it."""
    return one_or_refuse(_whole(visible_to(user).where(Application.id == plausible(application_id))))


def by_folio(typed: str, user: User) -> Application:
    """The application of a folio as somebody typed it; NotFound if there is none for this user."""
    folio = normal_folio(typed)
    if folio is None:
        raise NotFound
    return one_or_refuse(_whole(visible_to(user).where(Application.folio == folio)))


def existing(person_id: int, call_id: int, user: User) -> Application | None:
    """This person's application to this call, if this user may see it."""
    found = visible_to(user).where(Application.person_id == person_id, Application.call_id == call_id)
    return db.session.scalars(found).one_or_none()


def of_person(person_id: int, user: User, *, limit: int = 10) -> Sequence[Application]:
    """This person's applications that the user may see, newest first."""
    found = visible_to(user).where(Application.person_id == person_id)
    return db.session.scalars(found.order_by(Application.id.desc()).limit(limit)).all()


def received(typed: str) -> Application:
    """A submitted application by its folio, with its call: for anybody who holds a receipt."""
    folio = normal_folio(typed)
    if folio is None:
        raise NotFound
    found = select(Application).where(Application.folio == folio, Application.submitted_at.is_not(None))
    return one_or_refuse(found.options(joinedload(Application.call)))


def unfinished_drafts(user: User, *, limit: int = 50) -> Sequence[Application]:
    """Drafts this user started, with call and plan: those of calls that close first come first."""
    found = (
        select(Application)
        .join(Application.call)
        .where(Application.created_by_id == user.id, Application.state == ApplicationState.DRAFT)
        .where(Call.state == CallState.PUBLISHED)
        .options(contains_eager(Application.call), joinedload(Application.plan), joinedload(Application.person))
        .order_by(Call.closes_at, Application.id)
        .limit(limit)
    )
    return db.session.scalars(found).unique().all()


def get_attachment(application_id: int, attachment_id: int, user: User) -> Attachment:
    """A file that is still there, of an application this user may see."""
    seen = visible_to(user).where(Application.id == plausible(application_id)).with_only_columns(Application.id)
    found = select(Attachment).where(
        Attachment.id == plausible(attachment_id), Attachment.application_id.in_(seen), Attachment.removed_at.is_(None)
    )
    return one_or_refuse(found.options(joinedload(Attachment.application).joinedload(Application.call)))


def get_person(person_id: int) -> Person:
    """The person who applies; NotFound if there is none."""
    return one_or_refuse(select(Person).where(Person.id == plausible(person_id)))


def person_by_folio(typed: str) -> Person:
    """The person of a folio as somebody typed it."""
    folio = normal_folio(typed)
    if folio is None:
        raise NotFound
    return one_or_refuse(select(Person).where(Person.folio == folio))


def call_by_code(code: str) -> Call:
    """A call that has been published, by its public code."""
    found = select(Call).where(Call.code == code, Call.state != CallState.DRAFT)
    return one_or_refuse(found.options(selectinload(Call.rubrics)))


@dataclass(frozen=True, slots=True)
class Eligibility:
    """What a call asks for and whether the person has it. `grade` is the best one recorded, in percent."""

    course: CourseKind | None
    minimum_grade: Decimal | None
    has_completed: bool
    grade: Decimal | None

    @property
    def is_met(self) -> bool:
        if self.course is None:
            return True
        if self.minimum_grade is None:
            return self.has_completed
        return self.grade is not None and self.grade >= self.minimum_grade


def eligibility(person_id: int, call: Call) -> Eligibility:
    """Whether the person completed a course of the kind the call asks for, with at least its grade."""
    if call.required_course is None:
        return Eligibility(None, None, False, None)
    found = (
        select(Completion.grade)
        .join(Completion.enrolment)
        .join(Enrolment.course)
        .where(Enrolment.person_id == person_id, Course.kind == call.required_course)
    )
    grades = list(db.session.scalars(found))
    best = max((grade for grade in grades if grade is not None), default=None)
    return Eligibility(call.required_course, call.minimum_grade, bool(grades), best)


def grant_consent(person_id: int) -> Consent | None:
    """The person's latest consent to registration, application and evaluation that still holds."""
    found = (
        select(Consent)
        .join(Consent.text)
        .where(Consent.person_id == person_id, Consent.revoked_at.is_(None))
        .where(ConsentText.purpose == ConsentPurpose.GRANT)
        .options(contains_eager(Consent.text))
        .order_by(Consent.id.desc())
        .limit(1)
    )
    return db.session.scalars(found).first()


def grant_consent_text(language: str) -> ConsentText | None:
    """The latest words to read out, in this language or else in Spanish."""
    found = (
        select(ConsentText)
        .where(ConsentText.purpose == ConsentPurpose.GRANT)
        .where(or_(ConsentText.language == language, ConsentText.language == "es"))
        .order_by(ConsentText.version.desc(), ConsentText.id)
    )
    texts = db.session.scalars(found).all()
    return next((text for text in texts if text.language == language), next(iter(texts), None))


def _whole(found: Select[Application]) -> Select[Application]:
    return found.options(
        joinedload(Application.call).selectinload(Call.rubrics),
        joinedload(Application.person),
        joinedload(Application.created_by),
        joinedload(Application.rubric).load_only(Rubric.version),
        joinedload(Application.plan).selectinload(BusinessPlan.items),
        selectinload(Application.attachments),
    )
