"""One institution on one page: what is agreed with it, where it works, what it offers."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, said_if_refused
from grants.credit import queries
from grants.credit.forms.offers import (
    AgreementForm,
    EndAgreementForm,
    LocationForm,
    ProductForm,
    terms_form,
)
from grants.credit.models import Institution, LinkageKind
from grants.credit.queries import offers, savings_banks
from grants.credit.services import agreements as agreement_services
from grants.credit.services import institutions as institution_services
from grants.credit.services import products as product_services
from grants.credit.views.blueprint import bp

REPORTS_SHOWN = 8


@bp.get("/institutions/<int:institution_id>")
@requires(Permission.MANAGE_INSTITUTION)
def show_institution(institution_id: int) -> ResponseReturnValue:
    institution = offers.whole_institution(institution_id)
    reports = savings_banks.reports_of(institution)
    return render_template(
        "credit/show_institution.html",
        institution=institution,
        agreements=offers.agreements_of(institution),
        products=offers.products_of(institution),
        support=offers.support_of(institution),
        totals=offers.support_totals(institution),
        posts=queries.posts_of(institution),
        reports=reports[:REPORTS_SHOWN],
        corrected=savings_banks.corrected(reports),
    )


@bp.route("/institutions/<int:institution_id>/agreements/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_INSTITUTION)
def new_agreement(institution_id: int) -> ResponseReturnValue:
    institution, form = queries.get_institution(institution_id), AgreementForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            agreement_services.record_agreement(institution, form.facts(), by=current_user, now=utcnow())
            flash(_("The agreement is recorded."), "good")
            return _to_page(institution)
    return render_template("credit/new_agreement.html", form=form, institution=institution)


@bp.route("/institutions/<int:institution_id>/agreements/<int:agreement_id>/end", methods=["GET", "POST"])
@requires(Permission.MANAGE_INSTITUTION)
def end_agreement(institution_id: int, agreement_id: int) -> ResponseReturnValue:
    institution, form = queries.get_institution(institution_id), EndAgreementForm()
    agreement = offers.get_agreement(institution, agreement_id)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            agreement_services.end_agreement(agreement, form.reason(), by=current_user, now=utcnow())
            flash(_("The agreement holds no more. It stays on record."), "good")
            return _to_page(institution)
    return render_template("credit/end_agreement.html", form=form, institution=institution, agreement=agreement)


@bp.route("/institutions/<int:institution_id>/cantons", methods=["GET", "POST"])
@requires(Permission.MANAGE_INSTITUTION)
def locations(institution_id: int) -> ResponseReturnValue:
    institution, cantons = offers.whole_institution(institution_id), queries.all_cantons()
    form = LocationForm().offer(cantons)
    if form.validate_on_submit():
        canton = next(one for one in cantons if one.code == form.canton_code.data)
        with errors_to(form), transaction():
            institution_services.add_location(institution, canton, by=current_user, now=utcnow())
            flash(_("From now on it attends people of this canton."), "good")
            return redirect(url_for(".locations", institution_id=institution.id))
    return render_template("credit/locations.html", form=form, institution=institution)


@bp.post("/institutions/<int:institution_id>/cantons/<int:location_id>/remove")
@requires(Permission.MANAGE_INSTITUTION)
def remove_location(institution_id: int, location_id: int) -> ResponseReturnValue:
    institution = queries.get_institution(institution_id)
    place = offers.get_location(institution, location_id)
    with transaction():
        institution_services.remove_location(place, by=current_user, now=utcnow())
    flash(_("It no longer attends people of this canton."), "good")
    return redirect(url_for(".locations", institution_id=institution.id))


@bp.route("/institutions/<int:institution_id>/products/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_INSTITUTION)
def new_product(institution_id: int) -> ResponseReturnValue:
    institution, form = queries.get_institution(institution_id), ProductForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            product = product_services.add_product(
                institution, LinkageKind(form.kind.data), str(form.name.data), by=current_user, now=utcnow()
            )
            flash(_("The product is in the list. Now write its terms."), "good")
            return redirect(url_for(".new_terms", institution_id=institution.id, product_id=product.id))
    return render_template("credit/new_product.html", form=form, institution=institution)


@bp.route("/institutions/<int:institution_id>/products/<int:product_id>/terms/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_INSTITUTION)
def new_terms(institution_id: int, product_id: int) -> ResponseReturnValue:
    institution = queries.get_institution(institution_id)
    product = offers.get_product(institution, product_id)
    form = terms_form(product)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            product_services.set_terms(product, form.facts(), by=current_user, now=utcnow())
            is_first = len(product.terms) == 1
            flash(_("The terms are recorded.") if is_first
                  else _("The terms are recorded. Those before them end the day before."), "good")  # fmt: skip
            return redirect(url_for(".product", institution_id=institution.id, product_id=product.id))
    return render_template("credit/new_terms.html", form=form, institution=institution, product=product)


@bp.get("/institutions/<int:institution_id>/products/<int:product_id>")
@requires(Permission.MANAGE_INSTITUTION)
def product(institution_id: int, product_id: int) -> ResponseReturnValue:
    institution = queries.get_institution(institution_id)
    found = offers.get_product(institution, product_id)
    return render_template("credit/product.html", institution=institution, product=found)


@bp.post("/institutions/<int:institution_id>/products/<int:product_id>/terms/<int:terms_id>/take-back")
@requires(Permission.MANAGE_INSTITUTION)
def take_back_terms(institution_id: int, product_id: int, terms_id: int) -> ResponseReturnValue:
    product = offers.get_product(queries.get_institution(institution_id), product_id)
    terms = offers.terms_of(product, terms_id)
    with said_if_refused():
        product_services.take_back_terms(terms, by=current_user, now=utcnow())
        flash(_("The terms are taken back. Those before them go on."), "good")
    return redirect(url_for(".product", institution_id=institution_id, product_id=product_id))


def _to_page(institution: Institution) -> ResponseReturnValue:
    return redirect(url_for(".show_institution", institution_id=institution.id))
