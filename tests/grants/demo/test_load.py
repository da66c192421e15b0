"""Loading the demo: all or nothing, once, and the same by seed."""

from collections import defaultdict
from fractions import Fraction
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import func, select, text

from grants.access.models import FactorKind, User
from grants.access.permissions import Role
from grants.applications.models import Application
from grants.calls.models import Call, Stage
from grants.core import journal
from grants.core.db import Model, db
from grants.delivery.models import Delivery, DeliveryEvent, DeliveryState, DutyHeld
from grants.delivery.signals import PUBLIC_KEY_FILE
from grants.demo import queries, services
from grants.demo.facts import Chance, spread
from grants.demo.start import DEMO_DESK_KEY
from grants.evaluation.models import ScoreSheet
from grants.people.folio import normal_folio
from grants.people.models import Canton, Person, PopulationGroup, Province
from grants.selection.models import Award, Selection
from tests.conftest import build
from tests.factories.access import make_user, signed_in_client
from tests.factories.people import make_canton


def load(app, *options: str):
    return app.test_cli_runner().invoke(args=["demo", "load", *options])


def rows() -> dict[str, int]:
    return {
        table.name: db.session.scalar(select(func.count()).select_from(table)) for table in Model.metadata.sorted_tables
    }


def folios() -> list[str]:
    tables = ("person", "application", "delivery", "referral", "linkage")
    return [folio for table in tables for folio in db.session.scalars(text(f"SELECT folio FROM {table} ORDER BY id"))]  # noqa: S608


def test_second_load_is_refused_and_changes_nothing(demo):
    before = rows()
    db.session.remove()

    answer = load(demo)

    assert answer.exit_code == 1
    assert "GRANTS_INSTANCE_PATH" in answer.output
    assert rows() == before


def test_load_is_refused_where_somebody_works(app):
    make_user(Role.ADMINISTRATOR)
    db.session.commit()

    answer = load(app)

    assert answer.exit_code == 1
    assert db.session.scalar(select(func.count(User.id))) == 1


def test_reference_places_do_not_stand_in_the_way(app):
    make_canton("1001")

    services.refuse_unless_empty()

    assert db.session.get_one(Province, "10").name == "Imbabura"


def test_interrupted_load_leaves_nothing(app, monkeypatch):
    monkeypatch.setattr(services, "build_deliveries", lambda *_all, **_named: 1 / 0)

    answer = load(app)

    for name in (PUBLIC_KEY_FILE, DEMO_DESK_KEY):  # the installation is shared with other tests
        (Path(app.instance_path) / name).unlink(missing_ok=True)
    assert isinstance(answer.exception, ZeroDivisionError)
    assert sum(count for name, count in rows().items() if name != "journal_head") == 0


def test_same_seed_gives_the_same_programme(demo, new_database, tmp_path):
    expected = folios()
    db.session.remove()
    another = build(new_database("sqlite"), tmp_path)
    with another.app_context():
        assert load(another).exit_code == 0
        same = folios()
        db.session.remove()

    assert same == expected
    assert len(set(same)) == len(same)
    assert all(normal_folio(folio) == folio for folio in same)


def test_another_seed_gives_other_people():
    assert Chance(1).folio("P") != Chance(2).folio("P")


@pytest.mark.parametrize(
    ("total", "shares", "expected"),
    [(10, {"a": 50, "b": 50}, {"a": 5, "b": 5}), (3, {"a": 50, "b": 50}, {"a": 2, "b": 1}),
     (0, {"a": 100}, {"a": 0}), (101, {"a": 60, "b": 36, "c": 4}, {"a": 61, "b": 36, "c": 4})],
)  # fmt: skip
def test_spread_shares_out_everybody(total, shares, expected):
    assert spread(total, shares) == expected


def test_journal_of_the_demo_holds(demo):
    verdict = journal.verify()

    assert verdict.holds
    assert verdict.entries > 3000


def test_selection_follows_from_the_sheets(demo):
    """Points worked out anew: mean of three sheets per stage, 60 % plan and 40 % pitch, the best 129 in."""
    call = db.session.scalars(select(Call).where(Call.code == "SC-2023")).one()
    by_stage = defaultdict(list)
    for sheet in db.session.scalars(select(ScoreSheet).join(Application).where(Application.call_id == call.id)):
        points = sum(Fraction(score.criterion.weight) * score.level / 4 for score in sheet.scores)
        by_stage[sheet.application_id, sheet.stage].append(points)
    totals = defaultdict(Fraction)
    for (application_id, stage), points in by_stage.items():
        assert len(points) == 3
        totals[application_id] += sum(points) / 3 * (Fraction(60, 100) if stage is Stage.PLAN else Fraction(40, 100))

    selection = db.session.scalars(select(Selection).where(Selection.call_id == call.id)).one()
    best = sorted(totals, key=lambda key: -totals[key])[:129]
    awarded = db.session.scalars(select(Award.application_id).where(Award.selection_id == selection.id)).all()
    assert set(awarded) == set(best)
    assert {row.application_id: row.points for row in selection.rows} == {
        key: int(total * 100 + Fraction(1, 2)) for key, total in totals.items()
    }
    assert len({approval.approved_by_id for approval in selection.approvals} - {selection.created_by_id}) == 2


