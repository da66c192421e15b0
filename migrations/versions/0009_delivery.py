"""Deliveries, symbol cards, signals and receipts

Revision: 0009, after 0008
"""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('device',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('public_key', sa.LargeBinary(), nullable=False),
    sa.Column('enrolled_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_device_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_device')),
    sa.UniqueConstraint('row_key', name=op.f('uq_device_row_key'))
    )
    with op.batch_alter_table('device', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_device_user_id'), ['user_id'], unique=False)

    op.create_table('officer_pin',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('pin_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_officer_pin_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_officer_pin')),
    sa.UniqueConstraint('row_key', name=op.f('uq_officer_pin_row_key')),
    sa.UniqueConstraint('user_id', name=op.f('uq_officer_pin_user_id'))
    )
    op.create_table('delivery',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('folio', sa.String(length=12), nullable=False),
    sa.Column('award_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('draft', 'planned', 'approved', 'packed', 'sealed', 'cleared', 'scheduled', 'in_transit', 'at_point', 'provisional', 'review', 'confirmed', 'no_show', 'refused', 'partial', 'returning', 'returned', 'held', 'seized', 'disputed', 'replacement', 'reconciled', 'monitored', 'closed', 'cancelled', name='deliverystate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('canton_code', sa.String(length=4), nullable=False),
    sa.Column('officer_id', sa.Integer(), nullable=True),
    sa.Column('value_usd', sa.Numeric(14, 2), nullable=False),
    sa.Column('kit_version', sa.Integer(), nullable=False),
    sa.Column('approvals', sa.Integer(), nullable=False),
    sa.Column('seal_number', sa.String(length=30), nullable=True),
    sa.Column('weight_grams', sa.Integer(), nullable=True),
    sa.Column('digest', sa.String(length=64), nullable=True),
    sa.Column('created_by_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('place_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('scheduled_for_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint("(state IN ('confirmed', 'disputed', 'reconciled', 'monitored', 'closed')) = (confirmed_at IS NOT NULL) OR state = 'replacement'", name=op.f('ck_delivery_confirmed_at')),
    sa.CheckConstraint("state NOT IN ('in_transit', 'at_point') OR (officer_id IS NOT NULL AND digest IS NOT NULL)", name=op.f('ck_delivery_sealed_and_carried')),
    sa.CheckConstraint('approvals BETWEEN 0 AND 2', name=op.f('ck_delivery_approvals')),
    sa.CheckConstraint('value_usd > 0', name=op.f('ck_delivery_value')),
    sa.ForeignKeyConstraint(['award_id'], ['award.id'], name=op.f('fk_delivery_award_id')),
    sa.ForeignKeyConstraint(['canton_code'], ['canton.code'], name=op.f('fk_delivery_canton_code')),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_delivery_created_by_id')),
    sa.ForeignKeyConstraint(['officer_id'], ['user.id'], name=op.f('fk_delivery_officer_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_delivery_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery')),
    sa.UniqueConstraint('folio', name=op.f('uq_delivery_folio')),
    sa.UniqueConstraint('row_key', name=op.f('uq_delivery_row_key')),
    sa.UniqueConstraint('seal_number', name=op.f('uq_delivery_seal_number'))
    )
    with op.batch_alter_table('delivery', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_delivery_confirmed_at'), ['confirmed_at'], unique=False)
        batch_op.create_index('ix_delivery_officer_state', ['officer_id', 'state'], unique=False)
        batch_op.create_index(batch_op.f('ix_delivery_person_id'), ['person_id'], unique=False)
        batch_op.create_index('ix_delivery_state_folio', ['state', 'folio'], unique=False)
        batch_op.create_index('uq_delivery_live_entitlement', ['award_id'], unique=True, sqlite_where=sa.text("state NOT IN ('returned', 'seized', 'replacement', 'cancelled')"), postgresql_where=sa.text("state NOT IN ('returned', 'seized', 'replacement', 'cancelled')"))

    op.create_table('symbol_card',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('serial', sa.String(length=12), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('award_id', sa.Integer(), nullable=False),
    sa.Column('salt', sa.LargeBinary(length=16), nullable=False),
    sa.Column('tag', sa.Integer(), nullable=False),
    sa.Column('hash_memory_kib', sa.Integer(), nullable=False),
    sa.Column('hash_time_cost', sa.Integer(), nullable=False),
    sa.Column('code_hashes', sa.LargeBinary(length=128), nullable=False),
    sa.Column('issued_by_id', sa.Integer(), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('printed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('chosen_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('replacement_asked_by_id', sa.Integer(), nullable=True),
    sa.Column('replaced_by_id', sa.Integer(), nullable=True),
    sa.Column('replaced_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('codes_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('true_picture_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint('(replaced_at IS NULL) = (replaced_by_id IS NULL)', name=op.f('ck_symbol_card_replaced_by')),
    sa.CheckConstraint('printed_at IS NULL OR codes_sealed IS NULL', name=op.f('ck_symbol_card_printed_once')),
    sa.CheckConstraint('replaced_by_id IS NULL OR (replacement_asked_by_id IS NOT NULL AND replacement_asked_by_id <> replaced_by_id)', name=op.f('ck_symbol_card_replaced_by_two')),
    sa.ForeignKeyConstraint(['award_id'], ['award.id'], name=op.f('fk_symbol_card_award_id')),
    sa.ForeignKeyConstraint(['issued_by_id'], ['user.id'], name=op.f('fk_symbol_card_issued_by_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_symbol_card_person_id')),
    sa.ForeignKeyConstraint(['replaced_by_id'], ['user.id'], name=op.f('fk_symbol_card_replaced_by_id')),
    sa.ForeignKeyConstraint(['replacement_asked_by_id'], ['user.id'], name=op.f('fk_symbol_card_replacement_asked_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_symbol_card')),
    sa.UniqueConstraint('row_key', name=op.f('uq_symbol_card_row_key')),
    sa.UniqueConstraint('serial', name=op.f('uq_symbol_card_serial'))
    )
    with op.batch_alter_table('symbol_card', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_symbol_card_award_id'), ['award_id'], unique=False)
        batch_op.create_index('uq_symbol_card_live', ['person_id', 'award_id'], unique=True, sqlite_where=sa.text('replaced_at IS NULL'), postgresql_where=sa.text('replaced_at IS NULL'))

    op.create_table('delivery_event',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.Column('from_state', sa.Enum('draft', 'planned', 'approved', 'packed', 'sealed', 'cleared', 'scheduled', 'in_transit', 'at_point', 'provisional', 'review', 'confirmed', 'no_show', 'refused', 'partial', 'returning', 'returned', 'held', 'seized', 'disputed', 'replacement', 'reconciled', 'monitored', 'closed', 'cancelled', name='from_state', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('to_state', sa.Enum('draft', 'planned', 'approved', 'packed', 'sealed', 'cleared', 'scheduled', 'in_transit', 'at_point', 'provisional', 'review', 'confirmed', 'no_show', 'refused', 'partial', 'returning', 'returned', 'held', 'seized', 'disputed', 'replacement', 'reconciled', 'monitored', 'closed', 'cancelled', name='to_state', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('duty', sa.Enum('approve', 'pack', 'release', 'confirm', 'reconcile', 'monitor', name='duty', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('reason', sa.Enum('nobody_came', 'did_not_want', 'wrong_goods', 'damaged', 'seal_broken', 'road_closed', 'planned_by_mistake', 'award_ended', 'other', name='reason', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('device', sa.String(length=60), nullable=True),
    sa.Column('evidence', sa.String(length=1), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=True),
    sa.ForeignKeyConstraint(['by_id'], ['user.id'], name=op.f('fk_delivery_event_by_id')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_delivery_event_delivery_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery_event'))
    )
    with op.batch_alter_table('delivery_event', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_delivery_event_by_id'), ['by_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_delivery_event_delivery_id'), ['delivery_id'], unique=False)

    op.create_table('duty_held',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('duty', sa.Enum('approve', 'pack', 'release', 'confirm', 'reconcile', 'monitor', name='duty', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_duty_held_delivery_id')),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_duty_held_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_duty_held')),
    sa.UniqueConstraint('delivery_id', 'user_id', name=op.f('uq_duty_held_delivery_id_user_id'))
    )
    with op.batch_alter_table('duty_held', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_duty_held_user_id'), ['user_id'], unique=False)

    op.create_table('kit_line',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=160), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('unit_price_usd', sa.Numeric(14, 2), nullable=False),
    sa.Column('needs_serial', sa.Boolean(), nullable=False),
    sa.Column('serial_number', sa.String(length=60), nullable=True),
    sa.Column('live_serial', sa.String(length=60), nullable=True),
    sa.CheckConstraint('quantity > 0', name=op.f('ck_kit_line_quantity')),
    sa.CheckConstraint('unit_price_usd >= 0', name=op.f('ck_kit_line_price')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_kit_line_delivery_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_kit_line')),
    sa.UniqueConstraint('delivery_id', 'position', name=op.f('uq_kit_line_delivery_id_position')),
    sa.UniqueConstraint('live_serial', name=op.f('uq_kit_line_live_serial'))
    )
    op.create_table('receipt',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=24), nullable=False),
    sa.Column('content_hash', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('content_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_receipt_delivery_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_receipt')),
    sa.UniqueConstraint('delivery_id', name=op.f('uq_receipt_delivery_id')),
    sa.UniqueConstraint('number', name=op.f('uq_receipt_number')),
    sa.UniqueConstraint('row_key', name=op.f('uq_receipt_row_key'))
    )
    op.create_table('signal',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('box', sa.LargeBinary(length=512), nullable=False),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_signal_delivery_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_signal')),
    sa.UniqueConstraint('delivery_id', name=op.f('uq_signal_delivery_id'))
    )
    op.create_table('stored_answer',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('request_hash', sa.String(length=64), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_stored_answer_delivery_id')),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_stored_answer_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stored_answer')),
    sa.UniqueConstraint('user_id', 'key', name=op.f('uq_stored_answer_user_id_key'))
    )


def downgrade() -> None:
    op.drop_table('stored_answer')
    op.drop_table('signal')
    op.drop_table('receipt')
    op.drop_table('kit_line')
    with op.batch_alter_table('duty_held', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_duty_held_user_id'))

    op.drop_table('duty_held')
    with op.batch_alter_table('delivery_event', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_delivery_event_delivery_id'))
        batch_op.drop_index(batch_op.f('ix_delivery_event_by_id'))

    op.drop_table('delivery_event')
    with op.batch_alter_table('symbol_card', schema=None) as batch_op:
        batch_op.drop_index('uq_symbol_card_live', sqlite_where=sa.text('replaced_at IS NULL'), postgresql_where=sa.text('replaced_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_symbol_card_award_id'))

    op.drop_table('symbol_card')
    with op.batch_alter_table('delivery', schema=None) as batch_op:
        batch_op.drop_index('uq_delivery_live_entitlement', sqlite_where=sa.text("state NOT IN ('returned', 'seized', 'replacement', 'cancelled')"), postgresql_where=sa.text("state NOT IN ('returned', 'seized', 'replacement', 'cancelled')"))
        batch_op.drop_index('ix_delivery_state_folio')
        batch_op.drop_index(batch_op.f('ix_delivery_person_id'))
        batch_op.drop_index('ix_delivery_officer_state')
        batch_op.drop_index(batch_op.f('ix_delivery_confirmed_at'))

    op.drop_table('delivery')
    op.drop_table('officer_pin')
    with op.batch_alter_table('device', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_device_user_id'))

    op.drop_table('device')
