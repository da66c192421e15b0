"""How long it takes to be told that there is nothing: another institution's row beside no row at all.

Mixed by lot, over HTTP inside the process, for each kind of door on both databases, with Mann and Whitney's rank test
of the times. `python -m tests.bench.credit_isolation [200]`.
"""

import random
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from scipy.stats import mannwhitneyu

from grants import create_app
from grants.access.permissions import Permission
from grants.credit.models import LinkageState
from grants.people.folio import new_folio
from tests.bench.duress import _database
from tests.bench.measured import Row
from tests.conftest import Client
from tests.databases import migrate
from tests.factories.access import make_token, signed_in_client
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_referral
from tests.grants.credit.probes import BODIES, routes
from tests.pairs import one_connection

EACH, WARM_UP, OF_EACH = 200, 20, 200
LEAST_P = 0.001  # twenty doors are compared: at 0.01 one in five runs would fail by chance
Ask = Callable[[str], None]


def main(each: int = EACH) -> None:
    """Print a line for each door; exit code 1 where one is not kept."""
    warnings.simplefilter("ignore")
    failed = 0
    for name in ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory(prefix="semilla-isolation-") as folder, _database(name) as url:
            for row in _rows(name, _app(folder, url), each):
                sys.stdout.write(f"{'ok  ' if row.kept else 'FAIL'}  {row.name:<48}{row.figure:<64}{row.target}\n")
                sys.stdout.flush()
                failed += not row.kept
    sys.exit(bool(failed))


def _rows(database: str, app: Flask, each: int) -> Iterator[Row]:
    with one_connection(app):
        theirs, mine = make_institution(), make_institution()
        linkages = [make_linkage(make_referral(institution=theirs), state=LinkageState.REPAYING)
                    for _n in range(OF_EACH)]  # fmt: skip
        for _n in range(OF_EACH):
            make_linkage(make_referral(institution=mine), state=LinkageState.REPAYING)
        user = make_liaison(mine)
        headers = {"Authorization": f"Bearer {make_token(user, Permission.LOG_LINKAGE)}", "Idempotency-Key": "probe"}
        folios = {"L": [one.folio for one in linkages], "R": [one.referral.folio for one in linkages]}
        client, page = app.test_client(), signed_in_client(app, user)
        for rule, method in (one for one in routes(app) if one[1] != "HEAD"):
            prefix = "R" if "referrals" in rule.rule else "L"
            body = BODIES[rule.rule.rsplit("/", 1)[1]] if method == "POST" else None
            door = _door(client, method, rule.rule.replace("<string:folio>", "{}"), headers=headers, json=body)
            absent = [new_folio(prefix) for _n in range(OF_EACH)]
            yield _row(database, f"{method} {rule.rule[7:].replace('<string:folio>', '…')}",
                       *_times(door, folios[prefix], absent, each), each)  # fmt: skip
        ids = {"linkages": [one.id for one in linkages], "referrals": [one.referral_id for one in linkages]}
        for name, known in ids.items():
            there, nobody = [str(one) for one in known], [str(1_000_000 + one) for one in known]
            door = _door(page, "GET", f"/{name}/{{}}")
            yield _row(database, f"page GET /{name}/…", *_times(door, there, nobody, each), each)


def _door(client: FlaskClient, method: str, path: str, **request: Any) -> Ask:
    def ask(name: str) -> None:
        answer = client.open(path.format(name), method=method, **request)
        if answer.status_code != 404:
            raise AssertionError((method, path, answer.status_code))

    return ask


def _times(ask: Ask, there: list[str], absent: list[str], each: int) -> tuple[list[float], list[float]]:
    """Seconds for another's and for nobody's, in an order drawn by lot: in a fixed one the garbage collector, which
    comes round every so many requests, would always meet the same kind."""
    for name in (*there[:WARM_UP], *absent[:WARM_UP]):
        ask(name)
    drawn = [(kind, number) for kind in (0, 1) for number in range(each)]
    random.Random(7).shuffle(drawn)
    took: tuple[list[float], list[float]] = ([], [])
    for kind, number in drawn:
        name = (there, absent)[kind][number % OF_EACH]
        begun = time.perf_counter()
        ask(name)
        took[kind].append(time.perf_counter() - begun)
    return took


def _row(database: str, door: str, theirs: list[float], nobodys: list[float], each: int) -> Row:
    p = float(mannwhitneyu(theirs, nobodys).pvalue)
    apart = abs(statistics.median(theirs) - statistics.median(nobodys)) * 1000
    figure = f"{each}+{each}: p = {p:.3f}, medians {apart:.3f} ms apart of {statistics.median(nobodys) * 1000:.2f} ms"
    return Row(f"{database}: {door}", figure, f"p > {LEAST_P}", p > LEAST_P)


def _app(folder: str, url: str) -> Flask:
    settings = {"INSTANCE_PATH": folder, "DATABASE_URL": url, "RATELIMIT_ENABLED": False, "WTF_CSRF_ENABLED": False}
    app = create_app(settings)
    app.test_client_class = Client
    migrate(app)
    Path(folder).chmod(0o700)
    return app


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EACH)
