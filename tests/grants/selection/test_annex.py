"""The methods annex holds the run's own numbers, and anyone can compute them again."""

import csv
import hashlib
import io
import zipfile
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader
from scipy.stats import norm
from sqlalchemy import func, select

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls.models import Call, Stage
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.journal import JournalEntry
from grants.selection import services
from grants.selection.models import Selection, SelectionRow
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.evaluation import make_assignment, make_conflict, make_reviews, make_sheet

SignIn = Callable[[User], FlaskClient]


def run_of(call: Call) -> Selection:
    return services.simulate(call, by=make_user(Role.COORDINATOR), now=utcnow())


def annex_of(client: FlaskClient, run: Selection, language: str = "en") -> Any:
    return client.get(f"/selections/{run.id}/methods-annex?language={language}")


def words_of(answer: Any) -> str:
    assert answer.status_code == 200
    assert answer.mimetype == "application/pdf"
    pages = PdfReader(io.BytesIO(answer.data)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_the_annex_redoes_one_application_with_the_runs_own_numbers(app: Flask, sign_in: SignIn) -> None:
    """Levels 4, 3, 1 of 4 under 50, 30, 20 %: 50 + 22.5 + 5 = 77.5. Pitch 2, 4 under 60, 40: 30 + 40 = 70.

    With a second plan sheet of 100 the plan is 88.75; 60 % of it and 40 % of 70 are 81.25.
    """
    call = make_call(places=1, budget_usd=Decimal(700))
    application = make_application(call)
    make_sheet(application, levels=(4, 3, 1))
    make_sheet(application, levels=4)
    for _n in range(2):
        make_sheet(application, stage=Stage.PITCH, levels=(2, 4))
    make_reviews(make_application(call), plan=0, pitch=0)
    run = run_of(call)

    words = words_of(annex_of(sign_in(make_user(Role.AUDITOR)), run))

    assert any(f"{pair} / 2 = 88.75" in words for pair in ("(77.50 + 100.00)", "(100.00 + 77.50)"))
    assert "60 × (2 − 0) / (4 − 0) = 30.00" in words
    assert "(70.00 + 70.00) / 2 = 70.00" in words
    assert "60 % × 88.75 + 40 % × 70.00 = 81.25" in words


def test_the_annex_counts_what_the_database_holds(app: Flask, sign_in: SignIn) -> None:
    call = make_call(places=1, budget_usd=Decimal(700))
    for level in (4, 2, 1):
        make_reviews(make_application(call), plan=level, pitch=level)
    make_application(call)  # nobody scored it
    run = run_of(call)

    words = words_of(annex_of(sign_in(make_user(Role.AUDITOR)), run))

    assert run.inputs_hash in squeezed(words)
    for sentence in (
        "Applications 4", "Selected 1", "On the waiting list 2", "Not ranked 1",
        "12 evaluators handed in 12 sheets that count",
        "Business plan 6 6 0 1.50 2",
        "The call asks for 2 reviews",
    ):  # fmt: skip
        assert sentence in words
    assert call.code in words


def test_the_worked_tie_key_can_be_computed_by_hand(app: Flask, sign_in: SignIn) -> None:
    call = make_call(tie_seed="Quito 2024-05-01")
    for level in (4, 2):
        make_reviews(make_application(call), plan=level, pitch=level)
    run = run_of(call)
    folios = [row.application.folio for row in db.session.scalars(select(SelectionRow))]

    words = words_of(annex_of(sign_in(make_user(Role.AUDITOR)), run))

    keys = {hashlib.sha256(f"Quito 2024-05-01|{call.code}|{folio}".encode()).hexdigest(): folio for folio in folios}
    assert min(keys) in squeezed(words)
    assert squeezed(f'"Quito 2024-05-01|{call.code}|{keys[min(keys)]}"') in squeezed(words)


def test_a_conflict_keeps_an_application_out_of_the_examples(app: Flask, sign_in: SignIn) -> None:
    call, reader = make_call(), make_user(Role.COORDINATOR)
    applications = [make_application(call) for _n in range(2)]
    make_reviews(applications[0], plan=4, pitch=4)
    make_reviews(applications[1], plan=1, pitch=1)
    run = run_of(call)
    for application in applications:
        make_conflict(application, reader)

    words = words_of(annex_of(sign_in(reader), run))

    assert "Applications 2" in words
    assert all(application.folio not in words for application in applications)
    assert "100.00" not in words


def test_the_annex_names_no_evaluator(app: Flask, sign_in: SignIn) -> None:
    call, evaluator = make_call(), make_user(Role.EVALUATOR, name="Rosalba Quishpe")
    application = make_application(call)
    make_reviews(application)
    make_sheet(application, evaluator, comment="Conozco a la familia.")
    words = words_of(annex_of(sign_in(make_user(Role.COORDINATOR)), run_of(call)))
    assert "Quishpe" not in words
    assert "Conozco" not in words


def test_the_annex_of_a_run_without_anybody_ranked(app: Flask, sign_in: SignIn) -> None:
    call = make_call()
    make_application(call)
    words = words_of(annex_of(sign_in(make_user(Role.AUDITOR)), run_of(call)))
    assert "Not ranked 1" in words
    assert "0 evaluators handed in 0 sheets" in words


def test_variances_are_those_of_the_mean_squares(app: Flask, sign_in: SignIn) -> None:
    """Where every evaluator reads every application, REML gives the components that the mean squares of the two-way
    table give (Searle, Casella and McCulloch 1992, section 4.3), and one sheet has Shrout and Fleiss' ICC(2,1)."""
    call = make_call(plan_weight=Decimal(100), pitch_weight=Decimal(0), reviews_per_application=3)
    evaluators = [make_user(Role.EVALUATOR) for _n in range(3)]
    given = [[(4, 4, 3), (4, 3, 3), (3, 3, 2)], [(3, 2, 2), (2, 3, 2), (2, 1, 1)], [(2, 1, 2), (1, 1, 0), (1, 0, 1)],
             [(4, 2, 4), (3, 3, 3), (3, 1, 2)]]  # fmt: skip
    for levels in given:
        application = make_application(call)
        for evaluator, one in zip(evaluators, levels, strict=True):
            make_sheet(application, evaluator, levels=one)
    points = np.array(given) @ np.array([50, 30, 20]) / 4
    rows, columns, whole = points.mean(axis=1), points.mean(axis=0), points.mean()
    n, k = points.shape
    between, raters = k * rows.var(ddof=1), n * columns.var(ddof=1)
    error = ((points - rows[:, None] - columns + whole) ** 2).sum() / ((n - 1) * (k - 1))
    expected = ((between - error) / k, (raters - error) / n, error)

    client, run = sign_in(make_user(Role.AUDITOR)), run_of(call)
    words = words_of(annex_of(client, run))
    with zipfile.ZipFile(io.BytesIO(client.get(f"/selections/{run.id}/data-for-r.zip").data)) as package:
        (fit,) = csv.DictReader(io.StringIO(package.read("fits.csv").decode()))

    assert [float(fit[name]) for name in ("application", "evaluator", "residual")] == pytest.approx(expected, rel=1e-4)
    icc = expected[0] / sum(expected)
    assert all(part > 0 for part in expected)
    assert f"Business plan {expected[0]:.2f} {expected[1]:.2f} {expected[2]:.2f} {icc:.3f}" in words
    assert "1,000 times" in words
    # Two means of two reviews each differ by chance with a variance of residual / 2 + residual / 2.
    detectable = (norm.ppf(0.975) + norm.ppf(0.8)) * np.sqrt(error / 2 + error / 2)
    assert f"an evaluator with 4 reviews would have to take off at least {detectable:.1f} points" in words


def test_whoever_owes_sheets_reads_no_annex(app: Flask, sign_in: SignIn) -> None:
    call, both = make_call(), make_user(Role.COORDINATOR, Role.EVALUATOR)
    make_reviews(make_application(call))
    run = run_of(call)
    make_assignment(make_application(call), both)

    answer = annex_of(sign_in(both), run)

    assert answer.status_code == 409
    assert db.session.scalar(select(func.count()).where(JournalEntry.action == "export.made")) == 0


@pytest.mark.parametrize("language", ["es", "en", "xx"])
def test_the_annex_speaks_both_languages(app: Flask, sign_in: SignIn, language: str) -> None:
    call = make_call()
    make_reviews(make_application(call), plan=3, pitch=3)
    run = run_of(call)

    answer = annex_of(sign_in(make_user(Role.AUDITOR)), run, language)

    comma = language != "en"
    assert ("75,00" in words_of(answer)) == comma
    assert ("75.00" in words_of(answer)) != comma
    entry = db.session.scalars(select(JournalEntry).where(JournalEntry.action == "export.made")).one()
    assert entry.details == '{"kind":"methods annex","rows":1}'
