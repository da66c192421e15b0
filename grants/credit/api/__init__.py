"""What programs read and write about credit."""

from grants.credit import hooks  # noqa: F401 -- the way of events out of the outbox
from grants.credit.api import movements  # noqa: F401 -- its routes
from grants.credit.api.linkages import blp as linkages
from grants.credit.api.referrals import blp as referrals

blueprints = (linkages, referrals)
