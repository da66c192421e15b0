"""The demo's accounts: one documented password, two time-based codes each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from argon2 import PasswordHasher

from grants.access.models import Factor, FactorKind, User
from grants.access.permissions import Role
from grants.access.second_factor import new_seed
from grants.core import journal
from grants.core.crypto import lookup_hash
from grants.core.db import db
from grants.demo.facts import morning

DOMAIN = "demo.semilla.example"
# Written in the manual on purpose: the server refuses to run in production with these accounts.
PASSWORD = "cuatro semillas bajo la lluvia"  # noqa: S105
ARRIVED = morning(date(2021, 12, 16))
ACCOUNTS: tuple[tuple[str, str, Role], ...] = (
    ("administracion1", "Olga Administración", Role.ADMINISTRATOR),
    ("administracion2", "Iván Administración", Role.ADMINISTRATOR),
    ("coordinacion1", "Elena Coordinación", Role.COORDINATOR),
    ("coordinacion2", "Pablo Coordinación", Role.COORDINATOR),
    ("coordinacion3", "Susana Coordinación", Role.COORDINATOR),
    ("registro1", "Marlene Registro", Role.ENUMERATOR),
    ("registro2", "Darwin Registro", Role.ENUMERATOR),
    *((f"evaluacion{n}", f"{name} Evaluación", Role.EVALUATOR)
      for n, name in enumerate(("Beatriz", "Hernán", "Inés", "Julio", "Karina", "Leonel", "Mónica", "Néstor"), 1)),
    ("logistica1", "Rosa Logística", Role.OFFICER),
    ("logistica2", "Wilmer Logística", Role.OFFICER),
    ("bodega1", "Silvia Bodega", Role.WAREHOUSE),
    ("bodega2", "Jaime Bodega", Role.WAREHOUSE),
    ("bodega3", "Teresa Bodega", Role.WAREHOUSE),
    ("seguridad1", "Raúl Seguridad", Role.DESK),
    ("enlace1", "Gloria Enlace", Role.LIAISON),
    ("enlace2", "César Enlace", Role.LIAISON),
    ("monitoreo1", "Lucía Monitoreo", Role.MONITORING),
    ("auditoria1", "Mauricio Auditoría", Role.AUDITOR),
    ("direccion1", "Amparo Dirección", Role.DIRECTOR),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Staff:
    """Who did what in the demo."""

    by_role: dict[Role, list[User]]

    def __getitem__(self, role: Role) -> list[User]:
        return self.by_role[role]

    def read_again(self) -> "Staff":
        """The same accounts in a session that has forgotten them."""
        return Staff(
            {role: [db.session.get_one(User, one.id) for one in users] for role, users in self.by_role.items()}
        )


def email_of(account: str) -> str:
    """An account's address: `registro1` or `registro1@…` both name it."""
    return account.lower() if "@" in account else f"{account.lower()}@{DOMAIN}"


def build_staff(hasher: PasswordHasher) -> Staff:
    """Every role, with enough people for each pair of eyes that the rules ask for."""
    staff = Staff({role: [] for role in Role})
    for account, name, role in ACCOUNTS:
        user = User(roles=frozenset({role}), created_at=ARRIVED, language="es")
        user.name, user.email = name, email_of(account)
        user.email_lookup = lookup_hash("email", user.email)
        user.password_hash = hasher.hash(PASSWORD.encode())
        db.session.add(user)
        staff[role].append(user)
    db.session.flush()
    users = [user for users in staff.by_role.values() for user in users]
    _give_codes(users)
    for user in users:
        journal.record(None, "user.created", user, at=ARRIVED)
    return staff


def _give_codes(users: Sequence[User]) -> None:
    for user in users:
        for kind in FactorKind:
            factor = Factor(user_id=user.id, kind=kind, created_at=ARRIVED, confirmed_at=ARRIVED)
            factor.seed = new_seed()
            db.session.add(factor)
    db.session.flush()
