"""What a browser sends when somebody is registered."""

FORM_KEY = "k" * 22


def registration_form(**changes: str | None) -> dict[str, str]:
    """A complete form; a change to None leaves the field out, as an empty box does."""
    form: dict[str, str | None] = {
        "form_key": FORM_KEY,
        "consent_language": "es",
        "consent_given": "y",
        "given_names": "María José",
        "first_surname": "Ñáñez",
        "second_surname": "D'Angelo",
        "birth_day": "5",
        "birth_month": "3",
        "birth_year": "1990",
        "sex": "female",
        "gender": "",
        "nationality": "VE",
        "population_group": "migrant",
        "is_single_carer": "rather_not",
        "language": "es",
        "canton_code": "1001",
        "document_kind": "cedula_ve",
        "document_number": "V-12.345.678",
        "document_issuer": "",
        "seen_original": "y",
        "phone": "0991234567",
        "phone_country": "EC",
        **{f"wg_{domain}": "1" for domain in ("seeing", "hearing", "walking", "remembering", "self_care")},
        "wg_communicating": "0",
        **changes,
    }
    return {name: value for name, value in form.items() if value is not None}
