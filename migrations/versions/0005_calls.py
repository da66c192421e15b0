"""Programmes, calls and rubrics

Revision: 0005, after 0004
"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('programme',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('name', sa.String(length=300), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_programme')),
    sa.UniqueConstraint('code', name=op.f('uq_programme_code'))
    )
    op.create_table('call',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('programme_id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=20), nullable=False),
    sa.Column('name', sa.String(length=160), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('kind', sa.Enum('seed_capital', 'devices', name='callkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('state', sa.Enum('draft', 'published', 'closed', name='callstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('opens_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closes_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('places', sa.Integer(), nullable=False),
    sa.Column('budget_usd', sa.Numeric(14, 2), nullable=False),
    sa.Column('value_per_award_usd', sa.Numeric(14, 2), nullable=False),
    sa.Column('plan_weight', sa.Numeric(precision=5, scale=2), nullable=False),
    sa.Column('pitch_weight', sa.Numeric(precision=5, scale=2), nullable=False),
    sa.Column('reviews_per_application', sa.Integer(), nullable=False),
    sa.Column('required_course', sa.Enum('entrepreneurship', 'digital', 'financial_education', name='coursekind', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('minimum_grade', sa.Numeric(precision=5, scale=2), nullable=True),
    sa.Column('tie_seed', sa.String(length=64), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('budget_usd >= places * value_per_award_usd', name=op.f('ck_call_budget_covers_places')),
    sa.CheckConstraint('closes_at > opens_at', name=op.f('ck_call_window')),
    sa.CheckConstraint('places > 0', name=op.f('ck_call_places')),
    sa.CheckConstraint('plan_weight + pitch_weight = 100', name=op.f('ck_call_stage_weights')),
    sa.CheckConstraint('plan_weight >= 0 AND pitch_weight >= 0', name=op.f('ck_call_stage_weights_positive')),
    sa.CheckConstraint('value_per_award_usd > 0', name=op.f('ck_call_value')),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_call_created_by_id')),
    sa.ForeignKeyConstraint(['programme_id'], ['programme.id'], name=op.f('fk_call_programme_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_call')),
    sa.UniqueConstraint('code', name=op.f('uq_call_code'))
    )
    op.create_table('rubric',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('is_current', sa.Boolean(), nullable=False),
    sa.Column('reason', sa.String(length=300), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_rubric_call_id')),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_rubric_created_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rubric')),
    sa.UniqueConstraint('call_id', 'version', name=op.f('uq_rubric_call_id_version'))
    )
    with op.batch_alter_table('rubric', schema=None) as batch_op:
        batch_op.create_index('uq_rubric_current', ['call_id'], unique=True, sqlite_where=sa.text('is_current = 1'), postgresql_where=sa.text('is_current'))

    op.create_table('criterion',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('rubric_id', sa.Integer(), nullable=False),
    sa.Column('stage', sa.Enum('plan', 'pitch', name='stage', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('weight', sa.Numeric(precision=5, scale=2), nullable=False),
    sa.CheckConstraint('weight > 0 AND weight <= 100', name=op.f('ck_criterion_weight')),
    sa.ForeignKeyConstraint(['rubric_id'], ['rubric.id'], name=op.f('fk_criterion_rubric_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_criterion')),
    sa.UniqueConstraint('rubric_id', 'stage', 'position', name=op.f('uq_criterion_rubric_id_stage_position'))
    )
    op.create_table('level',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('criterion_id', sa.Integer(), nullable=False),
    sa.Column('value', sa.Integer(), nullable=False),
    sa.Column('descriptor', sa.String(length=400), nullable=False),
    sa.CheckConstraint('value >= 0', name=op.f('ck_level_value')),
    sa.ForeignKeyConstraint(['criterion_id'], ['criterion.id'], name=op.f('fk_level_criterion_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_level')),
    sa.UniqueConstraint('criterion_id', 'value', name=op.f('uq_level_criterion_id_value'))
    )


def downgrade() -> None:
    op.drop_table('level')
    op.drop_table('criterion')
    with op.batch_alter_table('rubric', schema=None) as batch_op:
        batch_op.drop_index('uq_rubric_current', sqlite_where=sa.text('is_current = 1'), postgresql_where=sa.text('is_current'))

    op.drop_table('rubric')
    op.drop_table('call')
    op.drop_table('programme')
