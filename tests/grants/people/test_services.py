"""Rules about people, on both databases."""

import threading
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import local_day, utcnow
from grants.core.db import db, transaction
from grants.core.errors import RuleBroken
from grants.people import queries, services
from grants.people.models import (
    Canton,
    Consent,
    ConsentPurpose,
    ConsentText,
    ContactKind,
    DocumentKind,
    IdentityDocument,
    Person,
    PopulationGroup,
    Province,
    Sex,
)
from grants.people.services import registration as registering
from tests.factories.access import make_user
from tests.factories.people import make_canton, make_consent, make_person, make_phone


def registration(
    *,
    given_names: str = "Ana",
    number: str = "1001234564",
    phone: str = "0991234567",
    born: date = date(1990, 3, 5),
    form_key: str | None = None,
) -> services.Registration:
    return services.Registration(
        person=services.PersonFacts(
            given_names=given_names,
            first_surname="Quintero",
            second_surname=None,
            birth_on=born,
            sex=Sex.FEMALE,
            gender=None,
            nationality="EC",
            population_group=PopulationGroup.HOST,
            washington_group=None,
            is_single_carer=None,
            language="es",
            canton_code="1001",
        ),
        document=services.DocumentFacts(DocumentKind.CEDULA_EC, number=number),
        contacts=(services.ContactFacts(ContactKind.PHONE, phone),),
        consents=frozenset({ConsentPurpose.GRANT}),
        consent_language="es",
        form_key=form_key,
    )


def test_reference_data_is_loaded_once(app: Flask) -> None:
    first, second = services.load_reference_data(), services.load_reference_data()

    # 24 provinces and the undelimited zones, 226 cantons, five purposes in two languages, and a second version of one.
    assert (first, second) == (25 + 226 + 12, 0)
    assert (db.session.get_one(Canton, "1001").name, db.session.get_one(Canton, "2101").name) == (
        "Ibarra",
        "Lago Agrio",
    )
    assert (db.session.get_one(Province, "10").name, db.session.get_one(Province, "21").name) == (
        "Imbabura",
        "Sucumbíos",
    )


def test_wrong_name_of_a_place_is_corrected_and_a_read_text_is_not_touched(app: Flask) -> None:
    services.load_reference_data()
    db.session.get_one(Canton, "1001").name = "Ybarra"
    text = db.session.scalars(select(ConsentText).order_by(ConsentText.id)).first()
    assert text is not None
    text.body = "Lo que se leyó."

    assert services.load_reference_data() == 1
    assert db.session.get_one(Canton, "1001").name == "Ibarra"
    assert text.body == "Lo que se leyó."


def test_commands_load_reference_data(app: Flask) -> None:
    runner = app.test_cli_runner()

    places = runner.invoke(args=["people", "load-places"])
    texts = runner.invoke(args=["people", "load-consent-texts"])

    assert (places.exit_code, places.output) == (0, "251 places added or corrected\n")
    assert (texts.exit_code, texts.output) == (0, "12 consent texts added\n")


def test_every_purpose_has_its_words_in_both_languages(app: Flask) -> None:
    services.load_consent_texts()

    texts = queries.current_texts()

    assert {purpose: set(by_language) for purpose, by_language in texts.items()} == {
        purpose: {"es", "en"} for purpose in ConsentPurpose
    }


def test_unknown_canton_is_refused(app: Flask) -> None:
    services.load_consent_texts()

    with pytest.raises(RuleBroken) as refused:
        services.register(registration(), by=make_user(Role.ENUMERATOR), now=utcnow())

    assert refused.value.field == "canton_code"


@pytest.mark.parametrize(("years", "fits"), [(11, False), (12, True), (110, True), (111, False)])
def test_ages_from_12_to_110_are_plausible(app: Flask, years: int, fits: bool) -> None:
    services.load_consent_texts()
    person = make_person()
    facts = registration().person
    today = local_day(utcnow())
    born = date(today.year - years, 1, 1)
    facts = services.PersonFacts(**{**{name: getattr(facts, name) for name in facts.__slots__}, "birth_on": born})

    if fits:
        services.edit_person(person, facts, by=make_user(Role.ENUMERATOR), now=utcnow())
        assert person.birth_on == born
        return
    with pytest.raises(RuleBroken) as refused:
        services.edit_person(person, facts, by=make_user(Role.ENUMERATOR), now=utcnow())
    assert refused.value.field == "birth_year"


def test_contacts_are_stale_after_90_days_or_when_found_dead(app: Flask) -> None:
    now, user = utcnow(), make_user(Role.ENUMERATOR)
    today = local_day(now)
    fresh, edge, old, never, dead, mute = (make_person(registered_by=user) for _n in range(6))
    make_phone(fresh, "+593991234561", verified_on=today)
    make_phone(edge, "+593991234562", verified_on=today - timedelta(days=90))
    make_phone(old, "+593991234563", verified_on=today - timedelta(days=91))
    make_phone(never, "+593991234564")
    make_phone(dead, "+593991234565", verified_on=today).failed_on = today
    db.session.flush()
    make_person()

    stale = {person.id for person in queries.people_with_stale_contacts(now).items}
    mine = [person.id for person in queries.people_to_call(user, now=now)]

    assert {old.id, never.id, dead.id, mute.id} < stale
    assert not stale & {fresh.id, edge.id}
    assert mine == [old.id, never.id, dead.id, mute.id]
    assert queries.count_to_call(user, now=now) == 4


