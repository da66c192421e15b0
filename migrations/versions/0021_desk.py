"""Acknowledged signals, the next stop by asking, drills, the worker's beat

Revision: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('drill',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('planned_by_id', sa.Integer(), nullable=False),
    sa.Column('planned_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['planned_by_id'], ['user.id'], name=op.f('fk_drill_planned_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_drill'))
    )
    with op.batch_alter_table('drill', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_drill_planned_at'), ['planned_at'], unique=False)

    op.create_table('drill_delivery',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=24), nullable=False),
    sa.Column('drill_id', sa.Integer(), nullable=False),
    sa.Column('officer_id', sa.Integer(), nullable=False),
    sa.Column('salt', sa.LargeBinary(length=16), nullable=False),
    sa.Column('hash_memory_kib', sa.Integer(), nullable=False),
    sa.Column('hash_time_cost', sa.Integer(), nullable=False),
    sa.Column('code_hashes', sa.LargeBinary(length=128), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('codes_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('true_picture_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.ForeignKeyConstraint(['drill_id'], ['drill.id'], name=op.f('fk_drill_delivery_drill_id')),
    sa.ForeignKeyConstraint(['officer_id'], ['user.id'], name=op.f('fk_drill_delivery_officer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_drill_delivery')),
    sa.UniqueConstraint('drill_id', 'officer_id', name=op.f('uq_drill_delivery_drill_id_officer_id')),
    sa.UniqueConstraint('number', name=op.f('uq_drill_delivery_number')),
    sa.UniqueConstraint('row_key', name=op.f('uq_drill_delivery_row_key'))
    )
    with op.batch_alter_table('drill_delivery', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_drill_delivery_officer_id'), ['officer_id'], unique=False)

    op.create_table('stop_request',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('officer_id', sa.Integer(), nullable=False),
    sa.Column('run_id', sa.Integer(), nullable=True),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answerable_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answer', sa.Enum('go', 'rescheduled', name='stopanswer', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answered_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('(answer IS NULL) = (answered_at IS NULL)', name=op.f('ck_stop_request_answered_at')),
    sa.CheckConstraint('(answer IS NULL) = (answered_by_id IS NULL)', name=op.f('ck_stop_request_answered_by')),
    sa.CheckConstraint('answered_at IS NULL OR answered_at >= answerable_at', name=op.f('ck_stop_request_not_too_early')),
    sa.CheckConstraint('answered_by_id IS NULL OR answered_by_id <> officer_id', name=op.f('ck_stop_request_answered_by_another')),
    sa.ForeignKeyConstraint(['answered_by_id'], ['user.id'], name=op.f('fk_stop_request_answered_by_id')),
    sa.ForeignKeyConstraint(['officer_id'], ['user.id'], name=op.f('fk_stop_request_officer_id')),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_stop_request_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stop_request'))
    )
    with op.batch_alter_table('stop_request', schema=None) as batch_op:
        batch_op.create_index('ix_stop_request_officer_asked', ['officer_id', 'asked_at'], unique=False)
        batch_op.create_index('uq_stop_request_open', ['officer_id'], unique=True, sqlite_where=sa.text('answer IS NULL'), postgresql_where=sa.text('answer IS NULL'))

    op.create_table('worker_beat',
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_worker_beat'))
    )
    with op.batch_alter_table('signal', schema=None) as batch_op:
        batch_op.alter_column('delivery_id', existing_type=sa.Integer(), nullable=True)
        batch_op.add_column(sa.Column('drill_delivery_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('acknowledged_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('acknowledged_by_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('escalated_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_signal_drill_delivery_id'), 'drill_delivery', ['drill_delivery_id'], ['id'])
        batch_op.create_foreign_key(batch_op.f('fk_signal_acknowledged_by_id'), 'user', ['acknowledged_by_id'], ['id'])
        batch_op.create_unique_constraint(batch_op.f('uq_signal_drill_delivery_id'), ['drill_delivery_id'])
        batch_op.create_check_constraint(batch_op.f('ck_signal_of_one_handover'), '(delivery_id IS NULL) <> (drill_delivery_id IS NULL)')
        batch_op.create_index('ix_signal_waiting', ['id'], unique=False, sqlite_where=sa.text('acknowledged_at IS NULL'), postgresql_where=sa.text('acknowledged_at IS NULL'))

    # What was opened by command before this revision is not called for again.
    op.execute('UPDATE signal SET acknowledged_at = created_at')


def downgrade() -> None:
    op.execute('DELETE FROM signal WHERE drill_delivery_id IS NOT NULL')
    with op.batch_alter_table('signal', schema=None) as batch_op:
        batch_op.drop_index('ix_signal_waiting', sqlite_where=sa.text('acknowledged_at IS NULL'), postgresql_where=sa.text('acknowledged_at IS NULL'))
        batch_op.drop_constraint(batch_op.f('ck_signal_of_one_handover'), type_='check')
        batch_op.drop_constraint(batch_op.f('uq_signal_drill_delivery_id'), type_='unique')
        batch_op.drop_constraint(batch_op.f('fk_signal_acknowledged_by_id'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('fk_signal_drill_delivery_id'), type_='foreignkey')
        batch_op.drop_column('escalated_at')
        batch_op.drop_column('acknowledged_by_id')
        batch_op.drop_column('acknowledged_at')
        batch_op.drop_column('drill_delivery_id')
        batch_op.alter_column('delivery_id', existing_type=sa.Integer(), nullable=False)
    for table in ('worker_beat', 'stop_request', 'drill_delivery', 'drill'):
        op.drop_table(table)
