"""Training's pages."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, page_marker
from grants.people.queries import get_person
from grants.training import queries, services
from grants.training.forms import CompletionForm, CourseForm, EnrolForm
from grants.training.models import Course
from grants.training.words import KIND_NAMES

bp = Blueprint("training", __name__, url_prefix="/courses")


@bp.context_processor
def words() -> dict[str, object]:
    return {"kind_names": KIND_NAMES}


@bp.get("/")
@requires(Permission.MANAGE_TRAINING)
def index() -> ResponseReturnValue:
    page = queries.courses_page(after=page_marker())
    counts = queries.counts_of([course.id for course in page.items])
    return render_template("training/index.html", page=page, counts=counts, nobody=queries.Counts())


@bp.route("/create", methods=["GET", "POST"])
@requires(Permission.MANAGE_TRAINING)
def create() -> ResponseReturnValue:
    form = CourseForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            course = services.create_course(form.facts(), by=current_user, now=utcnow())
            flash(_("Course opened. Now enrol people by folio."), "success")
            return redirect(url_for(".show", course_id=course.id))
    return render_template("training/create.html", form=form)


@bp.get("/<int:course_id>")
@requires(Permission.MANAGE_TRAINING)
def show(course_id: int) -> ResponseReturnValue:
    return _page(queries.get_course(course_id))


@bp.post("/<int:course_id>/enrol")
@requires(Permission.MANAGE_TRAINING)
def enrol(course_id: int) -> ResponseReturnValue:
    course, form = queries.get_course(course_id), EnrolForm()
    rows: list[services.Row] = []
    if form.validate_on_submit():
        with errors_to(form), transaction():
            rows = services.enrol(course, form.typed(), by=current_user, now=utcnow())
    refused = [row for row in rows if row.problem]
    done = len(rows) - len(refused)
    if done:
        flash(ngettext("%(num)d person enrolled.", "%(num)d people enrolled.", done), "success")
    if done and not refused:
        return redirect(url_for(".show", course_id=course.id))
    if done:
        form.folios.data = "\n".join(row.typed for row in refused)
    return _page(course, enrol_form=form, refused=refused)


@bp.post("/<int:course_id>/complete")
@requires(Permission.MANAGE_TRAINING)
def complete(course_id: int) -> ResponseReturnValue:
    course, form = queries.get_course(course_id), CompletionForm()
    finishes, typed = form.rows(request.form)
    rows: dict[int, services.Row] = {}
    day = form.completed_on.data
    if form.validate_on_submit() and day and (finishes or not typed):
        with errors_to(form), transaction():
            rows = services.record_completions(course, finishes, on=day, by=current_user, now=utcnow())
    done = [key for key, row in rows.items() if not row.problem]
    if done:
        flash(ngettext("%(num)d completion recorded.", "%(num)d completions recorded.", len(done)), "success")
    if done and len(done) == len(typed):
        return redirect(url_for(".show", course_id=course.id))
    problems = {key: row.problem for key, row in rows.items() if row.problem}
    problems |= {key: row.problem for key, row in typed.items() if row.problem}
    return _page(course, complete_form=form, typed=typed, problems=problems)


@bp.get("/people/<int:person_id>")
@requires(Permission.VIEW_PERSON)
def of_person(person_id: int) -> ResponseReturnValue:
    person = get_person(person_id)
    return render_template("training/of_person.html", person=person, enrolments=queries.courses_of(person.id))


def _page(course: Course, **shown: object) -> str:
    """The course's page, with a form that needs another look, if there is one."""
    page = queries.enrolments_page(course, after=page_marker())
    counts = queries.counts_of([course.id]).get(course.id, queries.Counts())
    defaults: dict[str, object] = {
        "enrol_form": EnrolForm(formdata=None),
        "complete_form": CompletionForm(formdata=None),
        "refused": [],
        "typed": {},
        "problems": {},
    }
    return render_template("training/show.html", course=course, page=page, counts=counts, **{**defaults, **shown})
