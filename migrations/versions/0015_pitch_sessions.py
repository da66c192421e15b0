"""Pitch sessions, their panels and slots, who cannot come, and sheets sent from phones

Revision: 0015, after 0014
"""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

LIVE = sa.text("state IN ('planned', 'present', 'pitching', 'done')")
PITCHING = sa.text("state = 'pitching'")


def upgrade() -> None:
    op.create_table('pitch_session',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('canton_code', sa.String(length=4), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('turns', sa.Integer(), nullable=False),
    sa.Column('slot_minutes', sa.Integer(), nullable=False),
    sa.Column('break_minutes', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('planned', 'running', 'closed', name='pitchstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('place_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name=op.f('ck_pitch_session_closed_at')),
    sa.CheckConstraint("state <> 'planned' OR opened_at IS NULL", name=op.f('ck_pitch_session_not_yet_opened')),
    sa.CheckConstraint("state <> 'running' OR opened_at IS NOT NULL", name=op.f('ck_pitch_session_opened_at')),
    sa.CheckConstraint('slot_minutes > 0 AND break_minutes >= 0', name=op.f('ck_pitch_session_minutes')),
    sa.CheckConstraint('turns > 0', name=op.f('ck_pitch_session_turns')),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_pitch_session_call_id')),
    sa.ForeignKeyConstraint(['canton_code'], ['canton.code'], name=op.f('fk_pitch_session_canton_code')),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_pitch_session_created_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pitch_session')),
    sa.UniqueConstraint('row_key', name=op.f('uq_pitch_session_row_key'))
    )
    with op.batch_alter_table('pitch_session', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_pitch_session_call_id'), ['call_id'], unique=False)

    op.create_table('pitch_panel',
    sa.Column('session_id', sa.Integer(), nullable=False),
    sa.Column('evaluator_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['evaluator_id'], ['user.id'], name=op.f('fk_pitch_panel_evaluator_id')),
    sa.ForeignKeyConstraint(['session_id'], ['pitch_session.id'], name=op.f('fk_pitch_panel_session_id')),
    sa.PrimaryKeyConstraint('session_id', 'evaluator_id', name=op.f('pk_pitch_panel'))
    )
    with op.batch_alter_table('pitch_panel', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_pitch_panel_evaluator_id'), ['evaluator_id'], unique=False)

    op.create_table('pitch_slot',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('session_id', sa.Integer(), nullable=False),
    sa.Column('application_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('planned', 'present', 'pitching', 'done', 'absent', 'moved', name='slotstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('arrived_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'done') = (ended_at IS NOT NULL)", name=op.f('ck_pitch_slot_ended_at')),
    sa.CheckConstraint("(state IN ('pitching', 'done')) = (started_at IS NOT NULL)", name=op.f('ck_pitch_slot_started_at')),
    sa.CheckConstraint("state NOT IN ('present', 'pitching', 'done') OR arrived_at IS NOT NULL", name=op.f('ck_pitch_slot_arrived_at')),
    sa.ForeignKeyConstraint(['application_id'], ['application.id'], name=op.f('fk_pitch_slot_application_id')),
    sa.ForeignKeyConstraint(['session_id'], ['pitch_session.id'], name=op.f('fk_pitch_slot_session_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pitch_slot'))
    )
    with op.batch_alter_table('pitch_slot', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_pitch_slot_application_id'), ['application_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_pitch_slot_session_id'), ['session_id'], unique=False)
        batch_op.create_index('uq_pitch_slot_live', ['application_id'], unique=True, sqlite_where=LIVE, postgresql_where=LIVE)
        batch_op.create_index('uq_pitch_slot_position', ['session_id', 'position'], unique=True, sqlite_where=LIVE, postgresql_where=LIVE)
        batch_op.create_index('uq_pitch_slot_pitching', ['session_id'], unique=True, sqlite_where=PITCHING, postgresql_where=PITCHING)

    op.create_table('pitch_unavailability',
    sa.Column('session_id', sa.Integer(), nullable=False),
    sa.Column('application_id', sa.Integer(), nullable=False),
    sa.Column('noted_by_id', sa.Integer(), nullable=False),
    sa.Column('noted_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['application_id'], ['application.id'], name=op.f('fk_pitch_unavailability_application_id')),
    sa.ForeignKeyConstraint(['noted_by_id'], ['user.id'], name=op.f('fk_pitch_unavailability_noted_by_id')),
    sa.ForeignKeyConstraint(['session_id'], ['pitch_session.id'], name=op.f('fk_pitch_unavailability_session_id')),
    sa.PrimaryKeyConstraint('session_id', 'application_id', name=op.f('pk_pitch_unavailability'))
    )
    with op.batch_alter_table('pitch_unavailability', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_pitch_unavailability_application_id'), ['application_id'], unique=False)

    op.create_table('sheet_delivery',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('evaluator_id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('assignment_id', sa.Integer(), nullable=False),
    sa.Column('delivered_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['assignment_id'], ['assignment.id'], name=op.f('fk_sheet_delivery_assignment_id')),
    sa.ForeignKeyConstraint(['evaluator_id'], ['user.id'], name=op.f('fk_sheet_delivery_evaluator_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sheet_delivery')),
    sa.UniqueConstraint('evaluator_id', 'key', name=op.f('uq_sheet_delivery_evaluator_id_key'))
    )
    with op.batch_alter_table('sheet_delivery', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sheet_delivery_assignment_id'), ['assignment_id'], unique=False)


def downgrade() -> None:
    op.drop_table('sheet_delivery')
    op.drop_table('pitch_unavailability')
    op.drop_table('pitch_slot')
    op.drop_table('pitch_panel')
    op.drop_table('pitch_session')
