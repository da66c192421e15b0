"""The credits that figures are made of: two statements for any number, read as plain rows."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import select

from grants.core.db import db
from grants.credit.books import terms_of
from grants.credit.models import (
    Amortization,
    CreditMovement,
    Frequency,
    Institution,
    Linkage,
    LinkageKind,
    MovementKind,
    RateKind,
)
from grants.credit.portfolio import Credit
from grants.credit.queries.institutions import findable
from grants.people.models import Canton, Person

AT_A_TIME = 2_000


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which credits and people figures are about; None: all."""

    institution_id: int | None = None
    canton_code: str | None = None


class Move(NamedTuple):
    """A movement that was not taken back, without what figures do not need. In the order of its columns below."""

    linkage_id: int
    kind: MovementKind
    happened_on: date
    amount_usd: Decimal | None
    principal_usd: Decimal | None
    interest_usd: Decimal | None
    balance_usd: Decimal | None
    days_late: int | None
    instalments: int | None
    first_due_on: date | None
    rate_percent: Decimal | None
    rate_kind: RateKind | None
    method: Amortization | None
    frequency: Frequency | None

    @property
    def counts(self) -> bool:
        return True


def credits_until(day: date, narrowed: Narrowed) -> list[Credit]:
    """Credits disbursed until a day with all movements that count, by id. Later movements are there as well."""
    moves = _moves(day, narrowed)
    statement = _narrow(
        select(Linkage.id, Linkage.person_id, Linkage.institution_id, Linkage.folio, Linkage.disbursed_on,
               Linkage.term_months, Linkage.rate_percent, Linkage.rate_kind, Linkage.method, Linkage.frequency,
               Linkage.instalments, Linkage.first_due_on, Linkage.last_step_on),
        day, narrowed,
    )  # fmt: skip
    return [
        Credit(row.id, row.person_id, row.institution_id, terms_of(row), moves.get(row.id, ()), row.folio)
        for row in db.session.execute(statement.order_by(Linkage.id))
    ]


def institution_names(ids: Iterable[int] | None = None) -> dict[int, str]:
    """Names by id, in the order of the names."""
    statement = select(Institution.id, Institution.name).order_by(Institution.name, Institution.id)
    wanted = None if ids is None else set(ids)
    return {key: name for key, name in db.session.execute(statement) if wanted is None or key in wanted}


def canton_names() -> dict[str, str]:
    """Names of the cantons by code, in the order of the codes."""
    return dict(db.session.execute(select(Canton.code, Canton.name).order_by(Canton.code)).all())


def _moves(day: date, narrowed: Narrowed) -> dict[int, list[Move]]:
    """Movements by credit, each in the order in which they happened."""
    columns = [getattr(CreditMovement, name) for name in Move._fields]
    statement = _narrow(select(*columns).join(Linkage, Linkage.id == CreditMovement.linkage_id), day, narrowed)
    statement = statement.where(CreditMovement.reversed_at.is_(None)).order_by(
        CreditMovement.linkage_id, CreditMovement.happened_on, CreditMovement.id
    )
    found: dict[int, list[Move]] = defaultdict(list)
    for row in db.session.execute(statement.execution_options(yield_per=AT_A_TIME)):
        found[row[0]].append(Move._make(row))
    return found


def _narrow(statement: Any, day: date, narrowed: Narrowed) -> Any:
    statement = statement.where(
        Linkage.kind == LinkageKind.CREDIT,
        Linkage.disbursed_on.is_not(None),
        Linkage.disbursed_on <= day,
        Linkage.removed_at.is_(None),  # its amounts are gone
    )
    if narrowed.institution_id is not None:
        statement = statement.where(Linkage.institution_id == findable(narrowed.institution_id))
    if narrowed.canton_code is not None:
        statement = statement.join(Person, Person.id == Linkage.person_id).where(
            Person.canton_code == narrowed.canton_code
        )
    return statement
