"""Conflicts of interest: what is declared, what is answered, and whom the records suggest to ask."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, false, or_, select
from sqlalchemy.orm import aliased, joinedload

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications.models import Application, ApplicationState, Attachment
from grants.applications.queries import hides_applications
from grants.calls.models import Call
from grants.core.db import Page, db, keyset_page
from grants.evaluation.models import (
    Assignment,
    CallConflict,
    ConflictAnswer,
    ConflictOfInterest,
    Panelist,
    ScoreSheet,
)
from grants.people.models import Consent, Person
from grants.training.models import Completion, Enrolment

Pair = tuple[int, int]  # application, evaluator
CHUNK = 2_000  # applications looked at together


def declared(application_id: Any, evaluator_id: Any) -> ColumnElement[bool]:
    """Whether this evaluator declared a conflict about this application, or about its whole call."""
    one = select(ConflictOfInterest.id).where(
        ConflictOfInterest.application_id == application_id, ConflictOfInterest.evaluator_id == evaluator_id
    )
    about = aliased(Application)
    whole = (
        select(CallConflict.id)
        .join(about, about.call_id == CallConflict.call_id)
        .where(about.id == application_id, CallConflict.evaluator_id == evaluator_id)
    )
    return or_(one.exists(), whole.exists())


def answered(application_id: Any, evaluator_id: Any) -> ColumnElement[bool]:
    """Whether this evaluator may read: they answered that they have no conflict, or wrote a sheet already."""
    answer = select(ConflictAnswer.id).where(
        ConflictAnswer.application_id == application_id, ConflictAnswer.evaluator_id == evaluator_id
    )
    sheet = aliased(ScoreSheet)
    written = select(sheet.id).where(sheet.application_id == application_id, sheet.evaluator_id == evaluator_id)
    return or_(answer.exists(), written.exists())


@hides_applications
def conflict_declared_by(user: User) -> ColumnElement[bool]:
    """Whether this person declared a conflict about an application, for any statement over applications."""
    return declared(Application.id, user.id)


@hides_applications
def unanswered_by(user: User) -> ColumnElement[bool]:
    """Whether an evaluator still owes the answer about an application they were given: it opens with the answer."""
    if not user.is_a(Role.EVALUATOR):
        return false()
    task = select(Assignment.id).where(
        Assignment.application_id == Application.id, Assignment.evaluator_id == user.id, Assignment.ended_at.is_(None)
    )
    return task.exists() & ~answered(Application.id, user.id)


def has_conflict(user: User, application_id: int) -> bool:
    """Whether this person declared a conflict about the application: then no door opens it to them."""
    found = select(Application.id).where(Application.id == application_id, declared(Application.id, user.id))
    return db.session.scalar(found) is not None


def conflicted_applications(user: User, call_id: int) -> frozenset[int]:
    """Applications of a call about which this person declared a conflict: hidden from them everywhere."""
    found = select(Application.id).where(Application.call_id == call_id, declared(Application.id, user.id))
    return frozenset(db.session.scalars(found))


def has_call_conflict(user: User, call_id: int) -> bool:
    """Whether this person declared that they cannot judge anything in the call."""
    found = select(CallConflict.id).where(CallConflict.call_id == call_id, CallConflict.evaluator_id == user.id)
    return db.session.scalar(found) is not None


def declared_pairs(call: Call, applications: Sequence[int]) -> frozenset[Pair]:
    """All declared conflicts of a call as pairs; one about the whole call counts for each of these applications."""
    single = db.session.execute(
        select(ConflictOfInterest.application_id, ConflictOfInterest.evaluator_id)
        .join(ConflictOfInterest.application)
        .where(Application.call_id == call.id)
    )
    whole = db.session.scalars(select(CallConflict.evaluator_id).where(CallConflict.call_id == call.id)).all()
    return frozenset((row[0], row[1]) for row in single) | {(app, who) for who in whole for app in applications}


def pairs_among(applications: Any) -> frozenset[Pair]:
    """Declared conflicts about these applications (a list or a subquery of ids), whole-call ones included."""
    single = select(ConflictOfInterest.application_id, ConflictOfInterest.evaluator_id).where(
        ConflictOfInterest.application_id.in_(applications)
    )
    whole = (
        select(Application.id, CallConflict.evaluator_id)
        .join(CallConflict, CallConflict.call_id == Application.call_id)
        .where(Application.id.in_(applications))
    )
    return frozenset((row[0], row[1]) for row in db.session.execute(single.union(whole)))


def _unanswered(user: User) -> Select[Assignment]:
    return (
        select(Assignment)
        .join(Assignment.application)
        .where(
            Assignment.evaluator_id == user.id,
            Assignment.ended_at.is_(None),
            Application.state == ApplicationState.SUBMITTED,
            ~declared(Assignment.application_id, Assignment.evaluator_id),
            ~answered(Assignment.application_id, Assignment.evaluator_id),
        )
    )


def to_answer_page(user: User, call: Call, *, after: str | None = None) -> Page[Application]:
    """A page of the call's applications about which this evaluator still has to answer, by folio."""
    theirs = _unanswered(user).with_only_columns(Assignment.application_id)
    statement = (
        select(Application)
        .where(Application.call_id == call.id, Application.id.in_(theirs))
        .options(joinedload(Application.plan), joinedload(Application.person).joinedload(Person.canton))
    )
    return keyset_page(statement, Application.folio, Application.id, after=after)


