"""What people do in the main job, each as a few pages and forms."""

import io
import re
import time
from datetime import timedelta
from itertools import count

import pyotp
from flask import Flask
from pypdf import PdfReader

from grants.access.models import FactorKind, User
from grants.access.permissions import Role
from grants.core.clock import PROGRAMME_ZONE, local_day, utcnow
from tests.factories.access import factor_of, make_user, signed_in_client
from tests.journeys.browser import Browser, Typed

STEP_SECONDS = 30
CARD_CODE = r"\d{3} \d{3} \d{4}"
FOLIO = r"-[0-9A-Z]{9}"
LEVELS = ("Nada", "Muy poco", "Poco", "Suficiente", "Bien", "Muy bien")  # 0 to 5: 20 points each

_numbers = count(1)


class Phone:
    """An authenticator app. Each code is shown once: a server takes none twice."""

    def __init__(self, seed: str) -> None:
        self.app, self.last = pyotp.TOTP(seed), 0

    def code(self) -> str:
        """The earliest code that is still good for ten seconds and was not shown before; waits as a person would."""
        earliest = int(utcnow().timestamp() + 10 - STEP_SECONDS) // STEP_SECONDS
        self.last = max(self.last + 1, earliest)
        while self.last > int(utcnow().timestamp()) // STEP_SECONDS + 1:
            time.sleep(0.2)
        return str(self.app.generate_otp(self.last))


class Worker(Browser):
    """A user at a browser in which both factors were given, with a phone for delivery codes."""

    def __init__(self, app: Flask, *roles: Role) -> None:
        self.user: User = make_user(*roles)
        super().__init__(signed_in_client(app, self.user))
        self.phone = Phone(factor_of(self.user, FactorKind.DELIVERY).seed)
        self.open("/")


def accept_invitation(browser: Browser, link: str, password: str) -> tuple[Phone, list[str]]:
    """From the link to a first session: password, authenticator app, ten recovery codes written down."""
    browser.open("/invitation/" + link.partition("/invitation/")[2].strip())
    browser.send("/invitation/[^/]+", password=password)
    phone = Phone("".join(re.findall(r"secret=([A-Z2-7]{32})", browser.page.answer.text)[:1]))
    codes = browser.send("/invitation/.*/factor", code=phone.code()).found(r"[A-Z2-9]{4}(?:-[A-Z2-9]{4}){3}")
    browser.send("/account/recovery-codes/written-down")
    return phone, codes


def sign_in(browser: Browser, email: str, password: str, code: str) -> None:
    browser.open("/sign-in")
    browser.send("/sign-in", email=email, password=password)
    browser.send("/sign-in/code", code=code)


def open_call(coordinator: Browser, *, places: int) -> None:
    """A programme, a call for people who finished the entrepreneurship course, its rubric, and its publication."""
    today = local_day(utcnow())
    coordinator.open("/")
    coordinator.follow("/calls/?")
    coordinator.follow("/calls/programmes")
    coordinator.follow("/calls/programmes/new")
    coordinator.send("/calls/programmes/new", code="MPTF-EC", name="Medios de vida", starts_on="2022-01-01",
                     ends_on=f"{today.year + 1}-12-31")  # fmt: skip
    coordinator.follow("/calls/?")
    coordinator.follow("/calls/(new|create)")
    opens, closes = (utcnow().astimezone(PROGRAMME_ZONE) + timedelta(days=days) for days in (-1, 10))
    coordinator.send(
        "/calls/(new|create)", code="CAP-1", name="Capital semilla", kind="seed_capital",
        opens_at=f"{opens:%Y-%m-%dT%H:%M}", closes_at=f"{closes:%Y-%m-%dT%H:%M}", places=str(places),
        value_per_award_usd="700.00", budget_usd=str(places * 700), required_course="entrepreneurship",
        plan_weight="60", pitch_weight="40", reviews_per_application="3",
    )  # fmt: skip
    _write_rubric(coordinator)
    coordinator.send("/calls/\\d+/publish")


def _write_rubric(coordinator: Browser) -> None:
    rubric = [("plan", "Viabilidad", "60"), ("plan", "Mercado", "40"), ("pitch", "Claridad", "100")]
    typed: dict[str, Typed] = {}
    for row, (stage, name, weight) in enumerate(rubric):
        typed |= {f"criteria-{row}-stage": stage, f"criteria-{row}-name": name, f"criteria-{row}-weight": weight}
        typed |= {f"criteria-{row}-levels-{level}": words for level, words in enumerate(LEVELS)}
    if not coordinator.page.address.endswith("/rubric"):
        coordinator.follow("/calls/\\d+/rubric")
    coordinator.send("/calls/\\d+/rubric", **typed)


