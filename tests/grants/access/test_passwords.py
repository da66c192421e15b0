import pytest

from grants.access.passwords import Passwords, is_common
from grants.core.errors import RuleBroken


def policy(memory_kib: int = 8) -> Passwords:
    return Passwords(memory_kib=memory_kib, time_cost=1, parallelism=1, min_length=12)


def test_kept_as_argon2id_with_the_settings_parameters() -> None:
    assert policy(16).hash("cuatro palabras en fila").startswith("$argon2id$v=19$m=16,t=1,p=1$")


def test_two_hashes_of_one_password_differ() -> None:
    assert policy().hash("cuatro palabras en fila") != policy().hash("cuatro palabras en fila")


def test_right_password_matches_and_a_wrong_one_does_not() -> None:
    kept = policy().hash("cuatro palabras en fila")
    assert policy().matches(kept, "cuatro palabras en fila")
    assert not policy().matches(kept, "cuatro palabras en fil")
    assert not policy().matches(kept, "Cuatro palabras en fila")


def test_nothing_matches_where_nothing_is_kept() -> None:
    assert not policy().matches(None, "")
    assert not policy().matches(None, "cuatro palabras en fila")


def test_damaged_hash_matches_nothing() -> None:
    assert not policy().matches("no es un hash", "cuatro palabras en fila")


def test_password_typed_on_another_keyboard_matches() -> None:
    kept = policy().hash("can\u0303a y miel en casa")  # n and a combining tilde
    assert policy().matches(kept, "ca\u00f1a y miel en casa")


def test_lone_surrogate_and_nul_are_harmless() -> None:
    kept = policy().hash("doce\x00caracteres\ud800")
    assert policy().matches(kept, "doce\x00caracteres\ud800")


def test_hash_of_other_parameters_is_outdated() -> None:
    kept = policy(8).hash("cuatro palabras en fila")
    assert not policy(8).is_outdated(kept)
    assert policy(16).is_outdated(kept)


@pytest.mark.parametrize(
    "password",
    [
        "elevenchars",  # 11
        "x" * 11 + "y",  # two letters only
        "password1234",  # a known one with digits behind
        "123456789012",
        "qwertyuiopas",
        "abcdefghijkl",
        "lkjihgfedcba",
        "semilla2024!!",
        "ana.ruiz2024",
        "ana.ruiz@example.org",
        "SEMILLAsemilla",
        "passwordpassword",
        "a1b2" * 33,  # 132
    ],
)
def test_weak_password_is_refused_beside_its_field(password: str) -> None:
    with pytest.raises(RuleBroken) as refusal:
        policy().refuse_weak(password, words=["ana.ruiz@example.org"])
    assert refusal.value.field == "password"


@pytest.mark.parametrize(
    "password",
    [
        "cuatro palabras en fila",
        "todo en minúsculas",  # no composition rules
        "x7#kQ2!mZp9w",  # 12
        "ñandú çédille ü",
        "abcd efgh 1234 xyz " * 6 + "fin de la cosa",  # 128
        "🌱🌱 semilla buena para todas",
    ],
)
def test_strong_password_is_accepted(password: str) -> None:
    assert policy().refuse_weak(password, words=["ana.ruiz@example.org"]) is None


def test_common_is_told_apart_from_uncommon() -> None:
    assert is_common("iloveyou")
    assert not is_common("caballo correcto grapa")
