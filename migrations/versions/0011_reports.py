"""Indicators and published figures

Revision: 0011, after 0010
"""

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('indicator',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('programme_id', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(length=10), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('name_es', sa.Text(), nullable=False),
    sa.Column('name_en', sa.Text(), nullable=False),
    sa.Column('baseline', sa.Numeric(precision=12, scale=2), nullable=False),
    sa.Column('target', sa.Numeric(precision=12, scale=2), nullable=False),
    sa.ForeignKeyConstraint(['programme_id'], ['programme.id'], name=op.f('fk_indicator_programme_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_indicator')),
    sa.UniqueConstraint('programme_id', 'code', name=op.f('uq_indicator_programme_id_code'))
    )
    op.create_table('published_figure',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('indicator_id', sa.Integer(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=True),
    sa.Column('dimension', sa.String(length=40), nullable=False),
    sa.Column('value', sa.String(length=40), nullable=False),
    sa.Column('figure', sa.Numeric(precision=14, scale=2), nullable=False),
    sa.Column('source', sa.String(length=120), nullable=False),
    sa.Column('contradiction_es', sa.Text(), nullable=False),
    sa.Column('contradiction_en', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['indicator_id'], ['indicator.id'], name=op.f('fk_published_figure_indicator_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_published_figure'))
    )
    with op.batch_alter_table('published_figure', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_published_figure_indicator_id'), ['indicator_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('published_figure', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_published_figure_indicator_id'))

    op.drop_table('published_figure')
    op.drop_table('indicator')
