"""The shape of what is typed on the road, and of what the desk writes about it."""

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import StringField as TextField
from wtforms.validators import Length

from grants.core.web import Written, stripped
from grants.delivery.forms.handling import plain


class CaseForm(FlaskForm):
    word = TextField(
        _("What you found out"),
        [Written(_("Write a word on how the team is.")), Length(max=500), plain],
        filters=[stripped],
    )


class PhotoForm(FlaskForm):
    file = FileField(
        _("Photo"),
        [FileRequired(_("Choose a photo."))],
        description=_("Only the kit and its seal: no person, no house, no street."),
    )
