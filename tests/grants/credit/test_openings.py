"""To how many credit is open, by which reasons not, and that few people stay hidden."""

import csv
import io
import time
from datetime import date, timedelta
from itertools import product
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grants.access.permissions import Role
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.core.journal import JournalEntry
from grants.credit.matching import Asker, Demands, Held, Lender, Offer, reasons_against
from grants.credit.models import InstitutionKind, LinkageKind, LinkageState
from grants.credit.openings import Counted, DocumentSituation, hidden, openings, people_in, situation_of, tally
from grants.credit.queries import matching
from grants.people.models import DocumentKind as D
from grants.people.models import Sex
from grants.people.protection import LEAST
from tests.factories.access import make_user
from tests.factories.credit import make_institution, make_linkage
from tests.factories.credit_products import make_location, make_product
from tests.factories.people import make_document, make_person

DAY = date(2026, 3, 15)
COOP = Lender(1, "Cooperativa", InstitutionKind.COOPERATIVE)
CAJA = Lender(2, "Caja", InstitutionKind.SAVINGS_BANK, members_only=True)
BANK = Lender(3, "Banco", InstitutionKind.BANK, has_agreement=False)
LOANS = [
    Offer(1, "Cédula", LinkageKind.CREDIT, COOP, Demands(frozenset({D.CEDULA_EC}))),
    Offer(2, "Visa", LinkageKind.CREDIT, COOP, Demands(frozenset({D.VISA}), least_age=30)),
    Offer(3, "Cuenta", LinkageKind.SAVINGS_ACCOUNT, COOP, Demands(frozenset({D.NONE}))),
    Offer(4, "De la caja", LinkageKind.CREDIT, CAJA, Demands(frozenset({D.NONE}))),
]
LENDERS = [COOP, CAJA, BANK]


def people(
    number: int, sex: Sex, *documents: Held, age: int = 40, canton: str = "1001", member: bool = False
) -> list[Counted]:
    joined = frozenset({2} if member else ())
    return [Counted(sex, Asker(frozenset(documents), age, canton, joined))] * number


# On paper, by what is open: the card opens the cooperative to 20 women; the visa to 10 women of 40, not to 6 men of 25;
# 8 women without documents borrow at their caja only; 12 men have an expired passport and find nothing.
EVERYBODY = [
    *people(20, Sex.FEMALE, Held(D.CEDULA_EC)),
    *people(10, Sex.FEMALE, Held(D.VISA)),
    *people(6, Sex.MALE, Held(D.VISA), age=25, canton="2101"),
    *people(8, Sex.FEMALE, member=True),
    *people(12, Sex.MALE, Held(D.PASSPORT, date(2020, 1, 1))),
]


def rows(found: Any) -> dict[tuple[str, str], int | None]:
    lines = {("", "people"): found.people.total, ("", "open"): found.open.total}
    for part in found.parts:
        for row in (part.open, part.shut, *part.reasons):
            lines[part.institution.name, row.what] = row.total
    return lines


def test_figures_equal_those_on_paper() -> None:
    counted = tally(EVERYBODY, LENDERS, LOANS, day=DAY)
    found = openings(counted, LENDERS, protected=False)

    assert people_in(counted) == 56
    assert rows(found) == {
        ("", "people"): 56,
        ("", "open"): 38,
        ("Cooperativa", "open"): 30,
        ("Cooperativa", "shut"): 26,
        ("Cooperativa", "document_not_accepted"): 26,  # for the men of 25: not the card
        ("Cooperativa", "age"): 6,
        ("Caja", "open"): 8,
        ("Caja", "shut"): 48,
        ("Caja", "membership_needed"): 48,
        ("Banco", "open"): 0,
        ("Banco", "shut"): 56,
        ("Banco", "no_agreement"): 56,
        ("Banco", "not_offered_now"): 56,
    }
    assert found.people.by_sex == (38, 18, 0)
    assert found.people.by_situation == (20, 16, 12, 8)
    assert found.open.by_sex == (38, 0, 0)
    assert found.open.by_situation == (20, 10, 0, 8)


def test_one_canton_counts_its_own_people() -> None:
    counted = tally(EVERYBODY, LENDERS, LOANS, day=DAY)
    found = rows(openings(counted, LENDERS, canton="2101", protected=False))
    assert (found["", "people"], found["", "open"], found["Cooperativa", "age"]) == (6, 0, 6)
    assert rows(openings(counted, LENDERS, canton="9999", protected=False))["", "people"] == 0


