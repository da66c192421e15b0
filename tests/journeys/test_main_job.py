"""The main job from an empty database to the donor's table, by nothing but pages."""

import io
import json
import re
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner
from flask import Flask

from grants.access.cli import journal, users
from grants.access.permissions import Role
from grants.core.db import db
from grants.delivery.desk.cli import group as desk
from grants.delivery.signals import PUBLIC_KEY_FILE
from grants.people.cli import group as places
from grants.reports.cli import group as results
from tests.factories.delivery import make_snapshot
from tests.journeys import steps
from tests.journeys.browser import Browser
from tests.journeys.steps import Worker

PASSWORDS = ("la lluvia cae en Ibarra", "el sol sale en Lago Agrio")

# Levels for viability (60 % of the plan), market (40 % of the plan) and clarity (all of the pitch), best first.
# A level is worth 20 points, the plan 60 % and the pitch 40 %: total = 7.2 × viability + 4.8 × market + 8 × clarity.
MERITS = {
    "Panadería": (4, 4, 4),  # 28.8 + 19.2 + 32 = 80.00
    "Confitería": (4, 4, 3),  # 28.8 + 19.2 + 24 = 72.00
    "Textiles": (4, 3, 3),  # 28.8 + 14.4 + 24 = 67.20
    "Peluquería": (3, 4, 3),  # 21.6 + 19.2 + 24 = 64.80
    "Tienda": (3, 3, 3),  # 21.6 + 14.4 + 24 = 60.00
    "Comidas": (3, 3, 2),  # 21.6 + 14.4 + 16 = 52.00
    "Zapatería": (3, 2, 2),  # 21.6 + 9.6 + 16 = 47.20
    "Vivero": (2, 3, 2),  # 14.4 + 14.4 + 16 = 44.80
    "Granja": (2, 2, 2),  # 14.4 + 9.6 + 16 = 40.00
    "Taller": (2, 2, 1),  # 14.4 + 9.6 + 8 = 32.00
    "Bisutería": (2, 1, 1),  # 14.4 + 4.8 + 8 = 27.20
    "Papelería": (1, 1, 1),  # 7.2 + 4.8 + 8 = 20.00
}
# As the page shows them in Spanish.
TOTALS = ["80,00", "72,00", "67,20", "64,80", "60,00", "52,00", "47,20", "44,80", "40,00", "32,00", "27,20", "20,00"]
ORDER = list(MERITS)
PLACES = 5
# One evaluator is a level stricter than another, and one a level kinder: their mean is the merit.
SEVERITIES = (-1, 0, 1)
PIN = "4715"


def test_the_main_job(real_app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    app = real_app
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)  # every form must carry its token
    prepare(app, tmp_path)
    ana = invited_coordinator(app)
    rosa, marta = Worker(app, Role.COORDINATOR), Worker(app, Role.COORDINATOR)

    steps.open_call(ana, places=PLACES)
    people, applications = applied(app, ana)
    scored(app, ana, applications)
    awards = selected([ana, rosa, marta], [applications[venture] for venture in ORDER])
    taken = ["Panadería", "Confitería", "Peluquería", "Tienda", "Comidas"]
    confirmed(app, [ana, rosa, marta], awards, [people[venture] for venture in taken])
    credited(app, ana, [people["Panadería"], people["Tienda"]])
    shown(app)


def prepare(app: Flask, folder: Path) -> None:
    """What an installation does before its first day: reference data and the security desk's key."""
    console = app.test_cli_runner()
    assert console.invoke(places, ["load-places"]).exit_code == 0
    assert console.invoke(places, ["load-consent-texts"]).exit_code == 0
    keys = ["--private", str(folder / "desk.pem"), "--public", str(Path(app.instance_path) / PUBLIC_KEY_FILE)]
    assert CliRunner().invoke(desk, ["keygen", *keys]).exit_code == 0


def invited_coordinator(app: Flask) -> Browser:
    """The console makes the first administrator, who invites a coordinator, who comes back and signs in."""
    made = app.test_cli_runner().invoke(users, ["create", "luz@example.org", "Luz Paz", "--role", "administrator"])
    luz = Browser(app.test_client())
    _phone, codes = steps.accept_invitation(luz, made.output, PASSWORDS[0])
    assert len(codes) == 10
    luz.open("/")
    luz.follow("/users")
    luz.follow("/users/invite")
    luz.send("/users/invite", email="ana@example.org", name="Ana Ruiz", roles=["coordinator"])
    (link,) = luz.page.found(r"http\S+/invitation/[\w-]+")

    ana = Browser(app.test_client())
    phone, _codes = steps.accept_invitation(ana, link, PASSWORDS[1])
    ana.open("/")
    ana.send("/sign-out")
    steps.sign_in(ana, "ana@example.org", PASSWORDS[1], phone.code())
    assert ana.page.address == "/"
    return ana


def applied(app: Flask, coordinator: Browser) -> tuple[dict[str, str], dict[str, str]]:
    """Twelve people register, finish the course and apply: folios of people and of applications by venture."""
    enumerator = Worker(app, Role.ENUMERATOR)
    # Not in the order of merit, so that neither order of arrival nor of folios can pass for it.
    ventures = sorted(ORDER)
    people = {venture: steps.register(enumerator, f"Persona {venture}") for venture in ventures}
    steps.train(coordinator, list(people.values()))
    applications = {venture: steps.apply(enumerator, people[venture], venture) for venture in ventures}
    assert len(set(applications.values())) == 12
    return people, applications


