"""Where an institution's core system is told about what concerns it."""

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import Length

from grants.core.web import Written
from grants.credit.forms.fields import NEEDED, TOO_LONG, no_control_characters


class AddressForm(FlaskForm):
    address = StringField(
        _("Address of your system"),
        [Written(NEEDED), Length(max=500, message=TOO_LONG), no_control_characters],
        filters=[lambda typed: typed.strip() if typed else typed],
        description=_("It begins with https:// and answers a POST with 200 within ten seconds."),
        render_kw={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"},
    )
