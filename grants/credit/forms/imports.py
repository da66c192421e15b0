"""The shape of what is sent about a lender's file: the file, what its columns mean, and what to apply."""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import HiddenField, RadioField, SelectField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, Length

from grants.credit import words
from grants.credit.forms.fields import CHOOSE, TOO_LONG, choices
from grants.credit.import_settings import KIND_WORDS, WITH_AMOUNT, Basis, EventKind, Field, Settings, plain, proposed
from grants.credit.import_words import EVENT_NAMES, FIELD_NAMES
from grants.credit.models import ImportMode, Institution, RateKind
from grants.credit.workbooks import Cell

NONE = "-"
MOST_WORDS = 60
NAMES_SOMEBODY = _("Choose at least one of operation number, folio and document number.")
ONE_OF_TWO = _("Either all rows report one thing, or a column says it. Choose one of the two.")
NO_PARTS = _("With totals, leave principal, interest and other charges without a column.")
COLUMN_SAID = _("A column says it")


def column(name: Field) -> str:
    """The form's field that says which column holds this."""
    return f"column_{name.value}"


class SendForm(FlaskForm):
    """A file, and whose it is where that is not given."""

    institution = SelectField(_("Institution"), [InputRequired(CHOOSE)])
    file = FileField(
        _("Spreadsheet"), [FileRequired(_("Choose a file."))],
        description=_("XLSX, ODS or CSV, the table on the first sheet, with at most 20,000 rows."),
    )  # fmt: skip

    def offer(self, institutions: Sequence[Institution]) -> "SendForm":
        named = [(str(one.id), one.name) for one in institutions]
        self.institution.choices = named if len(named) == 1 else [("", "—"), *named]
        return self


class ApplyImportForm(FlaskForm):
    which = RadioField(
        _("What to apply"),
        [InputRequired(CHOOSE)],
        choices=[
            (ImportMode.ALL.value, _("All rows, and nothing if one of them is refused")),
            (ImportMode.GOOD.value, _("Only the rows without a mistake")),
        ],
        default=ImportMode.ALL.value,
    )


