"""DELIVERY_PROTOCOL §7: what no other file shows: one guard alone, a stolen dump, clocks and a cut channel."""

import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyotp
import pytest
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from grants.access.models import FactorKind, User
from grants.core.clock import utcnow
from grants.core.crypto import Keyring, keyring, new_keyring, sealed_attributes, use_keys
from grants.core.db import Model, db
from grants.core.jobs import send_urgent
from grants.core.outbox import MessageState, OutboxMessage, deliver_due, sender
from grants.delivery import services
from grants.delivery.desk.boxes import unseal
from grants.delivery.models import ControlCode, Delivery, Receipt, Signal, StoredAnswer, SymbolCard
from grants.delivery.services import Codes
from grants.delivery.services.factors import check, gather, use_up
from grants.delivery.symbols import CODES, HASH_BYTES, slow_hash
from tests.factories.access import factor_of
from tests.factories.calls import make_call
from tests.factories.delivery import CHEAP, DESK, DESK_PRIVATE, PIN, make_carried, make_confirmed
from tests.factories.levels import make_at_point
from tests.factories.people import make_person
from tests.factories.road import PLACE
from tests.factories.selection import make_award
from tests.grants.delivery.test_duress import Seen, watch

SignIn = Callable[[User], FlaskClient]


@pytest.mark.parametrize("column", ["used_at", "replaced_at"])
def test_card_that_another_request_took_meanwhile_does_not_serve(app: Flask, column: str) -> None:
    carried, now = make_carried(), utcnow()
    codes = carried.codes(now)
    asked = gather(carried.delivery, codes, by=carried.officer)
    found = check(asked, codes, now=now)
    other = {"replaced_by_id": carried.officer.id, "replacement_asked_by_id": carried.delivery.created_by_id}
    values = {column: now, **(other if column == "replaced_at" else {})}
    db.session.execute(
        update(SymbolCard).where(SymbolCard.id == carried.card.id).values(values)
        .execution_options(synchronize_session=False)
    )  # fmt: skip

    assert found.all_right
    assert not use_up(asked, found, now=now)


@pytest.fixture
def thief(app: Flask) -> Iterator[Callable[[], Keyring]]:
    """From the call on, whoever reads the database has other keys than those that wrote it."""
    ours = keyring()

    def restore_without_keys() -> Keyring:
        use_keys(new_keyring())
        db.session.commit()
        db.session.expire_all()
        return ours

    yield restore_without_keys
    use_keys(ours)


def stored() -> Iterator[tuple[str, Any]]:
    """Every value of every row, as a dump holds it."""
    for table in Model.metadata.sorted_tables:
        for row in db.session.execute(select(table)):
            yield from ((f"{table.name}.{name}", value) for name, value in row._mapping.items() if value is not None)


def test_stolen_dump_shows_no_seed_pin_code_place_or_name_of_a_handover(app: Flask) -> None:
    carried, team = make_confirmed(), make_at_point(3)
    control = team.control_code(utcnow())
    db.session.commit()
    words = [factor_of(carried.officer, FactorKind.DELIVERY).seed, *carried.card_codes, *team.carried.card_codes,
             control, PLACE, carried.delivery.person.first_surname, f'"{PIN}"']  # fmt: skip

    shown = [
        name for name, value in stored() for word in words
        if (word.encode() in bytes(value) if isinstance(value, bytes | memoryview) else word in str(value))
    ]  # fmt: skip

    assert shown == []


def test_stolen_dump_opens_no_encrypted_value(app: Flask, thief: Callable[[], Keyring]) -> None:
    make_confirmed()
    make_at_point(3)
    thief()

    tried = opened = 0
    for model in (mapper.class_ for mapper in Model.registry.mappers):
        for row in db.session.scalars(select(model)):
            for one in sealed_attributes(model):
                if getattr(row, one._column) is not None:
                    tried += 1
                    try:
                        one.__get__(row, model)
                        opened += 1
                    except InvalidTag:
                        continue

    assert tried > 50
    assert opened == 0


