"""What is agreed with the demo's nine institutions, what they offer, how two were supported, and cajas' figures.

From the report: the institutions, which agency was their counterpart, that entry was made easier, that Fronteras Unidas
and Funda Esfuerzo were strengthened with working capital for lending and with accounts for women in human mobility, and
the share of women among their members (67 and 70 percent).

Invented: the days of the agreements, the segments and cantons attended, the focal points, every product with its terms
(the rates are those of the demo's credits), the amounts of support, how many accounts, and all other figures of cajas.
Office equipment is left out: it goes through a delivery, and no delivery of the report is one of a caja.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from grants.access.models import User
from grants.access.permissions import Role
from grants.core import journal
from grants.core.db import db
from grants.credit.models import (
    AgreementKind,
    Amortization,
    CooperativeSegment,
    Frequency,
    Institution,
    InstitutionKind,
    InstitutionLocation,
    InstitutionSupport,
    LinkageKind,
    RateKind,
    Segment,
    SupportKind,
)
from grants.credit.services.agreements import AgreementFacts, record_agreement
from grants.credit.services.ceilings import load_ceilings
from grants.credit.services.products import TermsFacts, add_product, set_terms
from grants.credit.services.savings_banks import Figures, report_figures
from grants.demo.credit import LIAISONS_AT, RATES
from grants.demo.facts import morning, programme
from grants.demo.staff import ARRIVED, Staff
from grants.people.models import DocumentKind

K, D = InstitutionKind, DocumentKind
SEGMENTS = {
    "Cooperativa de Ahorro y Crédito Mujeres Unidas": CooperativeSegment.TWO,
    "Cooperativa de Ahorro y Crédito San Antonio": CooperativeSegment.TWO,
    "Cooperativa de Ahorro y Crédito San Juan de Cotogchoa": CooperativeSegment.THREE,
    "Cooperativa de Ahorro y Crédito Tulcán": CooperativeSegment.ONE,
}
AGREED = {K.BANK: date(2022, 3, 15), K.COOPERATIVE: date(2022, 4, 5), K.SAVINGS_BANK: date(2022, 5, 10)}
AGREEMENTS = {K.BANK: AgreementKind.AGREEMENT, K.COOPERATIVE: AgreementKind.MEMORANDUM,
              K.SAVINGS_BANK: AgreementKind.LETTER}  # fmt: skip
COUNTERPARTS = {"UNDP": "PNUD", "IOM": "OIM"}
EASED = {
    K.BANK: "Cuenta básica sin depósito mínimo. Se acepta el pasaporte con visa vigente.",
    K.COOPERATIVE: "Se aceptan también el permiso de otro país y el carné de refugiado, y la capacitación del programa "
    "reemplaza el historial de crédito.",
    K.SAVINGS_BANK: "La participación en el programa basta para ingresar como socia o socio, con cualquier documento o "
    "sin ninguno.",
}
FOCAL_POINTS = ("Rocío Andrade", "Fabián Narváez", "Carmen Chamorro", "Nelson Paredes", "Viviana Benítez",
                "Gladys Farinango", "Ruth Quiñónez", "Alba Cevallos", "Marco Grefa")  # fmt: skip
BEFORE, EASIER = date(2022, 1, 3), date(2022, 8, 1)
OF_BANK = (D.CEDULA_EC, D.PASSPORT)
OF_COOPERATIVE = (*OF_BANK, D.FOREIGN_PERMIT, D.REFUGEE_CARD)
EVERY = tuple(DocumentKind)
CREDITS: dict[InstitutionKind, dict[str, Any]] = {
    K.BANK: {
        "least_usd": Decimal(300), "most_usd": Decimal(5000), "least_months": 6, "most_months": 36, "least_age": 18,
        "most_age": 65, "collateral": "Un garante desde USD 1.500", "fees": "Seguro de desgravamen",
        "note": "El pasaporte, con visa vigente.",
    },
    K.COOPERATIVE: {
        "least_usd": Decimal(100), "most_usd": Decimal(3000), "least_months": 3, "most_months": 24, "least_age": 18,
        "most_age": 70, "needs_membership": True, "collateral": "Ninguna hasta USD 500; después, un garante",
        "fees": "Aporte del 2 por ciento del crédito",
    },
    K.SAVINGS_BANK: {
        "least_usd": Decimal(50), "most_usd": Decimal(1500), "least_months": 1, "most_months": 18, "least_age": 18,
        "expired_accepted": True, "collateral": "Ninguna hasta USD 400; después, un garante que sea socio",
    },
}  # fmt: skip
SUPPORTED = {
    "Fronteras Unidas": ((SupportKind.WORKING_CAPITAL, "4500.00", None), (SupportKind.ACCOUNT_OPENING, "600.00", 30)),
    "Funda Esfuerzo": ((SupportKind.WORKING_CAPITAL, "5000.00", None), (SupportKind.ACCOUNT_OPENING, "700.00", 35)),
}
PURPOSES = {SupportKind.WORKING_CAPITAL: "Capital de trabajo para prestar a sus socias y socios",
            SupportKind.ACCOUNT_OPENING: "Apertura de cuentas de mujeres en movilidad humana"}  # fmt: skip
GIVEN_ON = {SupportKind.WORKING_CAPITAL: date(2023, 5, 17), SupportKind.ACCOUNT_OPENING: date(2023, 6, 14)}
QUARTERS = tuple(date(year, month, day) for year in (2022, 2023, 2024)
                 for month, day in ((3, 31), (6, 30), (9, 30), (12, 31)))[2:9]  # fmt: skip
# By caja: members at the first quarter's end, how many join in each, women among them in percent.
MEMBERS = {"Simón Bolívar": (24, 2, 60), "Fronteras Unidas": (30, 5, 67), "Funda Esfuerzo": (36, 4, 70),
           "Tricolor": (20, 3, 58)}  # fmt: skip


def build_offers(staff: Staff) -> None:
    """Ceilings, then for each institution its agreement, cantons and products; support and figures of cajas."""
    load_ceilings(now=ARRIVED)
    by = staff[Role.COORDINATOR][0]
    known = {one["name"]: one for one in programme()["institutions"]}
    institutions = db.session.scalars(select(Institution).order_by(Institution.id)).all()
    for institution, focal_point in zip(institutions, FOCAL_POINTS, strict=True):
        institution.segment = SEGMENTS.get(institution.name)
        _attend(institution)
        _agree(institution, COUNTERPARTS[known[institution.name]["counterpart"]], focal_point, by=by)
        _offer_credit(institution, by=by)
        _offer_besides(institution, by=by)
        if institution.kind is K.SAVINGS_BANK:
            _support(institution, by=by)
            _report(institution, by=_reporter(staff, institution))
    db.session.flush()


def _attend(institution: Institution) -> None:
    """The bank attends everybody, cooperatives both cantons of the programme, a caja its own."""
    if institution.kind is K.BANK:
        return
    for code in programme()["cantons"] if institution.canton_code is None else (institution.canton_code,):
        db.session.add(InstitutionLocation(institution_id=institution.id, canton_code=code))


def _agree(institution: Institution, counterpart: str, focal_point: str, *, by: User) -> None:
    """Held since 2022. That of the cajas that were not strengthened ended with the programme."""
    day = AGREED[institution.kind]
    ends = institution.kind is K.SAVINGS_BANK and institution.name not in SUPPORTED
    facts = AgreementFacts(
        kind=AGREEMENTS[institution.kind], signed_on=day, valid_from=day,
        valid_until=date.fromisoformat(programme()["programme"]["ends_on"]) if ends else None,
        flexible_terms=f"Contraparte: {counterpart}. {EASED[institution.kind]}",
        focal_name=focal_point, focal_contact="06 295 0123",
    )  # fmt: skip
    record_agreement(institution, facts, by=by, now=morning(day))


def _offer_credit(institution: Institution, *, by: User) -> None:
    """A credit; cooperatives took more documents once entry was made easier."""
    product = add_product(institution, LinkageKind.CREDIT, "Microcrédito", by=by, now=morning(BEFORE))
    documents = {K.BANK: OF_BANK, K.COOPERATIVE: OF_BANK, K.SAVINGS_BANK: EVERY}[institution.kind]
    set_terms(product, _credit(institution, BEFORE, documents), by=by, now=morning(BEFORE))
    if institution.kind is K.COOPERATIVE:
        set_terms(product, _credit(institution, EASIER, OF_COOPERATIVE), by=by, now=morning(EASIER))


def _credit(institution: Institution, day: date, documents: Sequence[DocumentKind]) -> TermsFacts:
    return TermsFacts(
        valid_from=day, documents=documents, rate_percent=Decimal(RATES[institution.kind]), rate_kind=RateKind.NOMINAL,
        segment=Segment.MINORISTA, method=Amortization.FRENCH, frequency=Frequency.MONTHLY,
        **CREDITS[institution.kind],
    )  # fmt: skip


def _offer_besides(institution: Institution, *, by: User) -> None:
    """A savings account everywhere, and membership where there are members."""
    now, caja = morning(BEFORE), institution.kind is K.SAVINGS_BANK
    documents = EVERY if caja else OF_BANK if institution.kind is K.BANK else OF_COOPERATIVE
    account = add_product(institution, LinkageKind.SAVINGS_ACCOUNT, "Cuenta de ahorro", by=by, now=now)
    yields = Decimal("3.00") if caja else Decimal("1.50")
    terms = TermsFacts(BEFORE, documents, least_usd=Decimal(5), rate_percent=yields, rate_kind=RateKind.EFFECTIVE,
                       needs_membership=caja, expired_accepted=caja)  # fmt: skip
    set_terms(account, terms, by=by, now=now)
    if institution.kind is K.BANK:
        return
    membership = add_product(institution, LinkageKind.MEMBERSHIP, "Ingreso como socia o socio", by=by, now=now)
    fee = "Aporte inicial de USD 10" if caja else "Certificado de aportación de USD 20"
    terms = TermsFacts(BEFORE, documents, fees=fee, least_age=18, expired_accepted=caja)
    set_terms(membership, terms, by=by, now=now)


def _support(institution: Institution, *, by: User) -> None:
    """Written past the service: an invented support has no receipt."""
    for kind, amount, accounts in SUPPORTED.get(institution.name, ()):
        day = GIVEN_ON[kind]
        support = InstitutionSupport(
            institution_id=institution.id, kind=kind, amount_usd=Decimal(amount), accounts=accounts, given_on=day,
            purpose=PURPOSES[kind], recorded_by_id=by.id, recorded_at=morning(day),
        )  # fmt: skip
        db.session.add(support)
        journal.record(by, "support.recorded", support, at=morning(day), institution_id=institution.id,
                       kind=kind.value)  # fmt: skip


def _report(institution: Institution, *, by: User) -> None:
    first, joining, percent = MEMBERS[institution.name]
    for number, day in enumerate(QUARTERS):
        members = first + joining * number
        loans = members // 4
        figures = Figures(
            as_of=day, members=members, women=round(members * percent / 100), in_mobility=members // 2,
            savings_usd=Decimal(members * 45), loans=loans, loans_usd=Decimal(loans * 210),
        )  # fmt: skip
        report_figures(institution, figures, by=by, now=morning(day, minutes=480))


def _reporter(staff: Staff, institution: Institution) -> User:
    """The caja's own liaison; a coordinator for those without an account in the demo."""
    if institution.name in LIAISONS_AT:
        return staff[Role.LIAISON][LIAISONS_AT.index(institution.name)]
    return staff[Role.COORDINATOR][0]