def test_the_edges_of_age_and_the_cantons_served_still_tell_people_apart() -> None:
    """30 is the least age of the visa's credit and 50 the most: 29 and 51 are out; so is a canton not attended."""
    here = Lender(1, "Cooperativa", InstitutionKind.COOPERATIVE, cantons=frozenset({"1001", "1004"}))
    loan = Offer(1, "Visa", LinkageKind.CREDIT, here, Demands(frozenset({D.VISA}), least_age=30, most_age=50))
    asked = [*(people(1, Sex.MALE, Held(D.VISA), age=age, canton=canton)[0]
               for age in (12, 29, 30, 31, 49, 50, 51, 90) for canton in ("1001", "1004", "2101"))]  # fmt: skip
    found = rows(openings(tally(asked, [here], [loan], day=DAY), [here], protected=False))
    assert (found["", "open"], found["Cooperativa", "age"]) == (4 * 2, 4 * 3)
    assert found["Cooperativa", "outside_locations"] == 8


def test_situations() -> None:
    old, card = Held(D.PASSPORT, DAY - timedelta(days=1)), Held(D.CEDULA_EC, DAY)
    assert [situation_of(held, DAY) for held in ([], [old], [old, Held(D.VISA)], [card], [old, card])] == [
        DocumentSituation.NONE, DocumentSituation.EXPIRED, DocumentSituation.OTHER_VALID, DocumentSituation.ECUADORIAN,
        DocumentSituation.ECUADORIAN,
    ]  # fmt: skip
    assert situation_of([Held(D.CEDULA_EC, DAY - timedelta(days=1))], DAY) is DocumentSituation.EXPIRED


cells = st.tuples(st.integers(0, 14), st.integers(0, 14)).map(lambda pair: (min(pair), max(pair)))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(cells, min_size=1, max_size=4))
def test_nobody_learns_a_small_cell_by_trying_all_that_fits(line: list[tuple[int, int]]) -> None:
    """Everything that fits what is shown, tried out: a cell of few keeps at least as many values as are small."""
    shut = hidden(line)
    small = {i for i, (count, size) in enumerate(line) if 0 < count < LEAST or 0 < size - count < LEAST}
    if not shut:
        assert shut is None or not small
        return
    assert small <= shut
    total = sum(count for count, _size in line)
    shown = [range(size + 1) if i in shut else [count] for i, (count, size) in enumerate(line)]
    possible = [guess for guess in product(*shown) if sum(guess) == total]
    for place in small:
        values = {guess[place] for guess in possible}
        assert len(values) > min(LEAST - 1, line[place][1])


def test_few_people_are_hidden_from_who_may_not_open_records() -> None:
    few = [*EVERYBODY, *people(2, Sex.OTHER, Held(D.CEDULA_EC)), *people(3, Sex.MALE, Held(D.CEDULA_EC))]
    counted = tally(few, LENDERS, LOANS, day=DAY)
    found = openings(counted, LENDERS, protected=True)

    assert found.is_protected
    assert (found.people.total, found.open.total) == (61, 43)
    assert found.people.by_sex[2] is None  # two people
    assert found.open.by_sex[1] is None  # three of 21 men
    assert found.open.by_sex.count(None) >= 2
    assert not openings(counted, LENDERS, protected=False).is_protected


def test_a_canton_of_few_cannot_be_found_by_subtraction() -> None:
    three = [*EVERYBODY, *people(3, Sex.FEMALE, Held(D.CEDULA_EC), canton="1004")]
    counted = tally(three, LENDERS, LOANS, day=DAY)
    totals = {code: openings(counted, LENDERS, canton=code, protected=True).people.total
              for code in ("1001", "1004", "2101")}  # fmt: skip

    assert totals["1004"] is None
    assert list(totals.values()).count(None) >= 2
    found = openings(counted, LENDERS, canton="1001", protected=True)
    assert (found.splits, found.open.by_sex) == (False, ())


def lend(canton: str | None = None) -> Any:
    institution = make_institution("Cooperativa Uno")
    if canton:
        make_location(institution, canton)
    make_product(institution, documents=[D.CEDULA_EC])
    return institution


def test_everybody_is_counted_from_the_rows(app: Flask) -> None:
    lend()
    caja = make_institution("Caja Dos", kind=InstitutionKind.SAVINGS_BANK)
    make_product(caja, documents=[D.NONE], least_age=18)
    for number in range(3):
        make_document(make_person(), number=f"100000000{number}")
    expired = make_document(make_person(), number="1000000009")
    expired.expires_on = local_day(utcnow()) - timedelta(days=1)
    make_document(make_person(), D.NONE, None)
    make_linkage(person=make_person(), institution=caja, kind=LinkageKind.MEMBERSHIP, state=LinkageState.OPENED)
    db.session.flush()

    day = local_day(utcnow())
    found = rows(openings(matching.openings_on(day), matching.lenders_on(day), protected=False))

    assert found == {
        ("", "people"): 6, ("", "open"): 4,
        ("Caja Dos", "open"): 1, ("Caja Dos", "shut"): 5, ("Caja Dos", "membership_needed"): 5,
        ("Cooperativa Uno", "open"): 3, ("Cooperativa Uno", "shut"): 3,
        ("Cooperativa Uno", "document_not_accepted"): 2, ("Cooperativa Uno", "document_expired"): 1,
    }  # fmt: skip


