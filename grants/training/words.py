"""What courses teach, as screens name it."""

from flask_babel import lazy_gettext as _

from grants.training.models import CourseKind

KIND_NAMES = {
    CourseKind.ENTREPRENEURSHIP: _("Entrepreneurship"),
    CourseKind.DIGITAL: _("Digital livelihoods"),
    CourseKind.FINANCIAL_EDUCATION: _("Financial education"),
}
