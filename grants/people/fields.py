"""Fields that people's and courses' forms share: bounded, composed text without control characters, and choices."""

import unicodedata
from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import Field, Form, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from grants.core.web import Written

CHOOSE = ("", _("Choose"))
# As date inputs send it, and as people type it where a phone has none.
DAY_FORMATS = ["%Y-%m-%d", "%d/%m/%Y"]


def needed() -> Written:
    return Written(_("Fill this in."))


def at_most(length: int) -> Length:
    return Length(max=length, message=_("This is too long: at most %(max)d characters."))


def tidy(value: str | None) -> str:
    """Composed letters, single spaces, nothing around."""
    return " ".join(unicodedata.normalize("NFC", value or "").split(" ")).strip()


def readable(_form: Form, field: Field) -> None:
    """No control characters, which a database refuses and nobody types."""
    allowed = "\n\r\t" if isinstance(field, TextAreaField) else ""
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Co", "Cn") and letter not in allowed for letter in field.data):
        raise ValidationError(_("There is a character here that cannot be kept. Write it again."))


def a_name(_form: Form, field: Field) -> None:
    """Letters of any script, marks, spaces, apostrophes, hyphens and points."""
    odd = [letter for letter in field.data if unicodedata.category(letter)[0] not in "LM" and letter not in " '’-."]
    if odd or not any(letter.isalpha() for letter in field.data):
        raise ValidationError(_("Write the name with letters only."))


def text(label: Any, *validators: Any, most: int = 80, **options: Any) -> StringField:
    return StringField(label, [*validators, at_most(most), readable], filters=[tidy], **options)


def choice(label: Any, choices: Any, *, required: bool = True, **options: Any) -> SelectField:
    # Blanks are no choice: Optional would let them pass as nothing chosen, and they would reach the service.
    validators = [InputRequired(_("Choose one."))] if required else [Optional(strip_whitespace=False)]
    return SelectField(label, validators, choices=choices, validate_choice=True, **options)


def named(names: dict[Any, Any]) -> list[tuple[str, Any]]:
    return [(str(key), name) for key, name in names.items()]
