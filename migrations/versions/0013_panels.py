"""Panels, answers about conflicts, reasons of changes

Revision: 0013, after 0012
"""

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('panelist',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('evaluator_id', sa.Integer(), nullable=False),
    sa.Column('panel', sa.String(length=40), nullable=False),
    sa.Column('languages', sa.String(length=40), nullable=False),
    sa.Column('canton_code', sa.String(length=4), nullable=True),
    sa.Column('organisation', sa.String(length=120), nullable=False),
    sa.Column('load_min', sa.Integer(), nullable=False),
    sa.Column('load_max', sa.Integer(), nullable=True),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('stopped_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('load_min >= 0', name=op.f('ck_panelist_load_min')),
    sa.CheckConstraint('load_max IS NULL OR load_max >= load_min', name=op.f('ck_panelist_load_max')),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_panelist_call_id')),
    sa.ForeignKeyConstraint(['evaluator_id'], ['user.id'], name=op.f('fk_panelist_evaluator_id')),
    sa.ForeignKeyConstraint(['canton_code'], ['canton.code'], name=op.f('fk_panelist_canton_code')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_panelist')),
    sa.UniqueConstraint('call_id', 'evaluator_id', name=op.f('uq_panelist_call_id_evaluator_id'))
    )
    with op.batch_alter_table('panelist', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_panelist_evaluator_id'), ['evaluator_id'], unique=False)

    op.create_table('conflict_answer',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('application_id', sa.Integer(), nullable=False),
    sa.Column('evaluator_id', sa.Integer(), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['application_id'], ['application.id'], name=op.f('fk_conflict_answer_application_id')),
    sa.ForeignKeyConstraint(['evaluator_id'], ['user.id'], name=op.f('fk_conflict_answer_evaluator_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_conflict_answer')),
    sa.UniqueConstraint('application_id', 'evaluator_id', name=op.f('uq_conflict_answer_application_id_evaluator_id'))
    )
    with op.batch_alter_table('conflict_answer', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_conflict_answer_evaluator_id'), ['evaluator_id'], unique=False)

    op.create_table('call_conflict',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('evaluator_id', sa.Integer(), nullable=False),
    sa.Column('declared_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reason_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_call_conflict_call_id')),
    sa.ForeignKeyConstraint(['evaluator_id'], ['user.id'], name=op.f('fk_call_conflict_evaluator_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_call_conflict')),
    sa.UniqueConstraint('call_id', 'evaluator_id', name=op.f('uq_call_conflict_call_id_evaluator_id')),
    sa.UniqueConstraint('row_key', name=op.f('uq_call_conflict_row_key'))
    )
    with op.batch_alter_table('call_conflict', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_call_conflict_evaluator_id'), ['evaluator_id'], unique=False)

    op.create_table('assignment_change',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('assignment_id', sa.Integer(), nullable=False),
    sa.Column('given', sa.Boolean(), nullable=False),
    sa.Column('reason', sa.Enum('absence', 'workload', 'expertise', 'extra_review', 'mistake', 'stopped', 'recusal', 'other', name='changereason', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('note_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.ForeignKeyConstraint(['assignment_id'], ['assignment.id'], name=op.f('fk_assignment_change_assignment_id')),
    sa.ForeignKeyConstraint(['by_id'], ['user.id'], name=op.f('fk_assignment_change_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_assignment_change')),
    sa.UniqueConstraint('row_key', name=op.f('uq_assignment_change_row_key'))
    )
    with op.batch_alter_table('assignment_change', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_assignment_change_assignment_id'), ['assignment_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('assignment_change', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_assignment_change_assignment_id'))
    op.drop_table('assignment_change')
    with op.batch_alter_table('call_conflict', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_call_conflict_evaluator_id'))
    op.drop_table('call_conflict')
    with op.batch_alter_table('conflict_answer', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_conflict_answer_evaluator_id'))
    op.drop_table('conflict_answer')
    with op.batch_alter_table('panelist', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_panelist_evaluator_id'))
    op.drop_table('panelist')