class MapForm(FlaskForm):
    """One choice of column for each field, and what the file's numbers and days mean."""

    heading_row = HiddenField()
    kind = SelectField(_("What the rows report"))
    decimal_mark = RadioField(
        _("Decimal mark"), [InputRequired(CHOOSE)],
        choices=[(",", _("Comma: 1.234,50")), (".", _("Point: 1,234.50"))],
        description=_("Of the numbers that are written as text."),
    )  # fmt: skip
    day_order = RadioField(
        _("Order of the day"), [InputRequired(CHOOSE)],
        choices=[("day", _("Day first: 25/3/2026")), ("month", _("Month first: 3/25/2026"))], default="day",
    )  # fmt: skip
    basis = RadioField(
        _("A repayment's amount is"), [InputRequired(CHOOSE)],
        choices=[(Basis.MOVEMENTS.value, _("what was paid that day")),
                 (Basis.TOTALS.value, _("all that was paid until that day"))],
        default=Basis.MOVEMENTS.value,
    )  # fmt: skip
    rate_kind = SelectField(_("Kind of rate"), description=_("Needed for disbursements only."))
    words = TextAreaField(
        _("Your words for what happened"), [Length(max=3_000, message=TOO_LONG)],
        description=_("One a line, as “CAJA = pago”. Known already: desembolso, pago, abono, cuota, saldo, castigo, "
                      "recuperación."),
    )  # fmt: skip

    def validate_words(self, field: TextAreaField) -> None:
        try:
            self._own_words()
        except (KeyError, ValueError):
            raise ValidationError(_("Write each line as “your word = known word”.")) from None

    def validate(self, extra_validators: object = None) -> bool:
        """Also what no single field can tell: what the file as a whole must have."""
        fine = super().validate(extra_validators)
        return self._columns_fit() and fine

    def settings(self) -> Settings:
        kind, rate_kind = _chosen(self.kind), _chosen(self.rate_kind)
        return Settings(
            columns=self._columns(),
            decimal_mark=str(self.decimal_mark.data),
            kind=EventKind(kind) if kind else None,
            month_first=self.day_order.data == "month",
            basis=Basis(self.basis.data),
            rate_kind=RateKind(rate_kind) if rate_kind else None,
            words=self._own_words(),
        )

    def offer(self, cells: Sequence[Cell], example: Sequence[Cell]) -> "MapForm":
        """These columns may be chosen; those that the heading seems to name are chosen already."""
        named = [(str(at), _column_name(at, cells, example)) for at in range(max(len(cells), len(example)))]
        for name in Field:
            self[column(name)].choices = [(NONE, "—"), *named]
        self.kind.choices = [(NONE, COLUMN_SAID), *choices(EVENT_NAMES)]
        self.rate_kind.choices = [(NONE, "—"), *choices(words.RATE_KIND_NAMES)]
        if not self.is_submitted():
            for name, at in proposed(cells).items():
                self[column(name)].data = str(at)
        return self

    def fill(self, settings: Settings) -> "MapForm":
        """What the institution said before."""
        for name in Field:
            self[column(name)].data = str(settings.columns.get(name, NONE))
        self.kind.data = settings.kind.value if settings.kind else NONE
        self.decimal_mark.data = settings.decimal_mark
        self.day_order.data = "month" if settings.month_first else "day"
        self.basis.data = settings.basis.value
        self.rate_kind.data = settings.rate_kind.value if settings.rate_kind else NONE
        self.words.data = "\n".join(f"{word} = {KIND_WORDS[kind][0]}" for word, kind in settings.words.items())
        return self

    def _columns(self) -> dict[Field, int]:
        chosen = {name: _chosen(self[column(name)]) for name in Field}
        return {name: int(at) for name, at in chosen.items() if at is not None and at.isdigit()}

    def _columns_fit(self) -> bool:
        columns = self._columns()
        problems = list[tuple[str, object]]()
        if not {Field.OPERATION, Field.FOLIO, Field.DOCUMENT} & columns.keys():
            problems.append((column(Field.OPERATION), NAMES_SOMEBODY))
        problems += [(column(name), _("Choose the column.")) for name in self._needed() if name not in columns]
        if _chosen(self.kind) and Field.KIND in columns:
            problems.append(("kind", ONE_OF_TWO))
        if self.basis.data == Basis.TOTALS and {Field.PRINCIPAL, Field.INTEREST, Field.OTHER} & columns.keys():
            problems.append(("basis", NO_PARTS))
        for name in columns:
            if list(columns.values()).count(columns[name]) > 1:
                problems.append((column(name), _("Two things cannot stand in one column.")))
        for place, sentence in problems:
            self[place].errors = [*self[place].errors, sentence]
        return not problems

    def _needed(self) -> list[Field]:
        kind = _chosen(self.kind)
        if kind is None:
            return [Field.DAY, Field.KIND]
        needed = [Field.DAY]
        if kind in set(WITH_AMOUNT):
            needed.append(Field.AMOUNT)
        return [*needed, Field.BALANCE] if kind == EventKind.BALANCE else needed

    def _own_words(self) -> dict[str, EventKind]:
        known = {word: kind for kind, some in KIND_WORDS.items() for word in some}
        own = {}
        for line in (self.words.data or "").splitlines():
            if line.strip():
                word, _mark, meant = line.partition("=")
                own[" ".join(word.split()).casefold()[:60]] = known[" ".join(meant.split()).casefold()]
        if "" in own or len(own) > MOST_WORDS:
            raise ValueError
        return own


for _name in Field:
    setattr(MapForm, column(_name), SelectField(FIELD_NAMES[_name]))


def _chosen(field: SelectField) -> str | None:
    return None if field.data in (NONE, "", None) else str(field.data)


def _column_name(at: int, cells: Sequence[Cell], example: Sequence[Cell]) -> str:
    head, shown = (plain(row[at])[:40] if at < len(row) else "" for row in (cells, example))
    letter = chr(65 + at) if at < 26 else chr(64 + at // 26) + chr(65 + at % 26)
    return f"{letter} · {head}" + (f" ({shown})" if shown else "")
