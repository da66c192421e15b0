"""The printed receipt of an application."""

from babel.dates import format_datetime
from babel.numbers import format_currency

from grants.applications.models import Application
from grants.core import documents
from grants.core.clock import PROGRAMME_ZONE

LOCALE = "es_EC"


def receipt(application: Application, address: str) -> bytes:
    """A PDF in Spanish with the folio, the call and the day: no name, so that it betrays nobody who carries it."""
    plan, call = application.plan, application.call
    moment = application.submitted_at
    return documents.pdf(
        "applications/receipt.typ",
        {
            "folio": application.folio,
            "call": f"{call.code} · {call.name}",
            "received": format_datetime(moment, "d 'de' MMMM 'de' y, HH:mm", tzinfo=PROGRAMME_ZONE, locale=LOCALE),
            "venture": plan.venture,
            "total": format_currency(plan.total_usd, "USD", "¤¤ #,##0.00", locale=LOCALE),
            "address": address,
            "qr": documents.qr_svg(address),
        },
    )
