"""Quotas of calls; what a selection run was computed from

Revision: 0012, after 0011
"""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Written out: SQLite adds such a column in place, where Alembic would copy a table that others refer to.
    op.execute("""ALTER TABLE "call" ADD COLUMN calibration VARCHAR(40) DEFAULT 'advisory' NOT NULL
        CONSTRAINT ck_call_calibration CHECK (calibration IN ('off', 'advisory', 'binding'))""")
    op.create_table('call_quota',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('dimension', sa.Enum('sex', 'age_band', 'population_group', 'disability', 'single_carer', 'canton', name='quotadimension', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('value', sa.String(length=20), nullable=False),
    sa.Column('minimum', sa.Integer(), nullable=True),
    sa.Column('maximum', sa.Integer(), nullable=True),
    sa.CheckConstraint('position > 0', name=op.f('ck_call_quota_position')),
    sa.CheckConstraint('minimum IS NOT NULL OR maximum IS NOT NULL', name=op.f('ck_call_quota_says_something')),
    sa.CheckConstraint('minimum >= 0 AND maximum >= 0', name=op.f('ck_call_quota_not_negative')),
    sa.CheckConstraint('minimum <= maximum', name=op.f('ck_call_quota_in_order')),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_call_quota_call_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_call_quota')),
    sa.UniqueConstraint('call_id', 'dimension', 'value', name=op.f('uq_call_quota_call_id_dimension_value')),
    sa.UniqueConstraint('call_id', 'position', name=op.f('uq_call_quota_call_id_position'))
    )


def downgrade() -> None:
    op.drop_table('call_quota')
    op.execute('ALTER TABLE "call" DROP COLUMN calibration')
