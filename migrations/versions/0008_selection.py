"""Selections, awards and the waiting list

Revision: 0008, after 0007
"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('selection',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('simulated', 'proposed', 'approved', 'published', 'discarded', name='selectionstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('places', sa.Integer(), nullable=False),
    sa.Column('parameters', sa.Text(), nullable=False),
    sa.Column('inputs_hash', sa.String(length=64), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_selection_call_id')),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_selection_created_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_selection'))
    )
    with op.batch_alter_table('selection', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_selection_call_id'), ['call_id'], unique=False)
        batch_op.create_index('uq_selection_published', ['call_id'], unique=True, sqlite_where=sa.text("state = 'published'"), postgresql_where=sa.text("state = 'published'"))

    op.create_table('selection_approval',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('selection_id', sa.Integer(), nullable=False),
    sa.Column('approved_by_id', sa.Integer(), nullable=False),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['approved_by_id'], ['user.id'], name=op.f('fk_selection_approval_approved_by_id')),
    sa.ForeignKeyConstraint(['selection_id'], ['selection.id'], name=op.f('fk_selection_approval_selection_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_selection_approval')),
    sa.UniqueConstraint('selection_id', 'approved_by_id', name=op.f('uq_selection_approval_selection_id_approved_by_id'))
    )
    op.create_table('award',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('selection_id', sa.Integer(), nullable=False),
    sa.Column('application_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('active', 'declined', 'withdrawn', name='awardstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('value_usd', sa.Numeric(14, 2), nullable=False),
    sa.Column('awarded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('replaces_id', sa.Integer(), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('end_reason', sa.String(length=300), nullable=True),
    sa.CheckConstraint("(state = 'active') = (ended_at IS NULL)", name=op.f('ck_award_ended_at')),
    sa.CheckConstraint('value_usd > 0', name=op.f('ck_award_value')),
    sa.ForeignKeyConstraint(['application_id'], ['application.id'], name=op.f('fk_award_application_id')),
    sa.ForeignKeyConstraint(['replaces_id'], ['award.id'], name=op.f('fk_award_replaces_id')),
    sa.ForeignKeyConstraint(['selection_id'], ['selection.id'], name=op.f('fk_award_selection_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_award')),
    sa.UniqueConstraint('application_id', name=op.f('uq_award_application_id')),
    sa.UniqueConstraint('replaces_id', name=op.f('uq_award_replaces_id'))
    )
    with op.batch_alter_table('award', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_award_selection_id'), ['selection_id'], unique=False)

    op.create_table('selection_row',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('selection_id', sa.Integer(), nullable=False),
    sa.Column('application_id', sa.Integer(), nullable=False),
    sa.Column('outcome', sa.Enum('chosen', 'waiting', 'not_ranked', name='outcome', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('place', sa.Integer(), nullable=True),
    sa.Column('points', sa.Integer(), nullable=True),
    sa.Column('plan_points', sa.Integer(), nullable=True),
    sa.Column('pitch_points', sa.Integer(), nullable=True),
    sa.Column('reviews', sa.Integer(), nullable=False),
    sa.Column('tie_key', sa.String(length=64), nullable=False),
    sa.Column('settled_by_lottery', sa.Boolean(), nullable=False),
    sa.Column('reason', sa.String(length=40), nullable=False),
    sa.CheckConstraint("(outcome = 'not_ranked') = (place IS NULL)", name=op.f('ck_selection_row_ranked_has_place')),
    sa.ForeignKeyConstraint(['application_id'], ['application.id'], name=op.f('fk_selection_row_application_id')),
    sa.ForeignKeyConstraint(['selection_id'], ['selection.id'], name=op.f('fk_selection_row_selection_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_selection_row')),
    sa.UniqueConstraint('selection_id', 'application_id', name=op.f('uq_selection_row_selection_id_application_id')),
    sa.UniqueConstraint('selection_id', 'place', name=op.f('uq_selection_row_selection_id_place'))
    )
    with op.batch_alter_table('selection_row', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_selection_row_application_id'), ['application_id'], unique=False)

    op.create_table('waiting_list_entry',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('selection_id', sa.Integer(), nullable=False),
    sa.Column('application_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('award_id', sa.Integer(), nullable=True),
    sa.Column('skipped_reason', sa.String(length=300), nullable=True),
    sa.ForeignKeyConstraint(['application_id'], ['application.id'], name=op.f('fk_waiting_list_entry_application_id')),
    sa.ForeignKeyConstraint(['award_id'], ['award.id'], name=op.f('fk_waiting_list_entry_award_id')),
    sa.ForeignKeyConstraint(['selection_id'], ['selection.id'], name=op.f('fk_waiting_list_entry_selection_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_waiting_list_entry')),
    sa.UniqueConstraint('award_id', name=op.f('uq_waiting_list_entry_award_id')),
    sa.UniqueConstraint('selection_id', 'application_id', name=op.f('uq_waiting_list_entry_selection_id_application_id')),
    sa.UniqueConstraint('selection_id', 'position', name=op.f('uq_waiting_list_entry_selection_id_position'))
    )


def downgrade() -> None:
    op.drop_table('waiting_list_entry')
    with op.batch_alter_table('selection_row', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_selection_row_application_id'))

    op.drop_table('selection_row')
    with op.batch_alter_table('award', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_award_selection_id'))

    op.drop_table('award')
    op.drop_table('selection_approval')
    with op.batch_alter_table('selection', schema=None) as batch_op:
        batch_op.drop_index('uq_selection_published', sqlite_where=sa.text("state = 'published'"), postgresql_where=sa.text("state = 'published'"))
        batch_op.drop_index(batch_op.f('ix_selection_call_id'))

    op.drop_table('selection')
