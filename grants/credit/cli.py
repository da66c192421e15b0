"""`grants credit`: the published ceilings, what may no longer be kept, and the proof that
linkages keep what their movements come to.
"""

import click
from flask.cli import AppGroup
from flask_babel import gettext as _

from grants.access.cli import console
from grants.core.clock import utcnow
from grants.core.db import reads_only, transaction
from grants.credit import import_jobs, jobs, reminder_jobs  # noqa: F401 -- their timed jobs
from grants.credit.queries.movements import differing_linkages
from grants.credit.services import ceilings
from grants.credit.services import retain as retention

group = AppGroup("credit", help="Credits: verify them, remove what is too old, load the ceilings of rates.")


@group.command("load-ceilings")
def load_ceilings() -> None:
    """Add the published ceilings of rates that are missing."""
    with transaction():
        added = ceilings.load_ceilings(now=utcnow())
    click.echo(f"{added} ceilings added")


@group.command("verify")
def verify() -> None:
    """Add the movements of every credit up again; status 1 when one does not keep what they come to."""
    with console():
        reads_only.set(True)  # a long reading must not stop others from writing
        differing = 0
        for one in differing_linkages():
            differing += 1
            click.echo(_("%(folio)s differs: %(columns)s", folio=one.folio, columns=", ".join(one.columns)))
        if differing:
            raise click.ClickException(_("%(num)s linkages do not keep what their movements come to.", num=differing))
        click.echo(_("Every credit keeps what its movements come to."))


@group.command("retain")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
def retain(dry_run: bool) -> None:
    """Remove what credits consist of once their five years are over. Says counts and numbers of rows, no names."""
    now = utcnow()
    with transaction():
        if not dry_run:
            retention.fill(now=now)
        found = retention.to_remove(now=now) if dry_run else retention.remove_old(now=now)
        is_full = max(len(found.linkages), len(found.referrals)) >= retention.AT_A_TIME
        more = is_full if dry_run else not retention.to_remove(now=now, limit=1).is_nothing
    verb = "To remove" if dry_run else "Removed"
    click.echo(f"{verb}: {len(found.linkages)} linkages, {len(found.referrals)} referrals.")
    for name, ids in (("linkage", found.linkages), ("referral", found.referrals)):
        if ids:
            click.echo(f"{name}: " + " ".join(str(one) for one in ids))
    if more:
        click.echo("More is left than one run removes: run it again.")
