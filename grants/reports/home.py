"""The home page of each role, the search by folio, the choice of language, and the page of the design system."""

from flask import Blueprint, abort, current_app, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, SelectField, StringField
from wtforms.validators import DataRequired

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.web import local_target
from grants.people.folio import normal_folio
from grants.reports import folios, home_sections

home = Blueprint("home", __name__)


@home.get("/")
@requires(Permission.SIGNED_IN)
def show() -> ResponseReturnValue:
    sections = home_sections.sections_for(current_user, now=utcnow())
    return render_template("home/show.html", sections=sections, now=utcnow())


@home.get("/search")
@requires(Permission.SIGNED_IN)
def search() -> ResponseReturnValue:
    typed = request.args.get("folio", "")[:40]
    folio = normal_folio(typed)
    address = folios.page_of(folio, current_user) if folio else None
    if address:
        return redirect(address)
    return render_template("home/search.html", typed=typed, is_folio=folio is not None), 404


@home.post("/language")
@requires(Permission.PUBLIC)
def choose_language() -> ResponseReturnValue:
    if request.form.get("language") in current_app.config["LANGUAGES"]:
        session["language"] = request.form["language"]
    return redirect(local_target(request.form.get("next")))


class SampleForm(FlaskForm):
    name = StringField(_("First surname"), [DataRequired(_("Write the first surname."))])
    kind = SelectField(_("Document"), choices=[("1", "Cédula"), ("2", "Pasaporte")])
    choice = RadioField(_("Level"), choices=[("0", "0"), ("1", "1"), ("2", "2")])
    agreed = BooleanField(_("I have read the text out loud"))


@home.route("/design", methods=["GET", "POST"])
@requires(Permission.PUBLIC)
def design() -> ResponseReturnValue:
    if current_app.config["ENVIRONMENT"] == "production":
        abort(404)
    form = SampleForm()
    form.validate_on_submit()
    return render_template("home/design.html", form=form, now=utcnow())