def test_consent_to_one_institution_is_not_consent_to_another(app: Flask) -> None:
    person = make_person()
    given = make_consent(person, ConsentPurpose.REFERRAL, institution_id=1)

    assert queries.active_consent(person.id, ConsentPurpose.REFERRAL, institution_id=1) == given
    assert queries.active_consent(person.id, ConsentPurpose.REFERRAL, institution_id=2) is None
    assert queries.active_consent(person.id, ConsentPurpose.REFERRAL) is None
    services.revoke_consent(given, by=make_user(Role.ENUMERATOR), now=utcnow())
    assert queries.active_consent(person.id, ConsentPurpose.REFERRAL, institution_id=1) is None


def test_folio_is_found_however_it_is_typed(app: Flask) -> None:
    person = make_person()

    assert queries.find_by_folio(person.folio.lower()) == person
    assert queries.find_by_folio("P-00000000X") is None
    assert queries.find_by_folio("\x00" * 10_000) is None


def _at_once(app: Flask, user_id: int, works: list[Callable[[User], object]]) -> list[str]:
    """Each in a thread and a transaction of its own, all at one moment; "done", or the field that refused it."""
    gate, outcomes = threading.Barrier(len(works)), []

    def run(work: Callable[[User], object]) -> None:
        with app.app_context():
            user = db.session.get_one(User, user_id)
            db.session.rollback()
            gate.wait()
            try:
                with transaction():
                    work(user)
            except RuleBroken as refused:
                outcomes.append(str(refused.field))
            else:
                outcomes.append("done")
            db.session.remove()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


def _registers(one: services.Registration) -> Callable[[User], object]:
    return lambda user: services.register(one, by=user, now=utcnow())


@pytest.mark.no_rollback
def test_one_document_registers_one_person_in_a_race(real_app: Flask) -> None:
    services.load_consent_texts()
    make_canton()
    user = make_user(Role.ENUMERATOR)
    db.session.commit()
    names = ("Ana", "Luz", "Eva", "Rut", "Sol", "Paz")
    tries = [
        registration(given_names=name, phone=f"099123456{day}", born=date(1990, 3, day), form_key=f"form-of-{name}")
        for day, name in enumerate(names, 1)
    ]

    outcomes = _at_once(real_app, user.id, [_registers(one) for one in tries])

    assert outcomes == ["document_number"] * 5 + ["done"]
    assert db.session.scalar(select(func.count(Person.id))) == 1
    assert db.session.scalar(select(func.count(IdentityDocument.id))) == 1


@pytest.mark.no_rollback
def test_form_sent_six_times_at_once_registers_one_person(real_app: Flask) -> None:
    services.load_consent_texts()
    make_canton()
    user = make_user(Role.ENUMERATOR)
    db.session.commit()

    outcomes = _at_once(real_app, user.id, [_registers(registration(form_key="one-and-the-same-form"))] * 6)

    assert outcomes == ["done"] * 6
    assert db.session.scalar(select(func.count(Person.id))) == 1
    assert db.session.scalar(select(func.count(Consent.id))) == 1


def test_form_stored_by_another_worker_after_the_first_look_answers_with_its_person(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.load_consent_texts()
    make_canton()
    user = make_user(Role.ENUMERATOR)
    form = registration(form_key="one-and-the-same-form")
    first = services.register(form, by=user, now=utcnow())
    monkeypatch.setattr(registering, "_registered_with", lambda form_key: None)  # the look that came too early

    assert services.register(form, by=user, now=utcnow()) is first
    assert db.session.scalar(select(func.count(Person.id))) == 1


@pytest.mark.no_rollback
def test_of_eight_at_once_one_gives_the_consent(real_app: Flask) -> None:
    services.load_consent_texts()
    person, user = make_person(), make_user(Role.ENUMERATOR)
    person_id = person.id
    db.session.commit()

    def give(by: User) -> None:
        services.give_consent(db.session.get_one(Person, person_id), ConsentPurpose.STATISTICS, language="es", by=by,
                              now=utcnow())  # fmt: skip

    assert _at_once(real_app, user.id, [give] * 8) == ["done"] + ["purpose"] * 7


def test_form_stored_by_another_worker_after_both_looks_answers_with_its_person(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but the unique index of the database knows of it then."""
    services.load_consent_texts()
    make_canton()
    user = make_user(Role.ENUMERATOR)
    form = registration(form_key="one-and-the-same-form")
    first = services.register(form, by=user, now=utcnow())
    looks = iter([lambda _key: None, registering._registered_with])
    monkeypatch.setattr(registering, "_registered_with", lambda form_key: next(looks)(form_key))
    monkeypatch.setattr(queries, "exact_duplicates", lambda **_given: [])

    assert services.register(form, by=user, now=utcnow()) is first
    assert next(looks, None) is None
    assert db.session.scalar(select(func.count(Person.id))) == 1