def test_page_and_files_protect_the_coordinator_and_not_who_opens_records(app: Flask, sign_in: Any) -> None:
    lend()
    for number in range(3):
        make_document(make_person(), number=f"100000000{number}")
    for _n in range(9):
        make_person()
    coordinator, monitor = sign_in(make_user(Role.COORDINATOR)), sign_in(make_user(Role.MONITORING))

    def lines(client: Any) -> list[list[str]]:
        answer = client.get("/linkages/openings/export?format=csv")
        return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))

    assert [line[2] for line in lines(coordinator)[1:]] == ["12", "*", "*", "*", "*"]
    assert [line[2] for line in lines(monitor)[1:]] == ["12", "3", "3", "9", "9"]
    assert coordinator.get("/linkages/openings/export?format=xlsx").data[:2] == b"PK"
    page = coordinator.get("/linkages/openings").text
    assert 'title="Pocas personas: oculto"' in page or "Few people: hidden" in page
    assert coordinator.get("/linkages/openings?canton=1001").status_code == 200
    assert coordinator.get("/linkages/openings?canton=%00'--").status_code == 200
    db.session.commit()
    assert db.session.query(JournalEntry).filter_by(action="openings.exported").count() == 3


def test_who_follows_no_linkages_counts_nobody(app: Flask, sign_in: Any) -> None:
    for role in (Role.LIAISON, Role.ENUMERATOR, Role.AUDITOR):
        client = sign_in(make_user(role))
        assert client.get("/linkages/openings").status_code == 403
        assert client.get("/linkages/openings/export").status_code == 403


def test_ten_thousand_people_are_counted_in_seconds() -> None:
    """Nobody like another: every age, canton and validity of a document."""
    many = [Counted(Sex.FEMALE, Asker(frozenset({Held(list(D)[n % 10], DAY + timedelta(days=n % 700 - 350))}),
                                      18 + n % 60, f"{n % 220:04d}")) for n in range(10_000)]  # fmt: skip
    banks = [Lender(n, str(n), InstitutionKind.BANK) for n in range(10)]
    loans = [Offer(n, str(n), LinkageKind.CREDIT, banks[n % 10], Demands(frozenset({D.VISA}))) for n in range(30)]
    before = time.perf_counter()
    counted = tally(many, banks, loans, day=DAY)
    assert people_in(counted) == 10_000
    assert time.perf_counter() - before < 10


held = st.builds(
    Held, st.sampled_from([D.CEDULA_EC, D.VISA, D.PASSPORT]), st.sampled_from([None, DAY, date(2020, 1, 1)])
)
anyone = st.builds(
    Counted, st.sampled_from(Sex),
    st.builds(Asker, st.frozensets(held, max_size=2), st.integers(15, 80), st.sampled_from(["1001", "1004", "2101"]),
              st.frozensets(st.sampled_from([1, 2]))),
)  # fmt: skip
PLACES = [Lender(1, "A", InstitutionKind.BANK, cantons=frozenset({"1001"})), CAJA]
limits = st.none() | st.integers(16, 70)
terms = st.builds(Demands, st.frozensets(st.sampled_from([D.CEDULA_EC, D.VISA, D.NONE])), st.booleans(),
                  least_age=limits, most_age=limits)  # fmt: skip
on_offer = st.builds(Offer, st.just(1), st.just("x"), st.just(LinkageKind.CREDIT), st.sampled_from(PLACES),
                     st.none() | terms)  # fmt: skip


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(anyone, max_size=12), st.lists(on_offer, max_size=4))
def test_the_shortcut_counts_what_looking_at_each_person_counts(everybody: list[Counted], loans: list[Offer]) -> None:
    found = openings(tally(everybody, PLACES, loans, day=DAY), PLACES, protected=False)
    for part in found.parts:
        own = [one for one in loans if one.institution.id == part.institution.id]
        open_to = [one for one in everybody if any(not reasons_against(one.asker, loan, day=DAY) for loan in own)]
        assert part.open.total == len(open_to)
        assert part.shut.total == len(everybody) - len(open_to)
        for row in part.reasons if own else ():
            by = [one for one in everybody if one not in open_to
                  and any(row.what in reasons_against(one.asker, loan, day=DAY) for loan in own)]  # fmt: skip
            assert row.total == len(by)
