"""The product chosen at the referral: its terms and its segment hold at the disbursement, whoever logs it and how."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from grants.access.models import User
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.credit.models import Linkage, LinkageState, Product, RateKind, Segment
from grants.credit.services import Step, log_step
from grants.credit.services.ceilings import load_ceilings
from grants.credit.services.movements import movements_of
from grants.credit.services.quick import log_once
from grants.credit.services.reversals import confirm_reversal, propose_reversal
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_referral
from tests.factories.credit_imports import a_row, checked, csv_of, settings_of, told
from tests.factories.credit_movements import ago
from tests.factories.credit_offers import make_product, make_terms
from tests.grants.credit.test_api import LIST, liaison_token

DEAR = {"rate_percent": Decimal("28.23"), "rate_kind": RateKind.EFFECTIVE}
SOCIAL = {"rate_percent": Decimal(1), "rate_kind": RateKind.EFFECTIVE, "segment": Segment.SOCIAL}


def make_social(institution: Any, **terms: Any) -> Product:
    """A credit of the segment whose ceiling is 1 %."""
    load_ceilings(now=utcnow())
    product = make_product(institution, name="Crédito social")
    make_terms(product, **{**SOCIAL, **terms})
    return product


def approved(product: Product) -> Linkage:
    """A credit that was approved, referred for this product."""
    referral = make_referral(institution=product.institution)
    referral.product_id = product.id
    linkage = make_linkage(referral, state=LinkageState.APPROVED)
    linkage.product_id = product.id
    db.session.flush()
    return linkage


def disburse(linkage: Linkage, **said: Any) -> None:
    step = Step(LinkageState.DISBURSED, said.pop("day", ago(5)), amount_usd=Decimal(500), term_months=12,
                reference="Z-1", **said)  # fmt: skip
    log_step(linkage, step, by=make_liaison(linkage.institution), now=utcnow())


def test_its_ceiling_holds_where_the_step_names_none(app: Flask) -> None:
    linkage = approved(make_social(make_institution()))

    with pytest.raises(RuleBroken, match="1,00 %") as refused:
        disburse(linkage, **DEAR)

    db.session.refresh(linkage)
    assert (refused.value.field, linkage.state) == ("rate_percent", LinkageState.APPROVED)


def test_its_rate_and_segment_fill_what_is_left_out(app: Flask) -> None:
    product = make_social(make_institution())
    linkage = approved(product)

    disburse(linkage)

    assert (linkage.product_id, linkage.segment) == (product.id, Segment.SOCIAL)
    assert (linkage.rate_percent, linkage.rate_kind) == (Decimal(1), RateKind.EFFECTIVE)


def test_another_segment_beside_the_product_is_refused(app: Flask) -> None:
    product = make_social(make_institution())
    linkage = approved(product)

    for said in ({"segment": Segment.MINORISTA}, {"segment": Segment.MINORISTA, "product": product}):
        with pytest.raises(RuleBroken) as refused:
            disburse(linkage, **DEAR, **said)
        assert refused.value.field == "segment"

    disburse(linkage, segment=Segment.SOCIAL)
    assert linkage.state is LinkageState.DISBURSED


def test_a_product_without_a_segment_leaves_it_to_the_step(app: Flask) -> None:
    product = make_social(make_institution(), segment=None)
    linkage = approved(product)

    disburse(linkage, **DEAR, segment=Segment.MINORISTA)

    assert linkage.segment is Segment.MINORISTA


def test_one_not_offered_on_the_day_is_refused_and_another_can_be_chosen(app: Flask) -> None:
    institution = make_institution()
    linkage = approved(make_social(institution, valid_from=ago(3)))
    other = make_product(institution)
    make_terms(other)

    with pytest.raises(RuleBroken) as refused:
        disburse(linkage)
    disburse(linkage, product=other)

    assert refused.value.field == "product_id"
    assert (linkage.product_id, linkage.segment) == (other.id, Segment.MINORISTA)


def test_the_form_shows_it_chosen_and_an_empty_choice_means_it(app: Flask, sign_in: Any) -> None:
    institution = make_institution()
    make_terms(make_product(institution, name="Aaa"))
    linkage = approved(make_social(institution))
    client = sign_in(make_liaison(institution))
    typed = {"happened_on": ago(5).isoformat(), "amount_usd": "500", "term_months": "12", "rate_percent": "28,23",
             "rate_kind": "effective", "reference": "Z-1", "product_id": ""}  # fmt: skip

    for page in (f"/linkages/{linkage.id}/log/disbursed", f"/linkages/{linkage.id}/quick"):
        assert f'<option selected value="{linkage.product_id}">' in client.get(page).text
    answer = client.post(f"/linkages/{linkage.id}/log/disbursed", data=typed)

    assert answer.status_code == 200
    assert "1,00 %" in answer.text
    assert db.session.get(Linkage, linkage.id).state is LinkageState.APPROVED


def post(app: Flask, linkage: Linkage, **said: Any) -> Any:
    body = {"to_state": "disbursed", "happened_on": ago(5).isoformat(), "amount_usd": "500.00", "term_months": 12,
            "reference": "Z-1", **said}  # fmt: skip
    token = liaison_token(linkage.institution)
    return app.test_client().post(f"{LIST}/{linkage.folio}/events", headers=token, json=body)


def test_a_program_meets_it_too(app: Flask) -> None:
    linkage = approved(make_social(make_institution()))
    dear = {"rate_percent": "28.23", "rate_kind": "effective"}

    above = post(app, linkage, **dear)
    contradicted = post(app, linkage, **dear, segment="minorista")
    logged = post(app, linkage)

    assert (above.status_code, above.json["field"]) == (409, "rate_percent")
    assert (contradicted.status_code, contradicted.json["field"]) == (409, "segment")
    assert logged.status_code == 201


def test_a_program_names_a_product(app: Flask) -> None:
    linkage = approved(make_social(make_institution()))
    other = make_product(linkage.institution, name="Microcrédito ágil")
    make_terms(other)
    foreign = make_product(name="De otra")

    refused = post(app, linkage, product=foreign.name)
    unreadable = post(app, linkage, product="a\x00b")
    logged = post(app, linkage, product=other.name)

    assert (refused.status_code, refused.json["field"]) == (409, "product")
    assert (unreadable.status_code, list(unreadable.json["errors"]["json"])) == (422, ["product"])
    assert logged.status_code == 201
    assert db.session.get(Linkage, linkage.id).product_id == other.id


def test_a_file_meets_it_too(app: Flask) -> None:
    linkage = approved(make_social(make_institution()))
    day = (local_day(utcnow()) - timedelta(days=5)).strftime("%d/%m/%Y")
    row = a_row(operation="Z-1", folio=linkage.folio, kind="desembolso", day=day, amount="500", term="12", rate="28,23")

    kept = checked(csv_of(row), linkage.institution, make_liaison(linkage.institution),
                   settings=settings_of(rate_kind=RateKind.EFFECTIVE))  # fmt: skip

    assert told(kept) == ["ceiling"]


def test_it_is_chosen_again_after_a_disbursement_was_taken_back(app: Flask) -> None:
    institution = make_institution()
    product, other = make_social(institution), make_product(institution)
    make_terms(other)
    linkage = approved(product)
    disburse(linkage, product=other)

    proposal = propose_reversal(movements_of(linkage)[0], "Otro día", by=make_liaison(institution), now=utcnow())
    confirm_reversal(proposal, by=make_liaison(institution), now=utcnow())

    assert (linkage.state, linkage.product_id, linkage.segment) == (LinkageState.APPROVED, product.id, None)


def test_the_five_years_count_from_the_last_step_again(app: Flask) -> None:
    linkage = approved(make_social(make_institution()))
    disburse(linkage)
    assert linkage.counted_from is not None

    proposal = propose_reversal(movements_of(linkage)[0], "Otro día", by=make_liaison(linkage.institution),
                                now=utcnow())  # fmt: skip
    confirm_reversal(proposal, by=make_liaison(linkage.institution), now=utcnow())

    assert (linkage.state, linkage.counted_from, linkage.next_due_on) == (LinkageState.APPROVED, None, None)


def test_a_form_sent_twice_stands_once_though_its_product_is_read_anew(app: Flask) -> None:
    linkage = approved(make_social(make_institution()))
    by, kept = make_liaison(linkage.institution), []
    db.session.commit()
    numbers = linkage.id, linkage.product_id, by.id

    def tap() -> bool:
        found, product, user = (
            db.session.get(one, number) for one, number in zip((Linkage, Product, User), numbers, strict=True)
        )
        kept.append(product)  # so that the next one lies elsewhere in memory
        step = Step(LinkageState.DISBURSED, ago(5), amount_usd=Decimal(500), term_months=12, reference="Z-1",
                    product=product)  # fmt: skip
        return log_once(found, step, key="k" * 20, by=user, now=utcnow())

    assert tap() is True
    db.session.commit()
    db.session.expunge_all()
    assert tap() is False
