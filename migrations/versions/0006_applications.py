"""Applications, business plans and attachments

Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('application',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('folio', sa.String(length=12), nullable=False),
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('rubric_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('draft', 'submitted', 'withdrawn', name='applicationstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('withdrawal_reason', sa.String(length=300), nullable=True),
    sa.CheckConstraint("(state = 'withdrawn') = (withdrawn_at IS NOT NULL)", name=op.f('ck_application_withdrawn_at')),
    sa.CheckConstraint("state <> 'submitted' OR submitted_at IS NOT NULL", name=op.f('ck_application_submitted_at')),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_application_call_id')),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_application_created_by_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_application_person_id')),
    sa.ForeignKeyConstraint(['rubric_id'], ['rubric.id'], name=op.f('fk_application_rubric_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_application')),
    sa.UniqueConstraint('call_id', 'person_id', name=op.f('uq_application_call_id_person_id')),
    sa.UniqueConstraint('folio', name=op.f('uq_application_folio'))
    )
    with op.batch_alter_table('application', schema=None) as batch_op:
        batch_op.create_index('ix_application_call_folio', ['call_id', 'folio'], unique=False)
        batch_op.create_index('ix_application_call_state_folio', ['call_id', 'state', 'folio'], unique=False)
        batch_op.create_index(batch_op.f('ix_application_created_by_id'), ['created_by_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_application_person_id'), ['person_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_application_rubric_id'), ['rubric_id'], unique=False)

    op.create_table('attachment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('application_id', sa.Integer(), nullable=False),
    sa.Column('storage_name', sa.String(length=64), nullable=False),
    sa.Column('media_type', sa.String(length=40), nullable=False),
    sa.Column('size_bytes', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('uploaded_by_id', sa.Integer(), nullable=False),
    sa.Column('uploaded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('file_name_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.ForeignKeyConstraint(['application_id'], ['application.id'], name=op.f('fk_attachment_application_id')),
    sa.ForeignKeyConstraint(['uploaded_by_id'], ['user.id'], name=op.f('fk_attachment_uploaded_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attachment')),
    sa.UniqueConstraint('row_key', name=op.f('uq_attachment_row_key')),
    sa.UniqueConstraint('storage_name', name=op.f('uq_attachment_storage_name'))
    )
    with op.batch_alter_table('attachment', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_attachment_application_id'), ['application_id'], unique=False)

    op.create_table('business_plan',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('application_id', sa.Integer(), nullable=False),
    sa.Column('venture', sa.String(length=160), nullable=False),
    sa.Column('sector', sa.String(length=1), nullable=True),
    sa.Column('is_existing', sa.Boolean(), nullable=True),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('customers', sa.Text(), nullable=False),
    sa.Column('monthly_sales_usd', sa.Numeric(14, 2), nullable=True),
    sa.Column('jobs', sa.Integer(), nullable=True),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('jobs IS NULL OR jobs >= 0', name=op.f('ck_business_plan_jobs')),
    sa.CheckConstraint('monthly_sales_usd IS NULL OR monthly_sales_usd >= 0', name=op.f('ck_business_plan_sales')),
    sa.ForeignKeyConstraint(['application_id'], ['application.id'], name=op.f('fk_business_plan_application_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_business_plan')),
    sa.UniqueConstraint('application_id', name=op.f('uq_business_plan_application_id'))
    )
    op.create_table('plan_item',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('plan_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=160), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('unit_price_usd', sa.Numeric(14, 2), nullable=False),
    sa.CheckConstraint('quantity > 0', name=op.f('ck_plan_item_quantity')),
    sa.CheckConstraint('unit_price_usd > 0', name=op.f('ck_plan_item_price')),
    sa.ForeignKeyConstraint(['plan_id'], ['business_plan.id'], name=op.f('fk_plan_item_plan_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_plan_item')),
    sa.UniqueConstraint('plan_id', 'position', name=op.f('uq_plan_item_plan_id_position'))
    )


def downgrade() -> None:
    op.drop_table('plan_item')
    op.drop_table('business_plan')
    with op.batch_alter_table('attachment', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_attachment_application_id'))

    op.drop_table('attachment')
    with op.batch_alter_table('application', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_application_rubric_id'))
        batch_op.drop_index(batch_op.f('ix_application_person_id'))
        batch_op.drop_index(batch_op.f('ix_application_created_by_id'))
        batch_op.drop_index('ix_application_call_state_folio')
        batch_op.drop_index('ix_application_call_folio')

    op.drop_table('application')