@pytest.mark.parametrize("level", [1, 3])
def test_stolen_dump_verifies_no_handover(app: Flask, thief: Callable[[], Keyring], level: int) -> None:
    team, now = make_at_point(level), utcnow()
    codes, key = team.codes(now), "a-key-of-a-thief"
    thief()

    with pytest.raises(InvalidTag):
        services.confirm(team.delivery, codes, key=key, desk=DESK, by=team.carried.officer, now=now)

    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Receipt)) == 0


def plain_hash(code: str, salt: bytes) -> bytes:
    """argon2id as somebody computes it who has the dump and no key."""
    return hash_secret_raw(code.encode(), salt, CHEAP.time_cost, CHEAP.memory_kib, 1, HASH_BYTES, Type.ID)


def test_right_codes_match_no_hash_of_a_stolen_dump(app: Flask, thief: Callable[[], Keyring]) -> None:
    team = make_at_point(3)
    control, card, card_codes = team.control_code(utcnow()), team.carried.card, team.carried.card_codes
    row = db.session.scalars(select(ControlCode)).one()
    ours = [slow_hash(control, row.salt, CHEAP), *(slow_hash(code, card.salt, CHEAP) for code in card_codes)]
    thief()

    hashes = [row.code_hash, *(card.code_hashes[n * HASH_BYTES : (n + 1) * HASH_BYTES] for n in range(CODES))]
    tried = [(control, row.salt), *((code, card.salt) for code in card_codes)]

    assert ours == hashes
    assert [plain_hash(code, salt) in hashes for code, salt in tried] == [False] * (1 + CODES)
    assert [slow_hash(code, salt, CHEAP) in hashes for code, salt in tried] == [False] * (1 + CODES)


@pytest.mark.parametrize("length", [16, 24, 64, 65, 80])
def test_database_and_the_servers_keys_do_not_show_which_codes_were_typed(app: Flask, length: int) -> None:
    """Whoever has both cannot even recognise the right codes: the request's own key is missing."""
    carried, now, key = make_carried(), utcnow(), secrets.token_hex(40)[:length]
    codes = carried.codes(now)
    services.confirm(carried.delivery, codes, key=key, desk=DESK, by=carried.officer, now=now)
    row = db.session.scalars(select(StoredAnswer)).one()
    known = [str(value).encode() for value in (row.key_hash, row.user_id, row.delivery_id, row.created_at, "")]
    known += [bytes.fromhex(row.key_hash), keyring().derive("delivery:request"), keyring().root]
    bodies = [json.dumps(said).encode() for said in ([carried.delivery.id, *codes.normal()], codes.normal())]

    def tried(parts: list[bytes]) -> set[str]:
        return {hmac.new(a + b, body, sha256).hexdigest() for a in parts for b in parts for body in bodies}

    assert key not in repr(list(stored()))
    assert row.request_hash in tried([*known, key.encode()])  # made as it is here: only the key is missing
    assert row.request_hash not in tried(known)
    assert services.answer_before(carried.delivery, codes, key=key, by=carried.officer) is not None


def test_equal_codes_leave_nothing_equal_under_two_keys(app: Flask) -> None:
    from grants.delivery.services.confirmation import _request_hash

    delivery, codes = make_carried().delivery, Codes("123456", PIN, "0123456789")

    assert _request_hash(delivery, codes, "a" * 24) == _request_hash(delivery, codes, "a" * 24)
    assert _request_hash(delivery, codes, "a" * 24) != _request_hash(delivery, codes, "b" * 24)


