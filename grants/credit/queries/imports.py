"""Questions about spreadsheets of institutions: who may see one, its rows, and what its rows are held against."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import contains_eager, defer, joinedload, selectinload

from grants.access.models import User
from grants.access.permissions import Permission
from grants.core.db import Page, db, keyset_page, one_or_refuse
from grants.core.errors import NotFound
from grants.credit.models import (
    CreditImport,
    CreditMovement,
    ImportMapping,
    ImportRow,
    ImportState,
    Institution,
    Linkage,
    Referral,
    RowOutcome,
)
from grants.credit.models.imports import KEPT, WORKING
from grants.credit.queries.gone import linkage_in_time
from grants.credit.queries.institutions import active_institutions, findable, liaison_institution
from grants.credit.queries.referrals import own_and_consented
from grants.people.models import IdentityDocument, Person

ROWS_SHOWN = 50
AT_ONCE = 500  # numbers in one statement


def institutions_to_import(user: User) -> list[Institution]:
    """Those whose files this user may send: all active ones for a coordinator, the own one for a liaison."""
    if user.may(Permission.MANAGE_INSTITUTION):
        return active_institutions()
    own = liaison_institution(user) if user.may(Permission.LOG_LINKAGE) else None
    return [own] if own is not None else []


def get_import(user: User, import_id: int) -> CreditImport:
    """A file of an institution that the user may import for, or 404."""
    return one_or_refuse(_visible(user).where(CreditImport.id == findable(import_id)))


def get_mapping(user: User, mapping_id: int) -> ImportMapping:
    """A mapping of an institution that the user may import for, or 404."""
    own = [one.id for one in institutions_to_import(user)]
    return one_or_refuse(
        select(ImportMapping)
        .options(joinedload(ImportMapping.institution))
        .where(ImportMapping.id == findable(mapping_id), ImportMapping.institution_id.in_(own))
    )


def imports_page(user: User, *, after: str | None) -> Page[CreditImport]:
    """The files that the user may see, the newest first."""
    return keyset_page(_visible(user), CreditImport.id, CreditImport.id, after=after, descending=True)


def mappings_of(user: User) -> Sequence[ImportMapping]:
    """The newest version of each heading of the institutions that the user may import for."""
    own = [one.id for one in institutions_to_import(user)]
    newest = (
        select(func.max(ImportMapping.id))
        .where(ImportMapping.institution_id.in_(own))
        .group_by(ImportMapping.institution_id, ImportMapping.heading_key)
    )
    statement = select(ImportMapping).options(joinedload(ImportMapping.institution))
    statement = statement.where(ImportMapping.id.in_(newest)).order_by(ImportMapping.id.desc()).limit(ROWS_SHOWN)
    return db.session.scalars(statement).all()


def mapping_for(institution: Institution, heading_key: bytes) -> ImportMapping | None:
    """The newest mapping of a heading of this institution."""
    statement = select(ImportMapping).where(
        ImportMapping.institution_id == institution.id, ImportMapping.heading_key == heading_key
    )
    return db.session.scalars(statement.order_by(ImportMapping.version.desc()).limit(1)).one_or_none()


def newest_version(institution_id: int) -> int:
    """0 when the institution has no mapping yet."""
    statement = select(func.max(ImportMapping.version)).where(ImportMapping.institution_id == institution_id)
    return db.session.scalar(statement) or 0


def same_file(institution: Institution, file_hash: bytes) -> CreditImport | None:
    """The import of this very file that was not forgotten."""
    statement = select(CreditImport).where(
        CreditImport.institution_id == institution.id,
        CreditImport.file_hash == file_hash,
        CreditImport.state != ImportState.DISCARDED,
    )
    return db.session.scalars(statement).one_or_none()


def first_rows(kept: CreditImport, limit: int) -> Sequence[ImportRow]:
    """The top of the file, for whoever says what its columns mean."""
    statement = select(ImportRow).where(ImportRow.import_id == kept.id).order_by(ImportRow.number).limit(limit)
    return db.session.scalars(statement).all()


def get_row(kept: CreditImport, number: int) -> ImportRow | None:
    """The row of the file with this number."""
    statement = select(ImportRow).where(ImportRow.import_id == kept.id, ImportRow.number == number)
    return db.session.scalars(statement).one_or_none()


def rows_page(kept: CreditImport, outcome: RowOutcome | None, *, after: str | None) -> Page[ImportRow]:
    """Rows in the file's order, those with one outcome only where it is given."""
    statement = select(ImportRow).where(ImportRow.import_id == kept.id)
    if outcome is not None:
        statement = statement.where(ImportRow.outcome == outcome)
    return keyset_page(statement, ImportRow.number, ImportRow.id, after=after, size=ROWS_SHOWN)


