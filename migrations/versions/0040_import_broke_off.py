"""Files of institutions whose work broke off

Revision: 0040, after 0039
"""

import sqlalchemy as sa
from alembic import op

revision = '0040'
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('credit_import', sa.Column('broke_off', sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.drop_column('credit_import', 'broke_off')
