"""What the person keeps of a delivery that two people decide to make again

Revision: 0043, after 0042
"""

import sqlalchemy as sa
from alembic import op

revision = '0043'
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('kept_line',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('dispute_id', sa.Integer(), nullable=False),
    sa.Column('proposal', sa.Integer(), nullable=False),
    sa.Column('line_id', sa.Integer(), nullable=False),
    sa.Column('units', sa.Integer(), nullable=False),
    sa.CheckConstraint('units > 0', name=op.f('ck_kept_line_units')),
    sa.ForeignKeyConstraint(['dispute_id'], ['dispute.id'], name=op.f('fk_kept_line_dispute_id')),
    sa.ForeignKeyConstraint(['line_id'], ['kit_line.id'], name=op.f('fk_kept_line_line_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_kept_line')),
    sa.UniqueConstraint('dispute_id', 'proposal', 'line_id', name=op.f('uq_kept_line_dispute_id_proposal_line_id'))
    )


def downgrade() -> None:
    op.drop_table('kept_line')
