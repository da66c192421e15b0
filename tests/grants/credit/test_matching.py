"""What is open and why not, against a table made on paper."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grants.credit.matching import Asker, Demands, Held, Lender, Need, Offer, Reason, joinable, match, reasons_against
from grants.credit.models import InstitutionKind, LinkageKind
from grants.people.models import DocumentKind as D

DAY = date(2026, 3, 15)
COOP = Lender(1, "Cooperativa Uno", InstitutionKind.COOPERATIVE, cantons=frozenset({"1001", "1004"}))
CAJA = Lender(
    2, "Caja Dos", InstitutionKind.SAVINGS_BANK, members_only=True, cantons=frozenset({"1001"}), office="1001"
)
# 200 to 1,500 dollars over 6 to 18 months, for people of 22 to 65 with an Ecuadorian card or a visa that holds.
DEMANDS = Demands(frozenset({D.CEDULA_EC, D.VISA}), least_usd=Decimal(200), most_usd=Decimal(1500), least_months=6,
                  most_months=18, least_age=22, most_age=65)  # fmt: skip
LOAN = Offer(10, "Microcrédito", LinkageKind.CREDIT, COOP, DEMANDS)
CAJA_LOAN = Offer(20, "Crédito de la caja", LinkageKind.CREDIT, CAJA, Demands(frozenset({D.NONE})))
JOINING = Offer(21, "Socia de la caja", LinkageKind.MEMBERSHIP, CAJA, Demands(frozenset({D.NONE}), least_age=18))
LUZ = Asker(frozenset({Held(D.VISA, date(2026, 12, 31))}), age=36, canton_code="1001",
            need=Need(amount_usd=Decimal(800), months=12))  # fmt: skip


def holding(*documents: Held) -> Asker:
    return replace(LUZ, documents=frozenset(documents))


def wanting(amount: str | None = "800", months: int | None = 12) -> Asker:
    return replace(LUZ, need=Need(amount_usd=Decimal(amount) if amount else None, months=months))


def at(**changes: object) -> Offer:
    return replace(LOAN, institution=replace(COOP, **changes))


def asking(**changes: object) -> Offer:
    return replace(LOAN, demands=replace(DEMANDS, **changes))


R = Reason
TABLE = [
    (LUZ, LOAN, []),
    # Documents: another kind; none; the word for none; expired yesterday; on its last day; one of two will do.
    (holding(Held(D.PASSPORT)), LOAN, [R.DOCUMENT_NOT_ACCEPTED]),
    (holding(), LOAN, [R.DOCUMENT_NOT_ACCEPTED]),
    (holding(), asking(documents=frozenset({D.NONE})), []),
    (holding(), asking(documents=frozenset({D.NONE, D.VISA})), []),
    (holding(Held(D.VISA)), asking(documents=frozenset()), [R.DOCUMENT_NOT_ACCEPTED]),
    (holding(Held(D.VISA, date(2026, 3, 14))), LOAN, [R.DOCUMENT_EXPIRED]),
    (holding(Held(D.VISA, date(2026, 3, 14))), asking(expired_accepted=True), []),
    (holding(Held(D.VISA, DAY)), LOAN, []),
    (holding(Held(D.VISA)), LOAN, []),
    (holding(Held(D.VISA, date(2026, 3, 14)), Held(D.CEDULA_EC)), LOAN, []),
    (holding(Held(D.VISA, date(2026, 3, 14)), Held(D.PASSPORT)), LOAN, [R.DOCUMENT_EXPIRED]),
    # Amounts and terms, at their edges; what is not said rules nothing out.
    (wanting("200", 6), LOAN, []),
    (wanting("1500", 18), LOAN, []),
    (wanting("199.99"), LOAN, [R.AMOUNT_TOO_SMALL]),
    (wanting("1500.01"), LOAN, [R.AMOUNT_TOO_LARGE]),
    (wanting(months=5), LOAN, [R.TERM]),
    (wanting(months=19), LOAN, [R.TERM]),
    (wanting(None, None), LOAN, []),
    (wanting("9000", 90), asking(most_usd=None, most_months=None), []),
    # Age, at its edges.
    (replace(LUZ, age=22), LOAN, []),
    (replace(LUZ, age=65), LOAN, []),
    (replace(LUZ, age=21), LOAN, [R.AGE]),
    (replace(LUZ, age=66), LOAN, [R.AGE]),
    # Place and institution.
    (replace(LUZ, canton_code="2101"), LOAN, [R.OUTSIDE_LOCATIONS]),
    (replace(LUZ, canton_code="2101"), at(cantons=frozenset()), []),
    (LUZ, at(is_active=False), [R.INSTITUTION_INACTIVE]),
    (LUZ, at(has_agreement=False), [R.NO_AGREEMENT]),
    (LUZ, replace(LOAN, demands=None), [R.NOT_OFFERED_NOW]),
    # Membership: by the terms, by the statute of who lends to members only, and not for joining itself.
    (LUZ, asking(needs_membership=True), [R.MEMBERSHIP_NEEDED]),
    (LUZ.joined(1), asking(needs_membership=True), []),
    (LUZ.joined(2), asking(needs_membership=True), [R.MEMBERSHIP_NEEDED]),
    (LUZ, CAJA_LOAN, [R.MEMBERSHIP_NEEDED]),
    (LUZ.joined(2), CAJA_LOAN, []),
    (LUZ, replace(CAJA_LOAN, kind=LinkageKind.SAVINGS_ACCOUNT), []),
    (LUZ, replace(JOINING, demands=replace(DEMANDS, needs_membership=True)), []),
    # Joining is not for 800 dollars: amount and term concern the kind that is needed.
    (wanting("9000", 90), replace(JOINING, demands=DEMANDS), []),
    # All at once, in order.
    (replace(wanting("100", 3), documents=frozenset(), age=19, canton_code="2101"),
     replace(asking(needs_membership=True), institution=replace(COOP, is_active=False, has_agreement=False)),
     [R.INSTITUTION_INACTIVE, R.NO_AGREEMENT, R.OUTSIDE_LOCATIONS, R.DOCUMENT_NOT_ACCEPTED, R.MEMBERSHIP_NEEDED, R.AGE,
      R.AMOUNT_TOO_SMALL, R.TERM]),
    (replace(LUZ, canton_code="2101"), replace(CAJA_LOAN, demands=None),
     [R.NOT_OFFERED_NOW, R.OUTSIDE_LOCATIONS, R.MEMBERSHIP_NEEDED]),
]  # fmt: skip


@pytest.mark.parametrize(("asker", "offer", "reasons"), TABLE)
def test_every_reason_is_listed(asker: Asker, offer: Offer, reasons: list[Reason]) -> None:
    assert list(reasons_against(asker, offer, day=DAY)) == reasons


def test_the_table_knows_every_reason() -> None:
    assert {reason for _asker, _offer, reasons in TABLE for reason in reasons} == set(Reason)


def test_open_ones_come_first_then_the_nearest() -> None:
    far = replace(LOAN, product_id=11, name="Lejano", institution=replace(COOP, id=3, name="A", has_agreement=False,
                                                                          is_active=False))  # fmt: skip
    found = match(LUZ, [far, CAJA_LOAN, JOINING, LOAN], day=DAY)
    assert [(one.product.product_id, one.is_open) for one in found] == [(10, True), (20, False), (11, False)]


def test_who_must_join_is_told_by_which_product() -> None:
    (found,) = match(LUZ, [CAJA_LOAN, JOINING], day=DAY)
    assert (found.reasons, found.join_first) == ((R.MEMBERSHIP_NEEDED,), JOINING)
    assert match(LUZ, [CAJA_LOAN], day=DAY)[0].join_first is None


def test_without_documents_the_way_leads_to_a_caja() -> None:
    nobody = holding()
    offers = [LOAN, CAJA_LOAN, JOINING]
    assert not any(one.is_open for one in match(nobody, offers, day=DAY))
    (way,) = joinable(nobody, offers, day=DAY)
    assert (way.institution, way.membership, way.opens) == (CAJA, JOINING, (CAJA_LOAN,))


def test_what_members_still_cannot_have_is_told() -> None:
    small = replace(CAJA_LOAN, demands=replace(CAJA_LOAN.demands, most_usd=Decimal(400)))
    account = replace(CAJA_LOAN, product_id=22, kind=LinkageKind.SAVINGS_ACCOUNT)
    (way,) = joinable(LUZ, [small, account, JOINING], day=DAY)
    assert way.opens == (account,)
    assert [(one.product, one.reasons) for one in way.others] == [(small, (R.AMOUNT_TOO_LARGE,))]


@pytest.mark.parametrize(
    "caja",
    [
        replace(CAJA, cantons=frozenset({"2101"})),
        replace(CAJA, is_active=False),
        replace(CAJA, has_agreement=False),
        replace(CAJA, kind=InstitutionKind.COOPERATIVE),
    ],
)
def test_a_caja_that_cannot_be_joined_is_no_way(caja: Lender) -> None:
    offers = [replace(CAJA_LOAN, institution=caja), replace(JOINING, institution=caja)]
    assert joinable(LUZ, offers, day=DAY) == []


def test_a_caja_that_does_not_admit_the_person_is_no_way() -> None:
    assert joinable(replace(LUZ, age=17), [CAJA_LOAN, JOINING], day=DAY) == []
    assert joinable(LUZ.joined(2), [CAJA_LOAN, JOINING], day=DAY) == []


def test_a_caja_without_a_membership_on_record_can_be_asked() -> None:
    (way,) = joinable(LUZ, [CAJA_LOAN], day=DAY)
    assert (way.membership, way.opens) == (None, (CAJA_LOAN,))


def test_the_nearest_caja_comes_first() -> None:
    def joining(number: int, office: str | None) -> Offer:
        return replace(
            JOINING, institution=Lender(number, f"Caja {number}", InstitutionKind.SAVINGS_BANK, office=office)
        )

    offers = [joining(5, None), joining(4, "2101"), joining(6, "1004"), joining(7, "1001")]
    assert [one.institution.id for one in joinable(LUZ, offers, day=DAY)] == [7, 6, 4, 5]


documents = st.builds(Held, st.sampled_from([kind for kind in D if kind is not D.NONE]),
                      st.none() | st.dates(date(2024, 1, 1), date(2028, 1, 1)))  # fmt: skip
askers = st.builds(
    Asker, st.frozensets(documents, max_size=4), st.integers(12, 90), st.sampled_from(["1001", "1004", "2101"]),
    st.frozensets(st.sampled_from([1, 2])),
    st.builds(Need, st.sampled_from(LinkageKind), st.none() | st.decimals(1, 3000, places=2),
              st.none() | st.integers(1, 36)),
)  # fmt: skip
demands = st.builds(
    Demands, st.frozensets(st.sampled_from(D), max_size=4), st.booleans(),
    least_usd=st.sampled_from([None, Decimal(200)]), most_months=st.sampled_from([None, 18]),
    needs_membership=st.booleans(), least_age=st.sampled_from([None, 22]),
)  # fmt: skip
offers = st.builds(Offer, st.just(1), st.just("x"), st.sampled_from(LinkageKind), st.sampled_from([COOP, CAJA]),
                   st.none() | demands)  # fmt: skip


@given(askers, documents, offers)
def test_another_document_never_closes_a_product(asker: Asker, more: Held, offer: Offer) -> None:
    before = set(reasons_against(asker, offer, day=DAY))
    after = set(reasons_against(replace(asker, documents=asker.documents | {more}), offer, day=DAY))
    # A document of the right kind may be expired: then what stands against it changes its name.
    assert after - before <= {R.DOCUMENT_EXPIRED}
    assert before or not after


@given(askers, offers, st.sampled_from([1, 2]))
def test_joining_never_closes_a_product(asker: Asker, offer: Offer, institution_id: int) -> None:
    member = asker.joined(institution_id)
    assert set(reasons_against(member, offer, day=DAY)) <= set(reasons_against(asker, offer, day=DAY))


@given(askers, offers)
def test_who_holds_a_valid_accepted_document_meets_no_reason_about_documents(asker: Asker, offer: Offer) -> None:
    if offer.demands is None or not offer.demands.documents:
        return
    kind = sorted(offer.demands.documents)[0]
    able = replace(asker, documents=asker.documents | {Held(kind, DAY)})
    assert not {R.DOCUMENT_EXPIRED, R.DOCUMENT_NOT_ACCEPTED} & set(reasons_against(able, offer, day=DAY))
