"""Calibration sets, and drafts that know when they are out of date

Revision: 0014, after 0013
"""

import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('calibration_set_item',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('stage', sa.Enum('plan', 'pitch', name='stage', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('application_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('counts', sa.Boolean(), nullable=False),
    sa.Column('marked_by_id', sa.Integer(), nullable=False),
    sa.Column('marked_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['application_id'], ['application.id'], name=op.f('fk_calibration_set_item_application_id')),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_calibration_set_item_call_id')),
    sa.ForeignKeyConstraint(['marked_by_id'], ['user.id'], name=op.f('fk_calibration_set_item_marked_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_calibration_set_item')),
    sa.UniqueConstraint('application_id', 'stage', name=op.f('uq_calibration_set_item_application_id_stage')),
    sa.UniqueConstraint('call_id', 'stage', 'position', name=op.f('uq_calibration_set_item_call_id_stage_position'))
    )

    with op.batch_alter_table('assignment', schema=None) as batch_op:
        batch_op.add_column(sa.Column('is_calibration', sa.Boolean(), server_default=sa.false(), nullable=False))

    with op.batch_alter_table('score_sheet', schema=None) as batch_op:
        batch_op.add_column(sa.Column('saves', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('saved_from', sa.String(length=24), server_default='', nullable=False))
        batch_op.add_column(sa.Column('saved_turn', sa.Integer(), server_default='0', nullable=False))


def downgrade() -> None:
    with op.batch_alter_table('score_sheet', schema=None) as batch_op:
        batch_op.drop_column('saved_turn')
        batch_op.drop_column('saved_from')
        batch_op.drop_column('saves')

    with op.batch_alter_table('assignment', schema=None) as batch_op:
        batch_op.drop_column('is_calibration')

    op.drop_table('calibration_set_item')
