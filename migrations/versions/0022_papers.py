"""Papers of a delivery, and files of many papers

Revision: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('print_batch',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('folio', sa.String(length=12), nullable=False),
    sa.Column('kind', sa.Enum('cards', 'receipts', 'waybills', 'picking_lists', name='batchkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('state', sa.Enum('asked', 'making', 'ready', 'taken', 'ended', name='batchstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('call_id', sa.Integer(), nullable=True),
    sa.Column('address', sa.String(length=200), nullable=False),
    sa.Column('total', sa.Integer(), nullable=False),
    sa.Column('made', sa.Integer(), nullable=False),
    sa.Column('asked_by_id', sa.Integer(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('approved_by_id', sa.Integer(), nullable=True),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('claimed_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ready_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('taken_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'taken') = (taken_at IS NOT NULL)", name=op.f('ck_print_batch_taken_once')),
    sa.CheckConstraint("kind NOT IN ('cards', 'receipts') OR state IN ('asked', 'ended') OR approved_by_id IS NOT NULL", name=op.f('ck_print_batch_approved')),
    sa.CheckConstraint('(approved_by_id IS NULL) = (approved_at IS NULL)', name=op.f('ck_print_batch_approved_by_somebody')),
    sa.CheckConstraint('approved_by_id <> asked_by_id', name=op.f('ck_print_batch_two_people')),
    sa.CheckConstraint('made >= 0 AND made <= total', name=op.f('ck_print_batch_made')),
    sa.ForeignKeyConstraint(['approved_by_id'], ['user.id'], name=op.f('fk_print_batch_approved_by_id')),
    sa.ForeignKeyConstraint(['asked_by_id'], ['user.id'], name=op.f('fk_print_batch_asked_by_id')),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_print_batch_call_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_print_batch')),
    sa.UniqueConstraint('folio', name=op.f('uq_print_batch_folio'))
    )
    with op.batch_alter_table('print_batch', schema=None) as batch_op:
        batch_op.create_index('ix_print_batch_state_asked', ['state', 'asked_at'], unique=False)

    op.create_table('print_file',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('batch_id', sa.Integer(), nullable=False),
    sa.Column('content_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.ForeignKeyConstraint(['batch_id'], ['print_batch.id'], name=op.f('fk_print_file_batch_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_print_file')),
    sa.UniqueConstraint('batch_id', name=op.f('uq_print_file_batch_id')),
    sa.UniqueConstraint('row_key', name=op.f('uq_print_file_row_key'))
    )
    op.create_table('delivery_document',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('receipt', 'card', 'waybill', 'picking_list', 'return_note', name='documentkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('number', sa.String(length=24), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=True),
    sa.Column('run_id', sa.Integer(), nullable=True),
    sa.Column('card_id', sa.Integer(), nullable=True),
    sa.Column('content_hash', sa.String(length=64), nullable=False),
    sa.Column('facts_lookup', sa.LargeBinary(length=32), nullable=False),
    sa.Column('made_by_id', sa.Integer(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('replaced_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('content_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint('(CASE WHEN delivery_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN run_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN card_id IS NULL THEN 0 ELSE 1 END) = 1', name=op.f('ck_delivery_document_one_subject')),
    sa.ForeignKeyConstraint(['card_id'], ['symbol_card.id'], name=op.f('fk_delivery_document_card_id')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_delivery_document_delivery_id')),
    sa.ForeignKeyConstraint(['made_by_id'], ['user.id'], name=op.f('fk_delivery_document_made_by_id')),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_delivery_document_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery_document')),
    sa.UniqueConstraint('number', name=op.f('uq_delivery_document_number')),
    sa.UniqueConstraint('row_key', name=op.f('uq_delivery_document_row_key'))
    )
    with op.batch_alter_table('delivery_document', schema=None) as batch_op:
        batch_op.create_index('uq_document_of_card', ['kind', 'card_id'], unique=True, sqlite_where=sa.text('replaced_at IS NULL'), postgresql_where=sa.text('replaced_at IS NULL'))
        batch_op.create_index('uq_document_of_delivery', ['kind', 'delivery_id'], unique=True, sqlite_where=sa.text('replaced_at IS NULL'), postgresql_where=sa.text('replaced_at IS NULL'))
        batch_op.create_index('uq_document_of_run', ['kind', 'run_id'], unique=True, sqlite_where=sa.text('replaced_at IS NULL'), postgresql_where=sa.text('replaced_at IS NULL'))

    op.create_table('print_item',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('batch_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('award_id', sa.Integer(), nullable=True),
    sa.Column('delivery_id', sa.Integer(), nullable=True),
    sa.Column('run_id', sa.Integer(), nullable=True),
    sa.Column('card_id', sa.Integer(), nullable=True),
    sa.Column('label', sa.String(length=24), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('left_out', sa.Boolean(), nullable=False),
    sa.Column('part_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint('(CASE WHEN award_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN delivery_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN run_id IS NULL THEN 0 ELSE 1 END) = 1', name=op.f('ck_print_item_one_subject')),
    sa.ForeignKeyConstraint(['award_id'], ['award.id'], name=op.f('fk_print_item_award_id')),
    sa.ForeignKeyConstraint(['batch_id'], ['print_batch.id'], name=op.f('fk_print_item_batch_id')),
    sa.ForeignKeyConstraint(['card_id'], ['symbol_card.id'], name=op.f('fk_print_item_card_id')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_print_item_delivery_id')),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_print_item_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_print_item')),
    sa.UniqueConstraint('batch_id', 'position', name=op.f('uq_print_item_batch_id_position')),
    sa.UniqueConstraint('row_key', name=op.f('uq_print_item_row_key'))
    )


def downgrade() -> None:
    for table in ('print_item', 'delivery_document', 'print_file', 'print_batch'):
        op.drop_table(table)
