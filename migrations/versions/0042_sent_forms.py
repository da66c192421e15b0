"""Forms that did something, so that one that is sent again does nothing

Revision: 0042, after 0041
"""

import sqlalchemy as sa
from alembic import op

revision = '0042'
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('sent_form',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('key_hash', sa.String(length=64), nullable=False),
    sa.Column('said_hash', sa.String(length=64), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_sent_form_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sent_form')),
    sa.UniqueConstraint('user_id', 'key_hash', name=op.f('uq_sent_form_user_id_key_hash'))
    )
    op.create_index("ix_sent_form_sent", "sent_form", ["sent_at"])


def downgrade() -> None:
    op.drop_index("ix_sent_form_sent", "sent_form")
    op.drop_table('sent_form')