def test_evaluators_differ_in_severity(demo):
    means = db.session.execute(
        text("SELECT evaluator_id, avg(level * 1.0) FROM score s JOIN score_sheet t ON t.id = s.sheet_id "
             "GROUP BY evaluator_id")
    ).all()  # fmt: skip

    assert len(means) == 8
    assert max(mean for _id, mean in means) - min(mean for _id, mean in means) > 0.5


def test_population_groups_agree_with_nationalities(demo):
    pairs = set(db.session.execute(select(Person.population_group, Person.nationality).distinct()))

    assert {nation for group, nation in pairs if group is PopulationGroup.HOST} == {"EC"}
    assert {group for group, nation in pairs if nation == "EC"} == {PopulationGroup.HOST}


def test_kits_come_from_the_plans_and_fit_the_award(demo):
    deliveries = db.session.scalars(select(Delivery).limit(200)).all()

    for delivery in deliveries:
        items = [(i.name, i.quantity, i.unit_price_usd) for i in delivery.award.application.plan.items]
        assert [(line.name, line.quantity, line.unit_price_usd) for line in delivery.lines] == items
        assert 0 < delivery.value_usd <= delivery.award.value_usd


def test_nobody_holds_two_duties_of_one_delivery(demo):
    confirmed = select(Delivery.id).where(Delivery.state == DeliveryState.CONFIRMED)
    held = defaultdict(set)
    for row in db.session.scalars(select(DutyHeld).where(DutyHeld.delivery_id.in_(confirmed))):
        held[row.delivery_id].add(row.user_id)
    events = db.session.scalar(select(func.count(DeliveryEvent.id)).where(DeliveryEvent.delivery_id.in_(confirmed)))

    assert {len(people) for people in held.values()} == {6}
    assert events == len(held) * 8


def test_credits_come_after_their_referral_and_registration(demo):
    late = db.session.scalar(text(
        "SELECT count(*) FROM linkage l JOIN referral r ON r.id = l.referral_id JOIN person p ON p.id = l.person_id "
        "WHERE NOT (p.registered_at < r.referred_at AND CAST(r.referred_at AS date) < l.disbursed_on)"
    )) if db.engine.dialect.name == "postgresql" else db.session.scalar(text(
        "SELECT count(*) FROM linkage l JOIN referral r ON r.id = l.referral_id JOIN person p ON p.id = l.person_id "
        "WHERE NOT (p.registered_at < r.referred_at AND date(r.referred_at) < l.disbursed_on)"
    ))  # fmt: skip

    assert late == 0


def test_every_role_has_an_account_with_both_seeds(demo):
    accounts = queries.accounts()

    assert {role for user in accounts for role in user.roles} == set(Role)
    assert sum(user.is_a(Role.EVALUATOR) for user in accounts) >= 6
    assert all(queries.seed_of(user.email, kind) for user in accounts for kind in FactorKind)


@pytest.mark.parametrize(("options", "kind"), [([], FactorKind.LOGIN), (["--delivery"], FactorKind.DELIVERY)])
def test_code_of_an_account_is_the_one_of_its_phone(demo, options, kind):
    totp = pyotp.TOTP(queries.seed_of("logistica1", kind))
    before = totp.now()

    answer = demo.test_cli_runner().invoke(args=["demo", "code", "logistica1", *options])

    assert answer.output.strip() in {before, totp.now()}


def test_code_of_a_real_account_is_never_told(app):
    user = make_user(Role.OFFICER)
    db.session.commit()

    answer = app.test_cli_runner().invoke(args=["demo", "code", user.email])

    assert answer.exit_code == 1
    assert not any(letter.isdigit() for letter in answer.output.replace(user.email, ""))


def test_accounts_are_listed_with_their_roles(demo):
    listed = demo.test_cli_runner().invoke(args=["demo", "accounts"]).output

    assert "monitoreo1@demo.semilla.example" in listed
    assert len(listed.splitlines()) == 26


def test_accounts_without_a_demo_say_what_to_do(app):
    answer = app.test_cli_runner().invoke(args=["demo", "accounts"])

    assert answer.exit_code == 1
    assert "grants demo load" in answer.output


def test_results_page_of_the_demo_stays_small(demo):
    monitor = next(user for user in queries.accounts() if user.is_a(Role.MONITORING))

    answer = signed_in_client(demo, monitor).get("/results")

    assert answer.status_code == 200
    assert len(answer.data) < 100_000


def test_donor_of_the_demo_sees_no_small_cell(demo):
    donor = next(user for user in queries.accounts() if user.is_a(Role.AUDITOR))

    page = signed_in_client(demo, donor).get("/results").text

    assert "&lt;5" in page
    assert ">127<" not in page  # with 1 and 1 beside it, 127 of 129 would tell both
    assert db.session.get_one(Canton, "1001").name in page
