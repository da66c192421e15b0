"""What people say about the process of getting credit

Revision: 0034, after 0033
"""

import sqlalchemy as sa
from alembic import op

revision = '0034'
down_revision = '0033'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('credit_answer',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('linkage_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('outcome', sa.Enum('approved', 'declined', name='outcome', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('refused', sa.Boolean(), nullable=False),
    sa.Column('information', sa.Integer(), nullable=True),
    sa.Column('treatment', sa.Integer(), nullable=True),
    sa.Column('time_taken', sa.Integer(), nullable=True),
    sa.Column('requirements', sa.Integer(), nullable=True),
    sa.Column('overall', sa.Integer(), nullable=True),
    sa.Column('channel', sa.Enum('phone', 'visit', 'message', name='surveychannel', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('asked_on', sa.Date(), nullable=False),
    sa.Column('asked_by_id', sa.Integer(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('comment_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint('NOT refused OR (information IS NULL AND treatment IS NULL AND time_taken IS NULL AND requirements IS NULL)', name=op.f('ck_credit_answer_refused_has_no_parts')),
    sa.CheckConstraint('information IS NULL OR information BETWEEN 1 AND 5', name=op.f('ck_credit_answer_information')),
    sa.CheckConstraint('overall IS NULL OR overall BETWEEN 1 AND 5', name=op.f('ck_credit_answer_overall')),
    sa.CheckConstraint('refused = (overall IS NULL)', name=op.f('ck_credit_answer_refused_has_no_grade')),
    sa.CheckConstraint('requirements IS NULL OR requirements BETWEEN 1 AND 5', name=op.f('ck_credit_answer_requirements')),
    sa.CheckConstraint('round BETWEEN 1 AND 9', name=op.f('ck_credit_answer_round')),
    sa.CheckConstraint('time_taken IS NULL OR time_taken BETWEEN 1 AND 5', name=op.f('ck_credit_answer_time_taken')),
    sa.CheckConstraint('treatment IS NULL OR treatment BETWEEN 1 AND 5', name=op.f('ck_credit_answer_treatment')),
    sa.ForeignKeyConstraint(['asked_by_id'], ['user.id'], name=op.f('fk_credit_answer_asked_by_id')),
    sa.ForeignKeyConstraint(['linkage_id'], ['linkage.id'], name=op.f('fk_credit_answer_linkage_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_credit_answer_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_answer')),
    sa.UniqueConstraint('linkage_id', 'round', name=op.f('uq_credit_answer_linkage_id_round')),
    sa.UniqueConstraint('row_key', name=op.f('uq_credit_answer_row_key'))
    )
    with op.batch_alter_table('credit_answer', schema=None) as batch_op:
        batch_op.create_index('ix_credit_answer_asked_on', ['asked_on', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_credit_answer_person_id'), ['person_id'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('credit_answer', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_credit_answer_person_id'))
        batch_op.drop_index('ix_credit_answer_asked_on')

    op.drop_table('credit_answer')
