"""Codes of the control room and by phone, alternate collectors, since when a number is there

Revision: 0026, after 0025
"""

import sqlalchemy as sa
from alembic import op

revision = '0026'
down_revision = '0025'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('alternate_collector',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('folio', sa.String(length=12), nullable=False),
    sa.Column('award_id', sa.Integer(), nullable=False),
    sa.Column('relation', sa.Enum('spouse', 'child', 'parent', 'sibling', 'other_relative', 'neighbour', 'friend', name='relation', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('registered_by_id', sa.Integer(), nullable=False),
    sa.Column('registered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_by_id', sa.Integer(), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('name_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('document_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('phone_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint('(revoked_at IS NULL) = (revoked_by_id IS NULL)', name=op.f('ck_alternate_collector_revoked')),
    sa.ForeignKeyConstraint(['award_id'], ['award.id'], name=op.f('fk_alternate_collector_award_id')),
    sa.ForeignKeyConstraint(['registered_by_id'], ['user.id'], name=op.f('fk_alternate_collector_registered_by_id')),
    sa.ForeignKeyConstraint(['revoked_by_id'], ['user.id'], name=op.f('fk_alternate_collector_revoked_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_alternate_collector')),
    sa.UniqueConstraint('folio', name=op.f('uq_alternate_collector_folio')),
    sa.UniqueConstraint('row_key', name=op.f('uq_alternate_collector_row_key'))
    )
    with op.batch_alter_table('alternate_collector', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_alternate_collector_award_id'), ['award_id'], unique=False)
        batch_op.create_index('uq_alternate_collector_live', ['award_id'], unique=True, sqlite_where=sa.text('revoked_at IS NULL'), postgresql_where=sa.text('revoked_at IS NULL'))

    op.create_table('control_code',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.Column('turn', sa.Integer(), nullable=False),
    sa.Column('salt', sa.LargeBinary(length=16), nullable=False),
    sa.Column('code_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('hash_memory_kib', sa.Integer(), nullable=False),
    sa.Column('hash_time_cost', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('given_by_id', sa.Integer(), nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('expires_at > given_at', name=op.f('ck_control_code_expires_at')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_control_code_delivery_id')),
    sa.ForeignKeyConstraint(['given_by_id'], ['user.id'], name=op.f('fk_control_code_given_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_control_code')),
    sa.UniqueConstraint('delivery_id', 'turn', name=op.f('uq_control_code_delivery_id_turn'))
    )
    with op.batch_alter_table('control_code', schema=None) as batch_op:
        batch_op.create_index('uq_control_code_live', ['delivery_id'], unique=True, sqlite_where=sa.text('used_at IS NULL AND ended_at IS NULL'), postgresql_where=sa.text('used_at IS NULL AND ended_at IS NULL'))

    op.create_table('phone_code',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.Column('turn', sa.Integer(), nullable=False),
    sa.Column('salt', sa.LargeBinary(length=16), nullable=False),
    sa.Column('code_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('hash_memory_kib', sa.Integer(), nullable=False),
    sa.Column('hash_time_cost', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('given_by_id', sa.Integer(), nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('expires_at > given_at', name=op.f('ck_phone_code_expires_at')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_phone_code_delivery_id')),
    sa.ForeignKeyConstraint(['given_by_id'], ['user.id'], name=op.f('fk_phone_code_given_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_phone_code')),
    sa.UniqueConstraint('delivery_id', 'turn', name=op.f('uq_phone_code_delivery_id_turn'))
    )
    with op.batch_alter_table('phone_code', schema=None) as batch_op:
        batch_op.create_index('uq_phone_code_live', ['delivery_id'], unique=True, sqlite_where=sa.text('used_at IS NULL AND ended_at IS NULL'), postgresql_where=sa.text('used_at IS NULL AND ended_at IS NULL'))

    with op.batch_alter_table('contact_point', schema=None) as batch_op:
        batch_op.add_column(sa.Column('added_at', sa.DateTime(timezone=True), nullable=True))
    # Nothing says since when a number is there: it counts from today.
    op.execute("UPDATE contact_point SET added_at = CURRENT_TIMESTAMP")

    # With its constraint in one statement: SQLite would otherwise have to rebuild the table.
    op.execute("ALTER TABLE symbol_card ADD COLUMN alternate_id INTEGER"
               " CONSTRAINT fk_symbol_card_alternate_id REFERENCES alternate_collector (id)")
    op.drop_index('uq_symbol_card_live', 'symbol_card')
    live = sa.text('replaced_at IS NULL AND alternate_id IS NULL')
    op.create_index('uq_symbol_card_live', 'symbol_card', ['person_id', 'award_id'], unique=True, sqlite_where=live, postgresql_where=live)
    own = sa.text('replaced_at IS NULL')
    op.create_index('uq_symbol_card_alternate', 'symbol_card', ['alternate_id'], unique=True, sqlite_where=own, postgresql_where=own)


def downgrade() -> None:
    op.drop_index('uq_symbol_card_alternate', 'symbol_card')
    op.execute("DELETE FROM symbol_card WHERE alternate_id IS NOT NULL")
    op.drop_index('uq_symbol_card_live', 'symbol_card')
    op.execute("ALTER TABLE symbol_card DROP COLUMN alternate_id")
    live = sa.text('replaced_at IS NULL')
    op.create_index('uq_symbol_card_live', 'symbol_card', ['person_id', 'award_id'], unique=True, sqlite_where=live, postgresql_where=live)

    with op.batch_alter_table('contact_point', schema=None) as batch_op:
        batch_op.drop_column('added_at')

    with op.batch_alter_table('phone_code', schema=None) as batch_op:
        batch_op.drop_index('uq_phone_code_live', sqlite_where=sa.text('used_at IS NULL AND ended_at IS NULL'), postgresql_where=sa.text('used_at IS NULL AND ended_at IS NULL'))

    op.drop_table('phone_code')
    with op.batch_alter_table('control_code', schema=None) as batch_op:
        batch_op.drop_index('uq_control_code_live', sqlite_where=sa.text('used_at IS NULL AND ended_at IS NULL'), postgresql_where=sa.text('used_at IS NULL AND ended_at IS NULL'))

    op.drop_table('control_code')
    with op.batch_alter_table('alternate_collector', schema=None) as batch_op:
        batch_op.drop_index('uq_alternate_collector_live', sqlite_where=sa.text('revoked_at IS NULL'), postgresql_where=sa.text('revoked_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_alternate_collector_award_id'))

    op.drop_table('alternate_collector')