def test_signal_opens_with_no_key_of_the_server(app: Flask) -> None:
    carried = make_confirmed()
    box, ours = db.session.scalars(select(Signal.box)).one(), keyring()
    keys = [*ours.data.values(), ours.root, *(ours.derive(purpose) for purpose in ("delivery:card-pepper", "desk"))]

    for key in keys:
        with pytest.raises(ValueError, match="not for this key"):
            unseal(box, X25519PrivateKey.from_private_bytes(key))

    assert unseal(box, DESK_PRIVATE).delivery_id == carried.delivery.id
    assert str(carried.delivery.id).encode() + b"," not in box


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def move_to(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield move_to
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("name", ["America/Guayaquil", "Asia/Kathmandu"])
def test_handover_in_any_zone_of_the_machine_is_of_the_same_moment(
    app: Flask, desk_key: Path, sign_in: SignIn, zone: Callable[[str], None], name: str
) -> None:
    carried = make_carried()
    zone(name)
    began = time.time()
    form = {"totp": pyotp.TOTP(factor_of(carried.officer, FactorKind.DELIVERY).seed).generate_otp(int(began) // 30),
            "pin": PIN, "card": carried.true_code, "key": "a-key-of-the-form"}  # fmt: skip

    answer = sign_in(carried.officer).post(f"/deliveries/{carried.delivery.id}/handover", data=form)

    assert answer.status_code == 200
    confirmed_at = db.session.scalar(select(Delivery.confirmed_at).where(Delivery.id == carried.delivery.id))
    assert isinstance(confirmed_at, datetime)
    assert began - 1 < confirmed_at.timestamp() < time.time() + 1


CUT = {"MAIL_BACKEND": "smtp", "SMTP_HOST": "127.0.0.1", "SMTP_PORT": 1, "MAIL_FROM": "semilla@example.org"}


@pytest.fixture
def cut(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on nobody answers where messages go."""
    return lambda: [monkeypatch.setitem(app.config, name, value) for name, value in CUT.items()] and None


def states() -> list[MessageState]:
    return list(db.session.scalars(select(OutboxMessage.state).where(OutboxMessage.kind == "handover")))


def test_handover_over_a_cut_channel_is_the_same_and_its_alert_arrives_on_return(
    app: Flask, desk_key: Path, sign_in: SignIn, cut: Callable[[], None], tmp_path: Path
) -> None:
    call, seen = make_call(), []
    for prepare in (lambda: None, cut):
        carried = make_carried(award=make_award(make_person(given_names="Marisol"), call=call))
        client = sign_in(carried.officer)
        prepare()
        seen.append(watch(client, carried, "both"))
    send_urgent(app)
    waiting = states()
    deliver_due(sender({"MAIL_BACKEND": "file"}, tmp_path), now=utcnow() + timedelta(minutes=10))

    as_ever, while_cut = seen
    assert (as_ever.status, as_ever.rows["outbox_message"]) == (200, 2)
    for name in Seen.__slots__:
        assert getattr(while_cut, name) == getattr(as_ever, name), name
    assert waiting == [MessageState.WAITING] * 4
    assert states() == [MessageState.SENT] * 4
    arrived = sorted(path.read_text().splitlines()[0] for path in (tmp_path / "outbox").iterdir())
    assert arrived == ["desk", "desk", "desk-2", "desk-2"]


@pytest.mark.parametrize("whose", ["card", "officer"])
def test_locked_factor_refuses_even_the_right_codes(app: Flask, desk_key: Path, sign_in: SignIn, whose: str) -> None:
    carried, now = make_carried(), utcnow()
    for _n in range(5):
        if whose == "card":
            services.charge_attempt(carried.delivery, Codes("", ""), now=now)
        else:
            services.charge_officer(carried.officer, now=now)
    codes = carried.codes(now)
    form = {"totp": codes.totp, "pin": codes.pin, "card": codes.card, "key": "a-key-of-the-form"}

    sign_in(carried.officer).post(f"/deliveries/{carried.delivery.id}/handover", data=form)

    assert db.session.scalar(select(Delivery.confirmed_at).where(Delivery.id == carried.delivery.id)) is None
    assert db.session.scalar(select(SymbolCard.used_at).where(SymbolCard.id == carried.card.id)) is None
