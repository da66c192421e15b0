"""Quotas of calls; what a selection run was computed from

Revision: 0012, after 0011
"""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

# New columns of a row: hundredths of a point, hundredths of a percent.
NUMBERS = ('mean_points', 'measure', 'measure_se', 'short', 'p_top', 'p_in')


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
    op.execute("""ALTER TABLE selection ADD COLUMN is_what_if BOOLEAN DEFAULT false NOT NULL
        CONSTRAINT ck_selection_what_if_binds_nobody CHECK (NOT is_what_if OR state IN ('simulated', 'discarded'))""")
    op.add_column('selection', sa.Column('cut', sa.Integer(), nullable=True))
    op.add_column('selection', sa.Column('objective', sa.BigInteger(), nullable=True))
    for name in NUMBERS:
        op.add_column('selection_row', sa.Column(name, sa.Integer(), nullable=True))
    op.create_table('selection_record',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('selection_id', sa.Integer(), nullable=False),
    sa.Column('result_hash', sa.String(length=64), nullable=False),
    sa.Column('software', sa.String(length=40), nullable=False),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.Column('inputs_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('result_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('summary_sealed', sa.LargeBinary(), nullable=True),
    sa.ForeignKeyConstraint(['selection_id'], ['selection.id'], name=op.f('fk_selection_record_selection_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_selection_record')),
    sa.UniqueConstraint('row_key', name=op.f('uq_selection_record_row_key')),
    sa.UniqueConstraint('selection_id', name=op.f('uq_selection_record_selection_id'))
    )
    op.create_table('selection_departure',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('selection_id', sa.Integer(), nullable=False),
    sa.Column('application_id', sa.Integer(), nullable=False),
    sa.Column('direction', sa.Enum('put_in', 'put_out', name='direction', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('reason', sa.Enum('false_data', 'cannot_receive', 'safety', 'error', 'double_support', 'other', name='departurereason', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('decided_by_id', sa.Integer(), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.Column('words_sealed', sa.LargeBinary(), nullable=True),
    sa.ForeignKeyConstraint(['application_id'], ['application.id'], name=op.f('fk_selection_departure_application_id')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['user.id'], name=op.f('fk_selection_departure_decided_by_id')),
    sa.ForeignKeyConstraint(['selection_id'], ['selection.id'], name=op.f('fk_selection_departure_selection_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_selection_departure')),
    sa.UniqueConstraint('row_key', name=op.f('uq_selection_departure_row_key')),
    sa.UniqueConstraint('selection_id', 'application_id', name=op.f('uq_selection_departure_selection_id_application_id'))
    )
    with op.batch_alter_table('selection_departure', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_selection_departure_application_id'), ['application_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('selection_departure', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_selection_departure_application_id'))

    op.drop_table('selection_departure')
    op.drop_table('selection_record')
    for name in reversed(NUMBERS):
        op.execute(f'ALTER TABLE selection_row DROP COLUMN {name}')
    for name in ('objective', 'cut', 'is_what_if'):
        op.execute(f'ALTER TABLE selection DROP COLUMN {name}')
    op.drop_table('call_quota')
    op.execute('ALTER TABLE "call" DROP COLUMN calibration')
