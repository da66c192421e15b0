"""Goods: catalogue, stock with its ledger, recipes, substitutions, checks at the point

Revision: 0020
"""

import sqlalchemy as sa
from alembic import op

from grants.delivery.models.stock import LEDGER_POSTGRESQL, LEDGER_SQLITE

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('supplier',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=160), nullable=False),
    sa.Column('key', sa.String(length=200), nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('contact_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_supplier')),
    sa.UniqueConstraint('key', name=op.f('uq_supplier_key')),
    sa.UniqueConstraint('row_key', name=op.f('uq_supplier_row_key'))
    )
    op.create_table('item',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=160), nullable=False),
    sa.Column('key', sa.String(length=200), nullable=False),
    sa.Column('unit', sa.String(length=30), nullable=False),
    sa.Column('category', sa.Enum('equipment', 'tools', 'materials', 'food', 'farming', 'devices', 'other', name='category', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('needs_serial', sa.Boolean(), nullable=False),
    sa.Column('has_imei', sa.Boolean(), nullable=False),
    sa.Column('reference_price_usd', sa.Numeric(14, 2), nullable=False),
    sa.Column('reorder_level', sa.Integer(), nullable=False),
    sa.Column('supplier_id', sa.Integer(), nullable=True),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('needs_serial OR NOT has_imei', name=op.f('ck_item_imei_has_serial')),
    sa.CheckConstraint('reference_price_usd > 0', name=op.f('ck_item_price')),
    sa.CheckConstraint('reorder_level >= 0', name=op.f('ck_item_reorder_level')),
    sa.ForeignKeyConstraint(['supplier_id'], ['supplier.id'], name=op.f('fk_item_supplier_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_item')),
    sa.UniqueConstraint('key', name=op.f('uq_item_key'))
    )
    with op.batch_alter_table('item', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_item_supplier_id'), ['supplier_id'], unique=False)

    op.create_table('kit_recipe',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=160), nullable=False),
    sa.Column('key', sa.String(length=200), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('retired_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_kit_recipe_created_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_kit_recipe')),
    sa.UniqueConstraint('key', name=op.f('uq_kit_recipe_key'))
    )
    op.create_table('recipe_line',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('recipe_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('item_id', sa.Integer(), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.CheckConstraint('quantity > 0', name=op.f('ck_recipe_line_quantity')),
    sa.ForeignKeyConstraint(['item_id'], ['item.id'], name=op.f('fk_recipe_line_item_id')),
    sa.ForeignKeyConstraint(['recipe_id'], ['kit_recipe.id'], name=op.f('fk_recipe_line_recipe_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recipe_line')),
    sa.UniqueConstraint('recipe_id', 'item_id', name=op.f('uq_recipe_line_recipe_id_item_id')),
    sa.UniqueConstraint('recipe_id', 'position', name=op.f('uq_recipe_line_recipe_id_position'))
    )
    op.create_table('stock_lot',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('item_id', sa.Integer(), nullable=False),
    sa.Column('supplier_id', sa.Integer(), nullable=False),
    sa.Column('unit_cost_usd', sa.Numeric(14, 2), nullable=False),
    sa.Column('invoice', sa.String(length=60), nullable=False),
    sa.Column('best_before', sa.Date(), nullable=True),
    sa.Column('received', sa.Integer(), nullable=False),
    sa.Column('on_hand', sa.Integer(), nullable=False),
    sa.Column('received_on', sa.Date(), nullable=False),
    sa.Column('received_by_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('on_hand >= 0', name=op.f('ck_stock_lot_on_hand')),
    sa.CheckConstraint('received > 0', name=op.f('ck_stock_lot_received')),
    sa.CheckConstraint('unit_cost_usd >= 0', name=op.f('ck_stock_lot_unit_cost')),
    sa.ForeignKeyConstraint(['item_id'], ['item.id'], name=op.f('fk_stock_lot_item_id')),
    sa.ForeignKeyConstraint(['received_by_id'], ['user.id'], name=op.f('fk_stock_lot_received_by_id')),
    sa.ForeignKeyConstraint(['supplier_id'], ['supplier.id'], name=op.f('fk_stock_lot_supplier_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock_lot'))
    )
    with op.batch_alter_table('stock_lot', schema=None) as batch_op:
        batch_op.create_index('ix_stock_lot_item_on_hand', ['item_id', 'on_hand'], unique=False)
        batch_op.create_index(batch_op.f('ix_stock_lot_supplier_id'), ['supplier_id'], unique=False)

    op.create_table('device_unit',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('lot_id', sa.Integer(), nullable=False),
    sa.Column('serial_number', sa.String(length=60), nullable=False),
    sa.Column('imei', sa.String(length=15), nullable=True),
    sa.Column('registered_by_id', sa.Integer(), nullable=False),
    sa.Column('registered_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('imei IS NULL OR length(imei) = 15', name=op.f('ck_device_unit_imei')),
    sa.ForeignKeyConstraint(['lot_id'], ['stock_lot.id'], name=op.f('fk_device_unit_lot_id')),
    sa.ForeignKeyConstraint(['registered_by_id'], ['user.id'], name=op.f('fk_device_unit_registered_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_device_unit')),
    sa.UniqueConstraint('imei', name=op.f('uq_device_unit_imei')),
    sa.UniqueConstraint('serial_number', name=op.f('uq_device_unit_serial_number'))
    )
    with op.batch_alter_table('device_unit', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_device_unit_lot_id'), ['lot_id'], unique=False)

    op.create_table('stock_correction',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('lot_id', sa.Integer(), nullable=False),
    sa.Column('expected', sa.Integer(), nullable=False),
    sa.Column('counted', sa.Integer(), nullable=True),
    sa.Column('variance', sa.Integer(), nullable=False),
    sa.Column('reason', sa.Enum('damaged', 'past_its_date', 'lost', 'stolen', 'to_supplier', 'found', 'wrong_entry', name='adjustreason', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('state', sa.Enum('open', 'applied', 'refused', name='correctionstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('made_by_id', sa.Integer(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_by_id', sa.Integer(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state <> 'open' OR decided_at IS NULL", name=op.f('ck_stock_correction_open_is_undecided')),
    sa.CheckConstraint('(counted IS NULL) <> (reason IS NULL)', name=op.f('ck_stock_correction_count_or_reason')),
    sa.CheckConstraint('(decided_at IS NULL) = (decided_by_id IS NULL)', name=op.f('ck_stock_correction_decided_by_somebody')),
    sa.CheckConstraint('counted IS NULL OR counted - expected = variance', name=op.f('ck_stock_correction_variance')),
    sa.CheckConstraint('decided_by_id <> made_by_id', name=op.f('ck_stock_correction_two_people')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['user.id'], name=op.f('fk_stock_correction_decided_by_id')),
    sa.ForeignKeyConstraint(['lot_id'], ['stock_lot.id'], name=op.f('fk_stock_correction_lot_id')),
    sa.ForeignKeyConstraint(['made_by_id'], ['user.id'], name=op.f('fk_stock_correction_made_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock_correction'))
    )
    with op.batch_alter_table('stock_correction', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_stock_correction_lot_id'), ['lot_id'], unique=False)
        batch_op.create_index('uq_stock_correction_open', ['lot_id'], unique=True, sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))

    op.create_table('handover_check',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.Column('seal_number', sa.String(length=30), nullable=False),
    sa.Column('serials', sa.Text(), nullable=False),
    sa.Column('weight_grams', sa.Integer(), nullable=True),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('weight_grams IS NULL OR weight_grams > 0', name=op.f('ck_handover_check_weight')),
    sa.ForeignKeyConstraint(['by_id'], ['user.id'], name=op.f('fk_handover_check_by_id')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_handover_check_delivery_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_handover_check'))
    )
    with op.batch_alter_table('handover_check', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_handover_check_delivery_id'), ['delivery_id'], unique=False)

    op.create_table('kit_substitution',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('kit_version', sa.Integer(), nullable=False),
    sa.Column('reason', sa.Enum('out_of_stock', 'price_changed', 'better_fit', 'asked_by_person', 'damaged', 'other', name='substitutionreason', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('state', sa.Enum('open', 'applied', 'refused', name='substitutionstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('needs_approval', sa.Boolean(), nullable=False),
    sa.Column('name_before', sa.String(length=160), nullable=False),
    sa.Column('name_after', sa.String(length=160), nullable=False),
    sa.Column('item_before_id', sa.Integer(), nullable=True),
    sa.Column('item_after_id', sa.Integer(), nullable=True),
    sa.Column('quantity_before', sa.Integer(), nullable=False),
    sa.Column('quantity_after', sa.Integer(), nullable=False),
    sa.Column('price_before_usd', sa.Numeric(14, 2), nullable=False),
    sa.Column('price_after_usd', sa.Numeric(14, 2), nullable=False),
    sa.Column('value_before_usd', sa.Numeric(14, 2), nullable=False),
    sa.Column('value_after_usd', sa.Numeric(14, 2), nullable=False),
    sa.Column('made_by_id', sa.Integer(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_by_id', sa.Integer(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state <> 'open' OR (needs_approval AND decided_at IS NULL)", name=op.f('ck_kit_substitution_open')),
    sa.CheckConstraint("state = 'open' OR decided_by_id IS NOT NULL OR NOT needs_approval", name=op.f('ck_kit_substitution_approved')),
    sa.CheckConstraint('(decided_at IS NULL) = (decided_by_id IS NULL)', name=op.f('ck_kit_substitution_decided_by_somebody')),
    sa.CheckConstraint('decided_by_id <> made_by_id', name=op.f('ck_kit_substitution_two_people')),
    sa.CheckConstraint('price_before_usd >= 0 AND price_after_usd >= 0', name=op.f('ck_kit_substitution_price')),
    sa.CheckConstraint('quantity_before > 0 AND quantity_after > 0', name=op.f('ck_kit_substitution_quantity')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['user.id'], name=op.f('fk_kit_substitution_decided_by_id')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_kit_substitution_delivery_id')),
    sa.ForeignKeyConstraint(['item_after_id'], ['item.id'], name=op.f('fk_kit_substitution_item_after_id')),
    sa.ForeignKeyConstraint(['item_before_id'], ['item.id'], name=op.f('fk_kit_substitution_item_before_id')),
    sa.ForeignKeyConstraint(['made_by_id'], ['user.id'], name=op.f('fk_kit_substitution_made_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_kit_substitution'))
    )
    with op.batch_alter_table('kit_substitution', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_kit_substitution_delivery_id'), ['delivery_id'], unique=False)
        batch_op.create_index('uq_kit_substitution_open', ['delivery_id'], unique=True, sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))

    op.create_table('stock_movement',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('lot_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('receive', 'issue', 'take_back', 'adjust', 'count', name='movementkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=True),
    sa.Column('kit_line_id', sa.Integer(), nullable=True),
    sa.Column('correction_id', sa.Integer(), nullable=True),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("(kind IN ('adjust', 'count')) = (correction_id IS NOT NULL)", name=op.f('ck_stock_movement_correction')),
    sa.CheckConstraint("(kind IN ('issue', 'take_back')) = (delivery_id IS NOT NULL)", name=op.f('ck_stock_movement_delivery')),
    sa.CheckConstraint("kind <> 'issue' OR quantity < 0", name=op.f('ck_stock_movement_out')),
    sa.CheckConstraint("kind NOT IN ('receive', 'take_back') OR quantity > 0", name=op.f('ck_stock_movement_in')),
    sa.CheckConstraint('quantity <> 0', name=op.f('ck_stock_movement_quantity')),
    sa.ForeignKeyConstraint(['by_id'], ['user.id'], name=op.f('fk_stock_movement_by_id')),
    sa.ForeignKeyConstraint(['correction_id'], ['stock_correction.id'], name=op.f('fk_stock_movement_correction_id')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_stock_movement_delivery_id')),
    sa.ForeignKeyConstraint(['kit_line_id'], ['kit_line.id'], name=op.f('fk_stock_movement_kit_line_id')),
    sa.ForeignKeyConstraint(['lot_id'], ['stock_lot.id'], name=op.f('fk_stock_movement_lot_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock_movement')),
    sa.UniqueConstraint('correction_id', name=op.f('uq_stock_movement_correction_id'))
    )
    with op.batch_alter_table('stock_movement', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_stock_movement_delivery_id'), ['delivery_id'], unique=False)
        batch_op.create_index('ix_stock_movement_lot', ['lot_id', 'id'], unique=False)

    # Written out: SQLite adds such columns in place, where Alembic would copy tables that others refer to.
    op.execute("ALTER TABLE kit_line ADD COLUMN item_id INTEGER CONSTRAINT fk_kit_line_item_id REFERENCES item (id)")
    op.create_index('ix_kit_line_item_id', 'kit_line', ['item_id'], unique=False)
    op.execute("""ALTER TABLE delivery ADD COLUMN ceiling_usd NUMERIC(14, 2)
        CONSTRAINT ck_delivery_ceiling CHECK (value_usd <= ceiling_usd)""")
    op.execute("ALTER TABLE delivery ADD COLUMN agreed_usd NUMERIC(14, 2)")
    op.execute("""ALTER TABLE delivery ADD COLUMN cost_usd NUMERIC(14, 2)
        CONSTRAINT ck_delivery_cost CHECK (cost_usd <= ceiling_usd)""")
    op.execute("""UPDATE delivery SET agreed_usd = value_usd,
        ceiling_usd = (SELECT award.value_usd FROM award WHERE award.id = delivery.award_id)""")

    for statement in LEDGER_SQLITE if op.get_bind().dialect.name == "sqlite" else LEDGER_POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table('stock_movement')
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION ledger_is_append_only()")
    for table in ('kit_substitution', 'handover_check', 'stock_correction', 'device_unit'):
        op.drop_table(table)
    for column in ('cost_usd', 'agreed_usd', 'ceiling_usd'):
        op.execute(f"ALTER TABLE delivery DROP COLUMN {column}")
    op.drop_index('ix_kit_line_item_id', table_name='kit_line')
    op.execute("ALTER TABLE kit_line DROP COLUMN item_id")
    for table in ('stock_lot', 'recipe_line', 'kit_recipe', 'item', 'supplier'):
        op.drop_table(table)
