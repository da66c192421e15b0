"""Credit at the console: what may no longer be kept."""

import click
from flask.cli import AppGroup

from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.credit import reminder_jobs
from grants.credit.services import retain as services

group = AppGroup("credit", help="Credit linkages.")


@group.command("retain")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
def retain(dry_run: bool) -> None:
    """Remove what credits consist of once their five years are over. Says counts and numbers of rows, no names."""
    now = utcnow()
    with transaction():
        if not dry_run:
            services.fill(now=now)
        found = services.to_remove(now=now) if dry_run else services.remove_old(now=now)
    verb = "To remove" if dry_run else "Removed"
    click.echo(f"{verb}: {len(found.linkages)} linkages, {len(found.referrals)} referrals.")
    for name, ids in (("linkage", found.linkages), ("referral", found.referrals)):
        if ids:
            click.echo(f"{name}: " + " ".join(str(one) for one in ids))


__all__ = ["group", "reminder_jobs"]