def register(enumerator: Browser, given_names: str, **facts: str) -> str:
    """Register a person with consent and a phone; their folio."""
    number = next(_numbers)
    enumerator.open("/")
    enumerator.follow("/people/register")
    answers = {f"wg_{domain}": "1" for domain in ("seeing", "hearing", "walking", "remembering", "self_care")}
    page = enumerator.send(
        "/people/register", consent_language="es", consent_given="y", consent_delivery="y", given_names=given_names,
        first_surname="Quintero", second_surname="Rivas", birth_day="14", birth_month="3", birth_year="1990",
        **{"sex": "female", "nationality": "VE", "population_group": "migrant", "is_single_carer": "rather_not",
           "language": "es", "canton_code": "1001", "document_kind": "none", "phone": f"09912345{number:02}",
           "phone_country": "EC", "wg_communicating": "1", **answers, **facts},
    )  # fmt: skip
    return page.found("P" + FOLIO)[0]


def train(coordinator: Browser, folios: list[str]) -> None:
    """A course of last month that all of them finished."""
    last = local_day(utcnow()) - timedelta(days=3)
    coordinator.open("/")
    coordinator.follow("/courses/?")
    coordinator.follow("/courses/create")
    coordinator.send("/courses/create", code="EMP-IBA-1", name="Emprendimiento", kind="entrepreneurship",
                     province_code="10", starts_on=str(last - timedelta(days=30)), ends_on=str(last))  # fmt: skip
    coordinator.send("/courses/\\d+/enrol", folios="\n".join(folios))
    form = coordinator.form("/courses/\\d+/complete.*")
    ticked: dict[str, Typed] = {name: "y" for name in form.names if name.startswith("done-")}
    assert len(ticked) == len(folios)
    coordinator.send("/courses/\\d+/complete.*", completed_on=str(last), **ticked)


def apply(enumerator: Browser, person: str, venture: str) -> str:
    """Start, write and submit the person's application; its folio. The items cost 1 × 450 + 10 × 15.50 = USD 605."""
    open_person(enumerator, person)
    enumerator.follow("/applications/start/\\d+")
    enumerator.send("/applications/start/\\d+")
    enumerator.send(
        "(/applications/\\d+/edit)?", check="1", venture=venture, sector="C", is_existing="yes",
        description="Pan y bollería para el barrio.", customers="Familias y dos tiendas.", monthly_sales_usd="320",
        jobs="2",
        **{"items-0-name": "Horno industrial", "items-0-quantity": "1", "items-0-unit_price_usd": "450",
           "items-1-name": "Quintal de harina", "items-1-quantity": "10", "items-1-unit_price_usd": "15,50"},
    )  # fmt: skip
    return enumerator.send("/applications/\\d+/submit").found("A" + FOLIO)[0]


def open_person(browser: Browser, folio: str) -> None:
    """By the search that stands on every page."""
    browser.open(f"/search?folio={folio}")
    assert browser.page.linked("/courses/people/\\d+"), browser.page.address


def assign_evaluators(coordinator: Browser) -> None:
    """From the call's page to its board, and both stages given out."""
    open_the_call(coordinator)
    coordinator.follow("/calls/\\d+/evaluation")
    for stage in ("plan", "pitch"):
        coordinator.send("/calls/\\d+/evaluation/propose", stage=stage)
        coordinator.send("/calls/\\d+/evaluation/propose")  # what is shown, as it is shown


def open_the_call(browser: Browser) -> None:
    browser.open("/")
    browser.follow("/calls/?")
    browser.follow("/calls/\\d+")


def score(evaluator: Browser, levels: dict[str, dict[int, list[int]]]) -> int:
    """Hand in every sheet on the list; how many. `levels`: application → number of criteria on the sheet → levels."""
    evaluator.open("/")
    sheets = evaluator.follow("/score-sheets").linked("/score-sheets/\\d+")
    for sheet in sheets:
        if any(form.action == f"{sheet}/no-conflict" for form in evaluator.open(sheet).forms):
            evaluator.send(f"{sheet}/no-conflict")
        application = evaluator.open(sheet).found("A" + FOLIO)[0]
        criteria = [name for name in evaluator.form(f"{sheet}/submit").names if name.startswith("level_")]
        given = {name: str(level) for name, level in zip(criteria, levels[application][len(criteria)], strict=True)}
        comments = {name.replace("level_", "comment_"): "Por lo que dice el plan." for name in criteria}
        evaluator.send(f"{sheet}/submit", **given, **comments)
    return len(sheets)


def simulate(coordinator: Browser) -> None:
    """A run of the call, from its page, put before those who sign."""
    open_the_call(coordinator)
    coordinator.follow("/selections\\?call_id=\\d+")
    coordinator.send("/calls/\\d+/selections")
    coordinator.send("/selections/\\d+/propose")