def rows_with(kept: CreditImport, *outcomes: RowOutcome, cells: bool = False) -> Sequence[ImportRow]:
    """All rows with these outcomes, in the file's order; `cells`: with what stands in them."""
    statement = select(ImportRow).where(ImportRow.import_id == kept.id, ImportRow.outcome.in_(outcomes))
    if not cells:
        statement = statement.options(defer(ImportRow.cells_sealed))  # type: ignore[attr-defined]
    return db.session.scalars(statement.order_by(ImportRow.number)).all()


def rows_of_linkages(kept: CreditImport, linkage_ids: Sequence[int]) -> Sequence[ImportRow]:
    """The rows of these linkages that say something true, in the file's order."""
    statement = select(ImportRow).where(
        ImportRow.import_id == kept.id,
        ImportRow.linkage_id.in_(linkage_ids),
        ImportRow.outcome.in_((RowOutcome.GOOD, RowOutcome.NOTHING_NEW)),
    )
    return db.session.scalars(statement.order_by(ImportRow.number)).all()


def next_linkages(kept: CreditImport, limit: int) -> Sequence[int]:
    """The next linkages with good rows that are not applied yet."""
    statement = select(ImportRow.linkage_id).where(
        ImportRow.import_id == kept.id, ImportRow.outcome == RowOutcome.GOOD, ImportRow.linkage_id.is_not(None)
    )
    found = db.session.scalars(statement.distinct().order_by(ImportRow.linkage_id).limit(limit))
    return [one for one in found if one is not None]


def waiting_rows(kept: CreditImport, limit: int) -> Sequence[ImportRow]:
    """The next rows that nobody read yet."""
    statement = select(ImportRow).where(ImportRow.import_id == kept.id, ImportRow.outcome == RowOutcome.WAITING)
    return db.session.scalars(statement.order_by(ImportRow.number).limit(limit)).all()


def outcomes_of(kept: CreditImport) -> dict[RowOutcome, int]:
    """How many rows came to what; each outcome is there."""
    statement = select(ImportRow.outcome, func.count()).where(ImportRow.import_id == kept.id)
    found = dict(db.session.execute(statement.group_by(ImportRow.outcome)).tuples().all())
    return {outcome: found.get(outcome, 0) for outcome in RowOutcome}


def files_to_work_on() -> Sequence[int]:
    """Files that are being checked or applied, by number."""
    statement = select(CreditImport.id).where(CreditImport.state.in_(WORKING)).order_by(CreditImport.id)
    return db.session.scalars(statement).all()


def files_left_lying(now: datetime) -> Sequence[int]:
    """Files older than their time whose rows are still there, by number."""
    holds = select(ImportRow.id).where(ImportRow.import_id == CreditImport.id, ImportRow.cells_sealed.is_not(None))  # type: ignore[attr-defined]
    statement = select(CreditImport.id).where(CreditImport.created_at < now - KEPT, holds.exists())
    return db.session.scalars(statement.order_by(CreditImport.id)).all()


