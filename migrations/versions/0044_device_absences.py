"""Devices that a correction takes off the shelf, by name

Revision: 0044, after 0043
"""

import sqlalchemy as sa
from alembic import op

revision = '0044'
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('device_absence',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('unit_id', sa.Integer(), nullable=False),
    sa.Column('gone_with_id', sa.Integer(), nullable=False),
    sa.Column('back_with_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('back_with_id IS NULL OR back_with_id <> gone_with_id', name=op.f('ck_device_absence_two_corrections')),
    sa.ForeignKeyConstraint(['back_with_id'], ['stock_correction.id'], name=op.f('fk_device_absence_back_with_id')),
    sa.ForeignKeyConstraint(['gone_with_id'], ['stock_correction.id'], name=op.f('fk_device_absence_gone_with_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['device_unit.id'], name=op.f('fk_device_absence_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_device_absence')),
    sa.UniqueConstraint('unit_id', 'gone_with_id', name=op.f('uq_device_absence_unit_id_gone_with_id'))
    )
    op.create_index(op.f('ix_device_absence_back_with_id'), 'device_absence', ['back_with_id'])
    op.create_index(op.f('ix_device_absence_gone_with_id'), 'device_absence', ['gone_with_id'])


def downgrade() -> None:
    op.drop_table('device_absence')