def issue_card(coordinator: Browser, picture: int) -> str:
    """From the delivery's page: issue, print, let the person choose; the code beside their picture (0 to 3)."""
    coordinator.follow("/deliveries/cards/\\d+")
    coordinator.send("/deliveries/cards/\\d+/issue")
    printed = coordinator.client.post(coordinator.form(".*/print").action, data=coordinator.form(".*/print").filled({}))
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(printed.data)).pages)
    codes = re.findall(CARD_CODE, text)
    assert len(codes) == 4
    coordinator.follow("/deliveries/cards/\\d+")
    coordinator.follow(".*/choose")
    coordinator.send(".*/choose", picture=("sun", "tree", "fish", "house")[picture])
    return codes[picture]


def pack_and_seal(packer: Browser, sealer: Browser, delivery: str) -> str:
    packer.open(delivery)
    packer.follow(".*/pack")
    packer.send(".*/pack", count_1="1", count_2="10")
    sealer.open(delivery)
    sealer.follow(".*/seal")
    seal = f"PR-{next(_numbers):05}"
    sealer.send(".*/seal", seal_number=seal, weight_grams="42500")
    return seal


def set_up_team(coordinator: Browser, officer: Worker, name: str) -> None:
    """A team of this officer and its vehicle, from the page of runs."""
    coordinator.open("/")
    coordinator.follow("/deliveries/runs")
    coordinator.follow("/deliveries/teams")
    coordinator.send("/deliveries/teams", name=f"Equipo {name}")
    coordinator.send("/deliveries/teams/\\d+", officer=str(officer.user.id))
    coordinator.follow("/deliveries/teams")
    coordinator.follow("/deliveries/vehicles/new")
    coordinator.send("/deliveries/vehicles/new", name=f"Camioneta {name}", plate="IBA-1234")


def clear(desk: Browser, delivery: str) -> None:
    """The security desk lets the sealed kit go on."""
    desk.open(delivery)
    desk.send(".*/clear")


def plan_run(coordinator: Browser, officer: Worker, vehicle: str, delivery: str) -> str:
    """A run of the officer's team today, with the delivery as its stop until the day ends; the run's address."""
    coordinator.open("/")
    coordinator.follow("/deliveries/runs")
    coordinator.follow("/deliveries/runs/new")
    chosen = re.findall(rf'<option[^>]* value="(\d+)">{vehicle}<', coordinator.page.answer.text)[0]
    coordinator.send("/deliveries/runs/new", officer=str(officer.user.id), vehicle=chosen)
    run = coordinator.page.address
    coordinator.follow(".*/stops")
    row = delivery.rpartition("/")[2]
    stop: dict[str, Typed] = {
        f"place_{row}": "Parque central", f"scheduled_for_{row}": "00:01", f"until_{row}": "23:59",
    }  # fmt: skip
    coordinator.send(".*/stops", **stop)
    return run


def send_out(keeper: Worker, officer: Worker, run: str) -> None:
    """Both give a code from their own phone."""
    keeper.open("/")
    keeper.follow(f"{run}/dispatch")
    keeper.send(".*/dispatch", warehouse_code=keeper.phone.code(), officer_code=officer.phone.code())


def hand_over(officer: Worker, *, seal: str, pin: str, card: str) -> None:
    """At the point: the seal read again, then the officer's code and PIN, and the code of the person's card."""
    officer.open("/")
    officer.follow("/deliveries/my-day")
    officer.follow(".*/arrive")
    officer.send(".*/arrive", seal_number=seal)
    page = officer.post(".*/handover", totp=officer.phone.code(), pin=pin, card=card)
    assert page.found(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}"), page.complaints


def refer(coordinator: Browser, person: str, institution: str) -> None:
    """With the consent text read out, from the person's page."""
    open_person(coordinator, person)
    coordinator.follow("/people/\\d+/refer")
    chosen = re.findall(rf'<option value="(\d+)">{institution}<', coordinator.page.answer.text)[0]
    coordinator.send(".*/refer", institution_id=chosen, kinds=["credit"], need="Un segundo horno", consent="y")


def log_credit(liaison: Browser, referral: str, *, reference: str) -> None:
    """Accept the person, then contacted → applied → approved → disbursed."""
    liaison.open(referral)
    liaison.send(".*/accept")
    for step in ("contacted", "applied", "approved", "disbursed"):
        liaison.follow(f"/linkages/\\d+/log/{step}")
        asked: dict[str, Typed] = {} if step == "contacted" else {"amount_usd": "850"}
        if step == "disbursed":
            asked |= {"term_months": "12", "rate_percent": "25,12", "rate_kind": "nominal", "reference": reference}
        liaison.send(f".*/log/{step}", **asked)
