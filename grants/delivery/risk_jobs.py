"""The timed work of risk: what nobody vouches for any more does not go on."""

from flask import Flask

from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.jobs import timed
from grants.delivery import services


@timed("risk", every_minutes=5)
def hold_where_nothing_is_known(_app: Flask) -> None:
    """Hold what is cleared or scheduled in cantons whose snapshot expired. Safe to run twice."""
    with transaction():
        services.hold_unknown(now=utcnow())