def scored(app: Flask, coordinator: Browser, applications: dict[str, str]) -> None:
    """Three evaluators hand in 24 sheets each: twelve plans and twelve pitches."""
    evaluators = [Worker(app, Role.EVALUATOR) for _severity in SEVERITIES]
    steps.assign_evaluators(coordinator)
    for evaluator, severity in zip(evaluators, SEVERITIES, strict=True):
        levels = {
            applications[venture]: {2: [viability + severity, market + severity], 1: [clarity + severity]}
            for venture, (viability, market, clarity) in MERITS.items()
        }
        assert steps.score(evaluator, levels) == 24


def selected(coordinators: list[Browser], order: list[str]) -> list[str]:
    """Two who did not make the run sign it. The third declines, the sixth moves up; addresses of the live awards."""
    maker, *signers = coordinators
    steps.simulate(maker)
    run = maker.page.address
    assert maker.page.found("A" + steps.FOLIO) == order
    assert re.findall(r'data-label="Total"><span><strong>([\d,]+)<', maker.page.answer.text) == TOTALS
    for signer in signers:
        signer.open(run)
        signer.send(".*/approve")
    maker.open(run)
    maker.send(".*/publish")
    awards = maker.follow("/calls/\\d+/awards").linked("/awards/\\d+")
    assert maker.page.found("A" + steps.FOLIO) == order[:5]
    assert maker.follow("/calls/\\d+/waiting-list").found("A" + steps.FOLIO) == order[5:]

    maker.open(awards[2])
    assert order[2] in maker.page.text
    maker.send(".*/end", state="declined", reason="Se muda a otra provincia")
    (promoted,) = [link for link in maker.page.linked("/awards/\\d+") if link not in awards]
    assert order[5] in maker.open(promoted).text
    return [*awards[:2], *awards[3:], promoted]


def confirmed(app: Flask, coordinators: list[Browser], awards: list[str], people: list[str]) -> None:
    """Each kit is planned, approved by two, packed, sealed, cleared, given a stop, sent out and handed over."""
    keepers, desk_worker = [Worker(app, Role.WAREHOUSE) for _n in range(3)], Worker(app, Role.DESK)
    make_snapshot("1001")  # Ibarra is calm, and known to be so
    db.session.commit()
    for number, award in enumerate(awards):
        officer = Worker(app, Role.OFFICER)
        officer.open("/deliveries/pin")
        officer.send("/deliveries/pin", pin=PIN, again=PIN, code=officer.phone.code())
        delivery = planned(coordinators, award, people[number])
        card = steps.issue_card(coordinators[0], number % 4)
        packer, sealer, releaser = (keepers[(number + turn) % 3] for turn in range(3))
        seal = steps.pack_and_seal(packer, sealer, delivery)
        steps.clear(desk_worker, delivery)
        steps.set_up_team(coordinators[0], officer, str(number))
        run = steps.plan_run(coordinators[0], officer, f"Camioneta {number}", delivery)
        steps.send_out(releaser, officer, run)
        steps.hand_over(officer, seal=seal, pin=PIN, card=card)
        assert coordinators[0].open(delivery).linked(".*/receipt")


def planned(coordinators: list[Browser], award: str, person: str) -> str:
    """From the list of what is to be planned; the first coordinator stands on the delivery's page afterwards."""
    planner, *approvers = coordinators
    planner.open("/")
    planner.follow("/deliveries/")
    planner.follow("/deliveries/to-plan")
    planner.send("/deliveries/plan/" + award.rpartition("/")[2])
    delivery = planner.page.address
    assert planner.page.found("P" + steps.FOLIO) == [person]
    for approver in approvers:
        approver.open(award)
        approver.follow(delivery)
        approver.send(".*/approve")
    return delivery


def credited(app: Flask, coordinator: Browser, people: list[str]) -> None:
    """An institution with its liaison; two people referred with consent; both credits disbursed."""
    liaison = Worker(app, Role.LIAISON)
    coordinator.open("/")
    coordinator.follow("/linkages")
    coordinator.follow("/institutions")
    coordinator.follow("/institutions/new")
    coordinator.send("/institutions/new", name="Cooperativa Mujeres Unidas", kind="cooperative", canton_code="1001")
    coordinator.send("/institutions/\\d+/liaisons", user_id=str(liaison.user.id))
    coordinator.follow("/institutions/\\d+")
    coordinator.follow("/institutions/\\d+/agreements/new")
    coordinator.send(".*/new", kind="agreement", signed_on="2026-01-10", valid_from="2026-01-10")
    for person in people:
        steps.refer(coordinator, person, "Cooperativa Mujeres Unidas")
    liaison.open("/")
    referrals = liaison.follow("/my-referrals").linked("/referrals/\\d+")
    assert len(referrals) == 2
    for number, referral in enumerate(referrals, 1):
        steps.log_credit(liaison, referral, reference=f"OP-{number}")


def shown(app: Flask) -> None:
    """The donor's table as a page, a workbook and JSON says the same; the journal holds."""
    monitor, console = Worker(app, Role.MONITORING), app.test_cli_runner()
    page = monitor.follow("/results")
    workbook = openpyxl.load_workbook(io.BytesIO(monitor.open("/results.xlsx").answer.data))
    rows = [[str(cell) for cell in row] for sheet in workbook for row in sheet.iter_rows(values_only=True)]
    said = json.loads(console.invoke(results, ["show", "--json"]).output)
    counted = {one["code"]: one["cumulative"] for one in said["indicators"]}

    assert (counted["1.2b"], counted["2.3b"]) == (5, 2)
    assert counted["1.2a"] == 12
    for code in ("1.2b", "2.3b"):
        assert code in page.text
        assert any(code in row and str(counted[code]) in row for row in rows)
    verdict = console.invoke(journal, ["verify"])
    assert verdict.exit_code == 0, verdict.output
