"""Assignments, conflicts and score sheets

Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('assignment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('application_id', sa.Integer(), nullable=False),
    sa.Column('evaluator_id', sa.Integer(), nullable=False),
    sa.Column('stage', sa.Enum('plan', 'pitch', name='stage', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('assigned_by_id', sa.Integer(), nullable=False),
    sa.Column('assigned_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['application_id'], ['application.id'], name=op.f('fk_assignment_application_id')),
    sa.ForeignKeyConstraint(['assigned_by_id'], ['user.id'], name=op.f('fk_assignment_assigned_by_id')),
    sa.ForeignKeyConstraint(['evaluator_id'], ['user.id'], name=op.f('fk_assignment_evaluator_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_assignment')),
    sa.UniqueConstraint('application_id', 'evaluator_id', 'stage', name=op.f('uq_assignment_application_id_evaluator_id_stage'))
    )
    with op.batch_alter_table('assignment', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_assignment_evaluator_id'), ['evaluator_id'], unique=False)

    op.create_table('conflict_of_interest',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('application_id', sa.Integer(), nullable=False),
    sa.Column('evaluator_id', sa.Integer(), nullable=False),
    sa.Column('declared_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reason_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.ForeignKeyConstraint(['application_id'], ['application.id'], name=op.f('fk_conflict_of_interest_application_id')),
    sa.ForeignKeyConstraint(['evaluator_id'], ['user.id'], name=op.f('fk_conflict_of_interest_evaluator_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_conflict_of_interest')),
    sa.UniqueConstraint('application_id', 'evaluator_id', name=op.f('uq_conflict_of_interest_application_id_evaluator_id')),
    sa.UniqueConstraint('row_key', name=op.f('uq_conflict_of_interest_row_key'))
    )
    with op.batch_alter_table('conflict_of_interest', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_conflict_of_interest_evaluator_id'), ['evaluator_id'], unique=False)

    op.create_table('score_sheet',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('application_id', sa.Integer(), nullable=False),
    sa.Column('evaluator_id', sa.Integer(), nullable=False),
    sa.Column('rubric_id', sa.Integer(), nullable=False),
    sa.Column('stage', sa.Enum('plan', 'pitch', name='stage', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('draft', 'submitted', 'superseded', name='sheetstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('amendment_reason', sa.String(length=300), nullable=True),
    sa.Column('comment', sa.Text(), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'draft') = (submitted_at IS NULL)", name=op.f('ck_score_sheet_submitted_at')),
    sa.CheckConstraint('(version = 1) = (amendment_reason IS NULL)', name=op.f('ck_score_sheet_amendment_has_reason')),
    sa.ForeignKeyConstraint(['application_id'], ['application.id'], name=op.f('fk_score_sheet_application_id')),
    sa.ForeignKeyConstraint(['evaluator_id'], ['user.id'], name=op.f('fk_score_sheet_evaluator_id')),
    sa.ForeignKeyConstraint(['rubric_id'], ['rubric.id'], name=op.f('fk_score_sheet_rubric_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_score_sheet')),
    sa.UniqueConstraint('application_id', 'evaluator_id', 'stage', 'version', name=op.f('uq_score_sheet_application_id_evaluator_id_stage_version'))
    )
    with op.batch_alter_table('score_sheet', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_score_sheet_evaluator_id'), ['evaluator_id'], unique=False)
        batch_op.create_index('uq_score_sheet_official', ['application_id', 'evaluator_id', 'stage'], unique=True, sqlite_where=sa.text("state = 'submitted'"), postgresql_where=sa.text("state = 'submitted'"))

    op.create_table('score',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('sheet_id', sa.Integer(), nullable=False),
    sa.Column('criterion_id', sa.Integer(), nullable=False),
    sa.Column('level', sa.Integer(), nullable=True),
    sa.Column('comment', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['criterion_id'], ['criterion.id'], name=op.f('fk_score_criterion_id')),
    sa.ForeignKeyConstraint(['sheet_id'], ['score_sheet.id'], name=op.f('fk_score_sheet_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_score')),
    sa.UniqueConstraint('sheet_id', 'criterion_id', name=op.f('uq_score_sheet_id_criterion_id'))
    )


def downgrade() -> None:
    op.drop_table('score')
    with op.batch_alter_table('score_sheet', schema=None) as batch_op:
        batch_op.drop_index('uq_score_sheet_official', sqlite_where=sa.text("state = 'submitted'"), postgresql_where=sa.text("state = 'submitted'"))
        batch_op.drop_index(batch_op.f('ix_score_sheet_evaluator_id'))

    op.drop_table('score_sheet')
    with op.batch_alter_table('conflict_of_interest', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_conflict_of_interest_evaluator_id'))

    op.drop_table('conflict_of_interest')
    with op.batch_alter_table('assignment', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_assignment_evaluator_id'))

    op.drop_table('assignment')
