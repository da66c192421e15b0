"""Moderation of sheets that lie far apart

Revision: 0016, after 0015
"""

import sqlalchemy as sa
from alembic import op

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('moderation',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('application_id', sa.Integer(), nullable=False),
    sa.Column('stage', sa.Enum('plan', 'pitch', name='stage', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('opened_by_id', sa.Integer(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('outcome', sa.Enum('stands', 'amended', 'third_review', name='moderation_outcome', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('decided_by_id', sa.Integer(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decision_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint('(decided_at IS NULL) = (outcome IS NULL)', name=op.f('ck_moderation_decided_has_outcome')),
    sa.CheckConstraint('(decided_at IS NULL) = (decided_by_id IS NULL)', name=op.f('ck_moderation_decided_by')),
    sa.CheckConstraint('(decided_at IS NULL) = (decision_sealed IS NULL)', name=op.f('ck_moderation_decided_has_decision')),
    sa.ForeignKeyConstraint(['application_id'], ['application.id'], name=op.f('fk_moderation_application_id')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['user.id'], name=op.f('fk_moderation_decided_by_id')),
    sa.ForeignKeyConstraint(['opened_by_id'], ['user.id'], name=op.f('fk_moderation_opened_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_moderation')),
    sa.UniqueConstraint('row_key', name=op.f('uq_moderation_row_key'))
    )
    with op.batch_alter_table('moderation', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_moderation_application_id'), ['application_id'], unique=False)
        batch_op.create_index('uq_moderation_open', ['application_id', 'stage'], unique=True, sqlite_where=sa.text('decided_at IS NULL'), postgresql_where=sa.text('decided_at IS NULL'))

    op.create_table('moderation_reply',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('moderation_id', sa.Integer(), nullable=False),
    sa.Column('evaluator_id', sa.Integer(), nullable=False),
    sa.Column('sheet_id', sa.Integer(), nullable=False),
    sa.Column('answer', sa.Enum('confirmed', 'amended', name='answer', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('replied_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint('(answer IS NULL) = (replied_at IS NULL)', name=op.f('ck_moderation_reply_replied_at')),
    sa.CheckConstraint('(answer IS NULL) = (reason_sealed IS NULL)', name=op.f('ck_moderation_reply_answer_has_reason')),
    sa.ForeignKeyConstraint(['evaluator_id'], ['user.id'], name=op.f('fk_moderation_reply_evaluator_id')),
    sa.ForeignKeyConstraint(['moderation_id'], ['moderation.id'], name=op.f('fk_moderation_reply_moderation_id')),
    sa.ForeignKeyConstraint(['sheet_id'], ['score_sheet.id'], name=op.f('fk_moderation_reply_sheet_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_moderation_reply')),
    sa.UniqueConstraint('moderation_id', 'evaluator_id', name=op.f('uq_moderation_reply_moderation_id_evaluator_id')),
    sa.UniqueConstraint('row_key', name=op.f('uq_moderation_reply_row_key'))
    )
    with op.batch_alter_table('moderation_reply', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_moderation_reply_evaluator_id'), ['evaluator_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('moderation_reply', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_moderation_reply_evaluator_id'))

    op.drop_table('moderation_reply')
    with op.batch_alter_table('moderation', schema=None) as batch_op:
        batch_op.drop_index('uq_moderation_open', sqlite_where=sa.text('decided_at IS NULL'), postgresql_where=sa.text('decided_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_moderation_application_id'))

    op.drop_table('moderation')
