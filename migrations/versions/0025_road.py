"""Notices to beneficiaries, check-ins and missed ones, photos of kit and seal

Revision: 0025, after 0021
"""

import sqlalchemy as sa
from alembic import op

revision = '0025'
down_revision = '0021'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('check_in',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('run_id', sa.Integer(), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['user.id'], name=op.f('fk_check_in_by_id')),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_check_in_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_check_in'))
    )
    with op.batch_alter_table('check_in', schema=None) as batch_op:
        batch_op.create_index('ix_check_in_run_at', ['run_id', 'at'], unique=False)

    op.create_table('missed_check_in',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('run_id', sa.Integer(), nullable=False),
    sa.Column('level', sa.Integer(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_by_id', sa.Integer(), nullable=True),
    sa.Column('word_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint('(closed_at IS NULL) = (closed_by_id IS NULL)', name=op.f('ck_missed_check_in_closed')),
    sa.CheckConstraint('level BETWEEN 1 AND 3', name=op.f('ck_missed_check_in_level')),
    sa.ForeignKeyConstraint(['closed_by_id'], ['user.id'], name=op.f('fk_missed_check_in_closed_by_id')),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_missed_check_in_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_missed_check_in')),
    sa.UniqueConstraint('row_key', name=op.f('uq_missed_check_in_row_key')),
    sa.UniqueConstraint('run_id', 'due_at', name=op.f('uq_missed_check_in_run_id_due_at'))
    )
    with op.batch_alter_table('missed_check_in', schema=None) as batch_op:
        batch_op.create_index('ix_missed_check_in_closed_at', ['closed_at'], unique=False)

    op.create_table('delivery_notice',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('zone', 'place', 'rescheduled', name='noticekind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('stop_key', sa.LargeBinary(length=32), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('message_id', sa.Integer(), nullable=True),
    sa.Column('told_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('told_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('(told_at IS NULL) = (told_by_id IS NULL)', name=op.f('ck_delivery_notice_told')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_delivery_notice_delivery_id')),
    sa.ForeignKeyConstraint(['message_id'], ['outbox_message.id'], name=op.f('fk_delivery_notice_message_id')),
    sa.ForeignKeyConstraint(['told_by_id'], ['user.id'], name=op.f('fk_delivery_notice_told_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery_notice')),
    sa.UniqueConstraint('delivery_id', 'kind', 'stop_key', name=op.f('uq_delivery_notice_delivery_id_kind_stop_key'))
    )
    with op.batch_alter_table('delivery_notice', schema=None) as batch_op:
        batch_op.create_index('ix_delivery_notice_waiting', ['message_id', 'told_at'], unique=False)

    op.create_table('delivery_photo',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.Column('storage_name', sa.String(length=64), nullable=False),
    sa.Column('media_type', sa.String(length=40), nullable=False),
    sa.Column('size_bytes', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('taken_by_id', sa.Integer(), nullable=False),
    sa.Column('taken_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_delivery_photo_delivery_id')),
    sa.ForeignKeyConstraint(['taken_by_id'], ['user.id'], name=op.f('fk_delivery_photo_taken_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery_photo')),
    sa.UniqueConstraint('storage_name', name=op.f('uq_delivery_photo_storage_name'))
    )
    with op.batch_alter_table('delivery_photo', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_delivery_photo_delivery_id'), ['delivery_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('delivery_photo', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_delivery_photo_delivery_id'))

    op.drop_table('delivery_photo')
    with op.batch_alter_table('delivery_notice', schema=None) as batch_op:
        batch_op.drop_index('ix_delivery_notice_waiting')

    op.drop_table('delivery_notice')
    with op.batch_alter_table('missed_check_in', schema=None) as batch_op:
        batch_op.drop_index('ix_missed_check_in_closed_at')

    op.drop_table('missed_check_in')
    with op.batch_alter_table('check_in', schema=None) as batch_op:
        batch_op.drop_index('ix_check_in_run_at')

    op.drop_table('check_in')