def tasks_about(applications: Iterable[int], user: User) -> Sequence[Assignment]:
    """One task of this evaluator for each of these applications about which they still have to answer, by id."""
    found: dict[int, Assignment] = {}
    for task in db.session.scalars(
        _unanswered(user).where(Assignment.application_id.in_(list(applications))).order_by(Assignment.id)
    ):
        found.setdefault(task.application_id, task)
    return list(found.values())


def calls_to_answer(user: User) -> Sequence[Call]:
    """The calls in which this evaluator still has to answer about an application, by id."""
    theirs = _unanswered(user).with_only_columns(Application.call_id)
    return db.session.scalars(select(Call).where(Call.id.in_(theirs)).order_by(Call.id)).all()


def is_in_call(user: User, call_id: int) -> bool:
    """Whether this evaluator sits on the call's panel or was given a sheet there."""
    seat = select(Panelist.id).where(Panelist.call_id == call_id, Panelist.evaluator_id == user.id)
    task = (
        select(Assignment.id)
        .join(Assignment.application)
        .where(Application.call_id == call_id, Assignment.evaluator_id == user.id)
    )
    return bool(db.session.scalar(select(or_(seat.exists(), task.exists()))))


def possible_conflicts(pairs: Iterable[Pair]) -> frozenset[Pair]:
    """Those of the pairs about which the evaluator should be asked: the records link the two.

    Same surname and canton, the evaluator's organisation named in the plan or a contact, or earlier contact on
    record. Which of them it is stays here: it would tell who the applicant is.
    """
    wanted: dict[int, set[int]] = {}
    for application, evaluator in pairs:
        wanted.setdefault(application, set()).add(evaluator)
    numbers, found = sorted(wanted), set()
    for start in range(0, len(numbers), CHUNK):
        some = numbers[start : start + CHUNK]
        found |= _linked({number: wanted[number] for number in some})
    return frozenset(found)


def _linked(wanted: dict[int, set[int]]) -> set[Pair]:
    everybody = set().union(*wanted.values())
    applications = _with_people(set(wanted))
    evaluators = {u.id: u for u in db.session.scalars(select(User).where(User.id.in_(everybody)))}
    seats = _seats({a.call_id for a in applications}, evaluators)
    met = _met({a.person_id for a in applications}, set(evaluators))
    found = set()
    for application in applications:
        surnames, text = _surnames(application.person), _text_about(application)
        known = {application.created_by_id, application.person.registered_by_id}
        for who in wanted[application.id] & set(evaluators):
            seat = seats.get((application.call_id, who))
            near = seat is not None and seat.is_near(application.person.canton_code, surnames, text)
            if near or who in known or (application.person_id, who) in met:
                found.add((application.id, who))
    return found


@dataclass(frozen=True, slots=True)
class _Seat:
    """What of an evaluator may point to an applicant: surnames with canton, and the organisation as plain words."""

    canton_code: str | None
    names: frozenset[str]
    organisation: str

    def is_near(self, canton_code: str, surnames: frozenset[str], text: str) -> bool:
        relative = self.canton_code == canton_code and not surnames.isdisjoint(self.names)
        return relative or (bool(self.organisation) and f" {self.organisation} " in text)


def _with_people(numbers: set[int]) -> Sequence[Application]:
    person = joinedload(Application.person).selectinload(Person.contact_points)
    statement = select(Application).options(joinedload(Application.plan), person)
    return db.session.scalars(statement.where(Application.id.in_(numbers)).order_by(Application.id)).all()


def _seats(calls: set[int], evaluators: dict[int, User]) -> dict[Pair, _Seat]:
    statement = select(Panelist).where(Panelist.call_id.in_(calls), Panelist.evaluator_id.in_(evaluators))
    return {
        (seat.call_id, seat.evaluator_id): _Seat(
            seat.canton_code,
            frozenset(_plain(evaluators[seat.evaluator_id].name).split()),
            _plain(seat.organisation),
        )
        for seat in db.session.scalars(statement)
    }


def _met(people: set[int], evaluators: set[int]) -> frozenset[Pair]:
    """Person and evaluator where the evaluator enrolled them, recorded a completion or a consent, or kept a file."""
    enrolled = select(Enrolment.person_id, Enrolment.enrolled_by_id).where(
        Enrolment.person_id.in_(people), Enrolment.enrolled_by_id.in_(evaluators)
    )
    completed = (
        select(Enrolment.person_id, Completion.recorded_by_id)
        .join(Completion.enrolment)
        .where(Enrolment.person_id.in_(people), Completion.recorded_by_id.in_(evaluators))
    )
    consented = select(Consent.person_id, Consent.read_out_by_id).where(
        Consent.person_id.in_(people), Consent.read_out_by_id.in_(evaluators)
    )
    filed = (
        select(Application.person_id, Attachment.uploaded_by_id)
        .join(Attachment.application)
        .where(Application.person_id.in_(people), Attachment.uploaded_by_id.in_(evaluators))
    )
    rows = db.session.execute(enrolled.union(completed, consented, filed))
    return frozenset((row[0], row[1]) for row in rows)


def _surnames(person: Person) -> frozenset[str]:
    return frozenset(_plain(f"{person.first_surname} {person.second_surname or ''}").split())


def _text_about(application: Application) -> str:
    """The plan's texts and whose phones the contacts are, as plain words with blanks around each."""
    plan, points = application.plan, application.person.contact_points
    texts = [plan.venture, plan.description, plan.customers, *(point.owner or "" for point in points)]
    return f" {_plain(' | '.join(texts))} "


def _plain(text: str) -> str:
    """Lower-case words without accents or punctuation, one blank between them."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(letter if letter.isalnum() else " " for letter in letters if not unicodedata.combining(letter))
    return " ".join(kept.split())
