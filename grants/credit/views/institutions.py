"""Institutions and their liaisons: the coordinator's pages."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, page_marker
from grants.credit import queries, services
from grants.credit.forms import InstitutionForm, LiaisonForm
from grants.credit.models import Institution
from grants.credit.views.blueprint import bp


@bp.get("/institutions")
@requires(Permission.MANAGE_INSTITUTION)
def institutions() -> ResponseReturnValue:
    return render_template("credit/institutions.html", page=queries.institutions_page(after=page_marker()))


@bp.route("/institutions/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_INSTITUTION)
def create_institution() -> ResponseReturnValue:
    form = InstitutionForm().offer(queries.all_cantons())
    if form.validate_on_submit():
        with errors_to(form), transaction():
            institution = services.create_institution(form.facts(), by=current_user, now=utcnow())
            flash(_("The institution is in the list. Now say who its liaisons are."), "good")
            return _to_liaisons(institution)
    return render_template("credit/institution.html", form=form, institution=None)


@bp.route("/institutions/<int:institution_id>/edit", methods=["GET", "POST"])
@requires(Permission.MANAGE_INSTITUTION)
def edit_institution(institution_id: int) -> ResponseReturnValue:
    institution = queries.get_institution(institution_id)
    form = InstitutionForm(obj=institution).offer(queries.all_cantons())
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.update_institution(institution, form.facts(), by=current_user, now=utcnow())
            flash(_("Saved."), "good")
            return redirect(url_for(".show_institution", institution_id=institution.id))
    return render_template("credit/institution.html", form=form, institution=institution)


@bp.post("/institutions/<int:institution_id>/activate")
@requires(Permission.MANAGE_INSTITUTION)
def activate_institution(institution_id: int) -> ResponseReturnValue:
    institution = queries.get_institution(institution_id)
    with transaction():
        services.activate(institution, by=current_user, now=utcnow())
    flash(_("People can be referred to this institution again."), "good")
    return _to_liaisons(institution)


@bp.post("/institutions/<int:institution_id>/deactivate")
@requires(Permission.MANAGE_INSTITUTION)
def deactivate_institution(institution_id: int) -> ResponseReturnValue:
    institution = queries.get_institution(institution_id)
    with transaction():
        services.deactivate(institution, by=current_user, now=utcnow())
    flash(_("This institution is closed to new referrals, and its liaisons see nobody."), "good")
    return _to_liaisons(institution)


@bp.route("/institutions/<int:institution_id>/liaisons", methods=["GET", "POST"])
@requires(Permission.MANAGE_INSTITUTION)
def liaisons(institution_id: int) -> ResponseReturnValue:
    institution = queries.get_institution(institution_id)
    free = queries.free_liaisons()
    form = LiaisonForm().offer(free)
    if form.validate_on_submit():
        chosen = next(user for user in free if str(user.id) == form.user_id.data)
        with errors_to(form), transaction():
            services.assign_liaison(institution, chosen, by=current_user, now=utcnow())
            flash(_("From now on this liaison sees the people referred to this institution."), "good")
            return _to_liaisons(institution)
    posts = queries.posts_of(institution)
    return render_template("credit/liaisons.html", form=form, institution=institution, posts=posts, free=free)


@bp.post("/institutions/<int:institution_id>/liaisons/<int:post_id>/release")
@requires(Permission.MANAGE_INSTITUTION)
def release_liaison(institution_id: int, post_id: int) -> ResponseReturnValue:
    institution = queries.get_institution(institution_id)
    post = queries.get_post(institution, post_id)
    with transaction():
        services.release_liaison(post, by=current_user, now=utcnow())
    flash(_("This person no longer sees anybody referred to this institution."), "good")
    return _to_liaisons(institution)


def _to_liaisons(institution: Institution) -> ResponseReturnValue:
    return redirect(url_for(".liaisons", institution_id=institution.id))
