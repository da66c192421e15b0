"""A referral emptied after five years makes room for another; nothing on its way keeps the day of a credit

Revision: 0041, after 0040
"""

import sqlalchemy as sa
from alembic import op

revision = '0041'
down_revision = "0040"
branch_labels = None
depends_on = None

OPEN = "state IN ('sent', 'accepted')"
BEFORE_CREDIT = "('referred', 'contacted', 'documents', 'applied', 'approved', 'declined', 'withdrawn')"


def only_one(condition: str) -> None:
    """Let a person have one referral to an institution of which this holds."""
    op.drop_index("uq_referral_open", table_name="referral")
    op.create_index("uq_referral_open", "referral", ["person_id", "institution_id"], unique=True,
                    sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))


def upgrade() -> None:
    only_one(OPEN + " AND removed_at IS NULL")
    # Left there when a disbursement was taken back: the five years count from the last step again.
    op.execute(f"UPDATE linkage SET counted_from = NULL, next_due_on = NULL"
               f" WHERE counted_from IS NOT NULL AND state IN {BEFORE_CREDIT}")


def downgrade() -> None:
    # Only the newest of several is still open: the others were emptied, and can hardly have been more than this.
    op.execute("UPDATE referral SET state = 'withdrawn' WHERE state IN ('sent', 'accepted') AND removed_at IS NOT NULL")
    only_one(OPEN)