def own_linkages(institution: Institution, only: Sequence[int] | None = None) -> Sequence[Linkage]:
    """The linkages of an institution that live consents let it see, with person, referral and steps. Those whose five
    years are over are nobody's: no row adds to them, and no file takes them out."""
    statement = (
        select(Linkage)
        .join(Linkage.referral)
        .join(Referral.consent)
        .where(own_and_consented(institution), linkage_in_time())
        .options(contains_eager(Linkage.referral).joinedload(Referral.person), selectinload(Linkage.events))
    )
    if only is not None:
        statement = statement.where(Linkage.id.in_(only))
    return db.session.scalars(statement.order_by(Linkage.id).execution_options(populate_existing=True)).all()


def disbursed_linkages(institution: Institution) -> Iterator[Linkage]:
    """The credits of an institution that were disbursed, with their movements: to send out and back."""
    own = [one.id for one in own_linkages(institution) if one.disbursed_on is not None]
    for some in _chunks(own):
        statement = select(Linkage).options(selectinload(Linkage.movements)).where(Linkage.id.in_(some))
        yield from db.session.scalars(statement.order_by(Linkage.id))


def operations_taken(institution: Institution) -> set[str]:
    """Every operation number that the institution has used, whoever may see its credit now."""
    statement = select(Linkage.reference).where(
        Linkage.institution_id == institution.id, Linkage.reference.is_not(None)
    )
    return {one for one in db.session.scalars(statement) if one is not None}


def movements_of(linkage_ids: Iterable[int]) -> Iterator[CreditMovement]:
    """What was logged of these credits, in the order in which it happened."""
    for some in _chunks(sorted(linkage_ids)):
        statement = select(CreditMovement).where(CreditMovement.linkage_id.in_(some))
        yield from db.session.scalars(statement.order_by(CreditMovement.happened_on, CreditMovement.id))


def movements_with(institution: Institution, references: Iterable[str]) -> Iterator[CreditMovement]:
    """What the institution has logged under these receipt numbers."""
    for some in _chunks(sorted(references)):
        statement = select(CreditMovement).where(
            CreditMovement.institution_id == institution.id, CreditMovement.reference.in_(some)
        )
        yield from db.session.scalars(statement.order_by(CreditMovement.id))


def documents_of(person_ids: Iterable[int]) -> Iterator[tuple[int, str, str, bytes]]:
    """The documents of these people, without their numbers: person, kind, issuer, keyed hash."""
    for some in _chunks(sorted(person_ids)):
        statement = select(
            IdentityDocument.person_id,
            IdentityDocument.kind,
            IdentityDocument.issuer_country,
            IdentityDocument.number_lookup,
        ).where(IdentityDocument.person_id.in_(some), IdentityDocument.number_lookup.is_not(None))
        for person_id, kind, issuer, lookup in db.session.execute(statement.order_by(IdentityDocument.id)).tuples():
            yield person_id, str(kind.value), issuer or "", lookup or b""


def people_of(kept: CreditImport, rows: Sequence[ImportRow]) -> dict[int, Person]:
    """The people of the linkages that rows were matched to, by linkage, as far as their consent stands."""
    ids = sorted({row.linkage_id for row in rows if row.linkage_id is not None})
    return {linkage.id: linkage.referral.person for linkage in own_linkages(kept.institution, ids)}


def institution_named(user: User, institution_id: int) -> Institution:
    """One of those that the user may import for, or 404."""
    found = next((one for one in institutions_to_import(user) if one.id == institution_id), None)
    if found is None:
        raise NotFound
    return found


def _visible(user: User) -> Select[CreditImport]:
    statement = select(CreditImport).options(
        joinedload(CreditImport.institution), joinedload(CreditImport.created_by),
        joinedload(CreditImport.applied_by), joinedload(CreditImport.mapping),
    )  # fmt: skip
    if user.may(Permission.MANAGE_INSTITUTION):
        return statement
    own = liaison_institution(user) if user.may(Permission.LOG_LINKAGE) else None
    return statement.where(CreditImport.institution_id == (own.id if own is not None else -1))


def _chunks(values: Sequence[object]) -> Iterator[Sequence[object]]:
    for at in range(0, len(values), AT_ONCE):
        yield values[at : at + AT_ONCE]
