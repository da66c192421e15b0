"""People's pages."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import local_day, utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, onward_links, page_marker
from grants.people import queries, services
from grants.people.forms import (
    ConsentForm,
    ContactForm,
    DocumentForm,
    EditForm,
    FilterForm,
    FindForm,
    RegisterForm,
    VerifyForm,
)
from grants.people.models import GROUP_NAMES, SEX_NAMES, ConsentPurpose, IdentityDocument
from grants.people.words import CONTACT_NAMES, DOCUMENT_NAMES, DOUBTS, PURPOSE_NAMES, SPOKEN_LANGUAGES

bp = Blueprint("people", __name__, url_prefix="/people")


@bp.context_processor
def words() -> dict[str, object]:
    return {
        "contact_names": CONTACT_NAMES,
        "document_names": DOCUMENT_NAMES,
        "doubts": DOUBTS,
        "group_names": GROUP_NAMES,
        "purpose_names": PURPOSE_NAMES,
        "sex_names": SEX_NAMES,
        "spoken_languages": SPOKEN_LANGUAGES,
        "today": local_day(utcnow()),
    }


@bp.get("/")
@requires(Permission.VIEW_PERSON)
def index() -> ResponseReturnValue:
    form = FilterForm(request.args)
    chosen = form.chosen()
    page = queries.people_page(**chosen, after=page_marker())
    return render_template("people/index.html", page=page, form=form, find=FindForm(), filters=form.address())


@bp.post("/find")
@requires(Permission.VIEW_PERSON)
def find() -> ResponseReturnValue:
    """By POST: a document number or a phone must not stand in an address."""
    form, found = FindForm(), None
    if form.validate_on_submit():
        person = queries.find_by_folio(form.sought.data or "")
        if person is not None:
            return redirect(url_for(".show", person_id=person.id))
        found = queries.people_by_number(form.sought.data or "", form.phone_country.data)
    return render_template("people/found.html", find=form, found=found)


@bp.route("/register", methods=["GET", "POST"])
@requires(Permission.REGISTER_PERSON)
def register() -> ResponseReturnValue:
    form = RegisterForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            person = services.register(form.registration(local_day(utcnow())), by=current_user, now=utcnow())
            flash(_("Registered. Write the folio down for the person: %(folio)s", folio=person.folio), "success")
            return redirect(url_for(".show", person_id=person.id))
    duplicates = _duplicates(form)
    form.renew_used_key()
    return render_template("people/register.html", form=form, duplicates=duplicates, texts=queries.current_texts())


def _duplicates(form: RegisterForm) -> list[queries.Duplicate]:
    """Whom the form would register again; shown as soon as the numbers can be read."""
    if not form.is_submitted() or form.birth_on is None:
        return []
    return queries.duplicates_of(
        kind=form.document_kind.data,
        issuer=form.document_issuer.data,
        number=form.document_number.data or "",
        phone=form.phone.data or "",
        country=form.phone_country.data,
        birth_on=form.birth_on,
    )


@bp.get("/<int:person_id>")
@requires(Permission.VIEW_PERSON)
def show(person_id: int) -> ResponseReturnValue:
    return _page(person_id, VerifyForm())


def _page(
    person_id: int, form: VerifyForm, *, verifying: int | None = None, revealed: IdentityDocument | None = None
) -> str:
    return render_template(
        "people/show.html",
        person=queries.get_person(person_id),
        form=form,
        verifying=verifying,
        revealed=revealed,
        onward=onward_links("person", person_id),
    )


@bp.route("/<int:person_id>/edit", methods=["GET", "POST"])
@requires(Permission.REGISTER_PERSON)
def edit(person_id: int) -> ResponseReturnValue:
    person = queries.get_person(person_id)
    form = EditForm(data=EditForm.typed_from(person))
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.edit_person(person, form.person_facts(), by=current_user, now=utcnow())
            flash(_("Saved."), "success")
            return redirect(url_for(".show", person_id=person.id))
    return render_template("people/edit.html", form=form, person=person)


@bp.route("/<int:person_id>/documents/add", methods=["GET", "POST"])
@requires(Permission.REGISTER_PERSON)
def add_document(person_id: int) -> ResponseReturnValue:
    person = queries.get_person(person_id)
    form = DocumentForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.add_document(person, form.document_facts(), by=current_user, now=utcnow())
            flash(_("Document added."), "success")
            return redirect(url_for(".show", person_id=person.id))
    return render_template("people/add_document.html", form=form, person=person)


@bp.post("/<int:person_id>/documents/<int:document_id>/look")
@requires(Permission.REGISTER_PERSON)
def look(person_id: int, document_id: int) -> ResponseReturnValue:
    """Show the whole number once, and write down who looked."""
    document = queries.get_document(person_id, document_id)
    with transaction():
        services.look_at_number(document, by=current_user, now=utcnow())
    return _page(person_id, VerifyForm(formdata=None), revealed=document)


@bp.route("/<int:person_id>/contact-points/add", methods=["GET", "POST"])
@requires(Permission.REGISTER_PERSON)
def add_contact_point(person_id: int) -> ResponseReturnValue:
    person = queries.get_person(person_id)
    form = ContactForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.add_contact_point(person, form.contact_facts(), by=current_user, now=utcnow())
            flash(_("Contact added."), "success")
            return redirect(url_for(".show", person_id=person.id))
    return render_template("people/add_contact_point.html", form=form, person=person)


@bp.post("/<int:person_id>/contact-points/<int:point_id>/verify")
@requires(Permission.REGISTER_PERSON)
def verify(person_id: int, point_id: int) -> ResponseReturnValue:
    point = queries.get_contact_point(person_id, point_id)
    form = VerifyForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            day = form.verified_on.data or local_day(utcnow())
            services.verify_contact(point, on=day, by=current_user, now=utcnow())
            flash(_("Contact verified."), "success")
            return redirect(url_for(".show", person_id=person_id))
    return _page(person_id, form, verifying=point_id)


@bp.post("/<int:person_id>/contact-points/<int:point_id>/mark-dead")
@requires(Permission.REGISTER_PERSON)
def mark_dead(person_id: int, point_id: int) -> ResponseReturnValue:
    point = queries.get_contact_point(person_id, point_id)
    with transaction():
        services.mark_contact_dead(point, by=current_user, now=utcnow())
    flash(_("Noted: this contact no longer works."), "success")
    return redirect(url_for(".show", person_id=person_id))


@bp.route("/<int:person_id>/consents/give", methods=["GET", "POST"])
@requires(Permission.REGISTER_PERSON)
def give_consent(person_id: int) -> ResponseReturnValue:
    person = queries.get_person(person_id)
    form = ConsentForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            purpose = ConsentPurpose(form.purpose.data)
            language = form.consent_language.data
            services.give_consent(person, purpose, language=language, by=current_user, now=utcnow())
            flash(_("Permission recorded."), "success")
            return redirect(url_for(".show", person_id=person.id))
    return render_template("people/give_consent.html", form=form, person=person, texts=queries.current_texts())


@bp.post("/<int:person_id>/consents/<int:consent_id>/revoke")
@requires(Permission.REGISTER_PERSON)
def revoke_consent(person_id: int, consent_id: int) -> ResponseReturnValue:
    consent = queries.get_consent(person_id, consent_id)
    with transaction():
        services.revoke_consent(consent, by=current_user, now=utcnow())
    flash(_("Permission withdrawn."), "success")
    return redirect(url_for(".show", person_id=person_id))
