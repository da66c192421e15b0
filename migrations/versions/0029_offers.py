"""Evidence of support, reasons for ending agreements, one open term and one counted delivery

Revision: 0029, after 0028
"""

import sqlalchemy as sa
from alembic import op

revision = '0029'
down_revision = '0028'
branch_labels = None
depends_on = None

NOT_CANCELLED = {"sqlite_where": sa.text("cancelled_at IS NULL"), "postgresql_where": sa.text("cancelled_at IS NULL")}
STILL_OPEN = {"sqlite_where": sa.text("valid_until IS NULL"), "postgresql_where": sa.text("valid_until IS NULL")}


def support_table(*unique: sa.UniqueConstraint) -> sa.Table:
    """What 0028 made, said in full: SQLite reads no CHECK back when it writes a table anew."""
    return sa.Table('institution_support', sa.MetaData(),
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('amount_usd', sa.Numeric(14, 2), nullable=False),
    sa.Column('accounts', sa.Integer(), nullable=True),
    sa.Column('purpose', sa.String(length=300), nullable=False),
    sa.Column('given_on', sa.Date(), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=True),
    sa.Column('recorded_by_id', sa.Integer(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('cancelled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cancel_reason', sa.String(length=300), nullable=True),
    sa.CheckConstraint("kind IN ('office_equipment', 'working_capital', 'account_opening')", name=op.f('ck_institution_support_supportkind')),
    sa.CheckConstraint("(kind = 'account_opening') = (accounts IS NOT NULL)", name=op.f('ck_institution_support_accounts_counted')),
    sa.CheckConstraint("kind = 'office_equipment' OR delivery_id IS NULL", name=op.f('ck_institution_support_goods_are_delivered')),
    sa.CheckConstraint('(cancelled_at IS NULL) = (cancel_reason IS NULL)', name=op.f('ck_institution_support_cancelled')),
    sa.CheckConstraint('accounts IS NULL OR accounts > 0', name=op.f('ck_institution_support_accounts')),
    sa.CheckConstraint('amount_usd > 0', name=op.f('ck_institution_support_amount')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_institution_support_delivery_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], name=op.f('fk_institution_support_institution_id')),
    sa.ForeignKeyConstraint(['recorded_by_id'], ['user.id'], name=op.f('fk_institution_support_recorded_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_institution_support')),
    sa.Index('ix_institution_support_institution_given', 'institution_id', 'given_on'),
    *unique,
    )


def upgrade() -> None:
    once = sa.UniqueConstraint('delivery_id', name=op.f('uq_institution_support_delivery_id'))
    with op.batch_alter_table('institution_support', copy_from=support_table(once)) as batch_op:
        batch_op.drop_constraint('uq_institution_support_delivery_id', type_='unique')
    op.create_index('uq_institution_support_delivery', 'institution_support', ['delivery_id'], unique=True, **NOT_CANCELLED)
    op.create_index('uq_product_terms_open', 'product_terms', ['product_id'], unique=True, **STILL_OPEN)
    # In one statement with its constraints: SQLite would otherwise have to rebuild the table.
    op.execute(
        "ALTER TABLE agreement ADD COLUMN end_reason VARCHAR(40) CONSTRAINT ck_agreement_agreementend CHECK"
        " (end_reason IN ('replaced', 'institution_left', 'programme_ended_it', 'mistake'))"
        " CONSTRAINT ck_agreement_end_has_reason CHECK ((ended_at IS NULL) = (end_reason IS NULL))"
    )
    op.create_table('support_evidence',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('support_id', sa.Integer(), nullable=False),
    sa.Column('storage_name', sa.String(length=64), nullable=False),
    sa.Column('file_name_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('media_type', sa.String(length=40), nullable=False),
    sa.Column('size_bytes', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('added_by_id', sa.Integer(), nullable=False),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.ForeignKeyConstraint(['added_by_id'], ['user.id'], name=op.f('fk_support_evidence_added_by_id')),
    sa.ForeignKeyConstraint(['support_id'], ['institution_support.id'], name=op.f('fk_support_evidence_support_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_support_evidence')),
    sa.UniqueConstraint('row_key', name=op.f('uq_support_evidence_row_key')),
    sa.UniqueConstraint('storage_name', name=op.f('uq_support_evidence_storage_name'))
    )
    op.create_index('ix_support_evidence_support_id', 'support_evidence', ['support_id'])


def downgrade() -> None:
    op.drop_table('support_evidence')
    op.execute("ALTER TABLE agreement DROP COLUMN end_reason")
    op.drop_index('uq_product_terms_open', table_name='product_terms')
    op.drop_index('uq_institution_support_delivery', table_name='institution_support')
    with op.batch_alter_table('institution_support', copy_from=support_table()) as batch_op:
        batch_op.create_unique_constraint(op.f('uq_institution_support_delivery_id'), ['delivery_id'])
