"""A table of levels that asks for less waits for the director; attempts that were not looked at are taken back

Revision: 0039, after 0038
"""

import sqlalchemy as sa
from alembic import op

revision = '0039'
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempt_counter", sa.Column("generation", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.create_table('levels_proposal',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('open', 'signed', 'withdrawn', 'refused', name='proposalstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('after_number', sa.Integer(), nullable=False),
    sa.Column('levels', sa.JSON(), nullable=False),
    sa.Column('note', sa.String(length=300), nullable=False),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('proposed_by_id', sa.Integer(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(state = 'open') = (ended_at IS NULL)", name=op.f('ck_levels_proposal_ended')),
    sa.CheckConstraint("(ended_at IS NULL) = (ended_by_id IS NULL)", name=op.f('ck_levels_proposal_ended_by')),
    sa.CheckConstraint("state <> 'signed' OR ended_by_id <> proposed_by_id", name=op.f('ck_levels_proposal_two_people')),
    sa.ForeignKeyConstraint(['ended_by_id'], ['user.id'], name=op.f('fk_levels_proposal_ended_by_id')),
    sa.ForeignKeyConstraint(['proposed_by_id'], ['user.id'], name=op.f('fk_levels_proposal_proposed_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_levels_proposal'))
    )
    is_open = sa.text("state = 'open'")
    op.create_index('uq_levels_proposal_open', 'levels_proposal', ['state'], unique=True, sqlite_where=is_open, postgresql_where=is_open)


def downgrade() -> None:
    op.drop_index('uq_levels_proposal_open', 'levels_proposal')
    op.drop_table('levels_proposal')
    op.drop_column("attempt_counter", "generation")
