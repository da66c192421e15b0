"""When the desk was told of an incident or a missed check-in, and when the next person was

Revision: 0037, after 0036
"""

import sqlalchemy as sa
from alembic import op

revision = '0037'
down_revision = "0036"
branch_labels = None
depends_on = None

# What was there before is not told of now: the moment at which it was written stands for both.
SINCE = {"incident": "reported_at", "missed_check_in": "opened_at"}
COLUMNS = ("desk_told_at", "escalated_at")


def upgrade() -> None:
    for table, since in SINCE.items():
        for column in COLUMNS:
            op.add_column(table, sa.Column(column, sa.DateTime(timezone=True), nullable=True))
        op.execute(f"UPDATE {table} SET desk_told_at = {since}, escalated_at = {since}")  # noqa: S608 -- names of ours


def downgrade() -> None:
    for table in SINCE:
        for column in COLUMNS:
            op.drop_column(table, column)
