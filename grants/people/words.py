"""The names of people's documents, ways of contact, permissions, languages and difficulties, as screens show them."""

from flask_babel import lazy_gettext as _

from grants.people.models import ConsentPurpose, ContactKind, DocumentKind

DOCUMENT_NAMES = {
    DocumentKind.CEDULA_EC: _("Ecuadorian identity card (cédula)"),
    DocumentKind.RUC: _("RUC"),
    DocumentKind.PASSPORT: _("Passport"),
    DocumentKind.CEDULA_VE: _("Venezuelan identity card"),
    DocumentKind.CEDULA_CO: _("Colombian identity card"),
    DocumentKind.FOREIGN_PERMIT: _("Permit of another country"),
    DocumentKind.REFUGEE_CARD: _("Refugee card"),
    DocumentKind.ASYLUM_REQUEST: _("Asylum request"),
    DocumentKind.VISA: _("Visa"),
    DocumentKind.BIRTH_RECORD: _("Birth record"),
    DocumentKind.NONE: _("No document"),
}

CONTACT_NAMES = {
    ContactKind.PHONE: _("Phone"),
    ContactKind.WHATSAPP: _("WhatsApp"),
    ContactKind.EMAIL: _("E-mail"),
    ContactKind.LEADER: _("Through a community leader"),
}

PURPOSE_NAMES = {
    ConsentPurpose.GRANT: _("Registration and application"),
    ConsentPurpose.DELIVERY: _("Delivery of support"),
    ConsentPurpose.REFERRAL: _("Referral to one financial institution"),
    ConsentPurpose.PHOTO: _("Photos"),
    ConsentPurpose.STATISTICS: _("Studies without names"),
}

SPOKEN_LANGUAGES = {
    "es": _("Spanish"),
    "qvi": _("Kichwa"),
    "en": _("English"),
    "fr": _("French"),
    "ht": _("Haitian Creole"),
    "pt": _("Portuguese"),
    "ar": _("Arabic"),
    "zh": _("Chinese"),
}

# Washington Group on Disability Statistics, Short Set on Functioning: six domains, four answers.
WASHINGTON_GROUP_QUESTIONS = {
    "seeing": _("Does the person have difficulty seeing, even when wearing glasses?"),
    "hearing": _("Does the person have difficulty hearing, even when using a hearing aid?"),
    "walking": _("Does the person have difficulty walking or climbing steps?"),
    "remembering": _("Does the person have difficulty remembering or concentrating?"),
    "self_care": _("Does the person have difficulty with self-care, such as washing all over or dressing?"),
    "communicating": _("Does the person have difficulty communicating in their usual language?"),
}

WASHINGTON_GROUP_ANSWERS = {
    1: _("No difficulty"),
    2: _("Some difficulty"),
    3: _("A lot of difficulty"),
    4: _("Cannot do it at all"),
}

# Why a number that passed with a doubt may still be right. The code is kept with the document.
DOUBTS = {
    "ruc_check_digit": _("Its check digit does not fit. The newer RUC numbers of companies have none."),
    "cedula_ec_unusual": _("Its province or its third digit is unusual for an Ecuadorian identity card."),
    "cedula_ve_length": _("Venezuelan identity cards usually have seven or eight digits."),
    "cedula_co_length": _("Colombian identity cards usually have six to eight digits, or ten."),
    "passport_length": _("Passport numbers usually have at most nine letters and digits."),
}
