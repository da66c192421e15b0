"""The number of a device that came back instead of another; what the person says did not stay with them

Revision: 0038, after 0037
"""

import sqlalchemy as sa
from alembic import op

revision = '0038'
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('line_outcome', sa.Column('read_serial', sa.String(length=60), nullable=True))
    op.add_column('line_outcome', sa.Column('denied_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column('line_outcome', 'denied_at')
    op.drop_column('line_outcome', 'read_serial')
