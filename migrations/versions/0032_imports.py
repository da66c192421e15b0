"""Spreadsheets of institutions: what their columns mean, files on their way, rows

Revision: 0032, after 0031
"""

import sqlalchemy as sa
from alembic import op

revision = '0032'
down_revision = '0031'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('import_mapping',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('heading_key', sa.LargeBinary(length=32), nullable=False),
    sa.Column('settings', sa.JSON(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('heading_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint('version > 0', name=op.f('ck_import_mapping_version')),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_import_mapping_created_by_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], name=op.f('fk_import_mapping_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_import_mapping')),
    sa.UniqueConstraint('institution_id', 'version', name=op.f('uq_import_mapping_institution_id_version')),
    sa.UniqueConstraint('row_key', name=op.f('uq_import_mapping_row_key'))
    )
    op.create_index('ix_import_mapping_heading', 'import_mapping', ['institution_id', 'heading_key'])
    op.create_table('credit_import',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('mapping', 'checking', 'ready', 'applying', 'applied', 'discarded', name='importstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('file_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('file_kind', sa.String(length=4), nullable=False),
    sa.Column('mapping_id', sa.Integer(), nullable=True),
    sa.Column('heading_row', sa.Integer(), nullable=True),
    sa.Column('total', sa.Integer(), nullable=False),
    sa.Column('done', sa.Integer(), nullable=False),
    sa.Column('mode', sa.Enum('all', 'good', name='importmode', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('stopped', sa.Boolean(), nullable=False),
    sa.Column('claimed_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_by_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('applied_by_id', sa.Integer(), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state IN ('applied', 'discarded')) = (ended_at IS NOT NULL)", name=op.f('ck_credit_import_ended')),
    sa.CheckConstraint("state IN ('mapping', 'discarded') OR (mapping_id IS NOT NULL AND heading_row IS NOT NULL)", name=op.f('ck_credit_import_has_mapping')),
    sa.CheckConstraint("state NOT IN ('applying', 'applied') OR (mode IS NOT NULL AND applied_by_id IS NOT NULL)", name=op.f('ck_credit_import_applied_by_somebody')),
    sa.CheckConstraint('done >= 0 AND done <= total', name=op.f('ck_credit_import_done')),
    sa.ForeignKeyConstraint(['applied_by_id'], ['user.id'], name=op.f('fk_credit_import_applied_by_id')),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_credit_import_created_by_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], name=op.f('fk_credit_import_institution_id')),
    sa.ForeignKeyConstraint(['mapping_id'], ['import_mapping.id'], name=op.f('fk_credit_import_mapping_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_import'))
    )
    op.create_index('ix_credit_import_institution', 'credit_import', ['institution_id', 'id'])
    op.create_index('ix_credit_import_mapping_id', 'credit_import', ['mapping_id'])
    op.create_index('ix_credit_import_state', 'credit_import', ['state', 'id'])
    op.create_index('uq_credit_import_file', 'credit_import', ['institution_id', 'file_hash'], unique=True, sqlite_where=sa.text("state <> 'discarded'"), postgresql_where=sa.text("state <> 'discarded'"))
    op.create_table('import_row',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('import_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('outcome', sa.Enum('waiting', 'left_out', 'read', 'good', 'nothing_new', 'bad', 'applied', name='rowoutcome', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('reason', sa.String(length=40), nullable=True),
    sa.Column('field', sa.String(length=20), nullable=True),
    sa.Column('other_number', sa.Integer(), nullable=True),
    sa.Column('linkage_id', sa.Integer(), nullable=True),
    sa.Column('cells_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('facts_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint("outcome NOT IN ('bad', 'left_out') OR reason IS NOT NULL", name=op.f('ck_import_row_explained')),
    sa.ForeignKeyConstraint(['import_id'], ['credit_import.id'], name=op.f('fk_import_row_import_id')),
    sa.ForeignKeyConstraint(['linkage_id'], ['linkage.id'], ondelete='SET NULL', name=op.f('fk_import_row_linkage_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_import_row')),
    sa.UniqueConstraint('import_id', 'number', name=op.f('uq_import_row_import_id_number')),
    sa.UniqueConstraint('row_key', name=op.f('uq_import_row_row_key'))
    )
    op.create_index('ix_import_row_linkage', 'import_row', ['import_id', 'linkage_id'])
    op.create_index('ix_import_row_outcome', 'import_row', ['import_id', 'outcome', 'number'])


def downgrade() -> None:
    op.drop_table('import_row')
    op.drop_table('credit_import')
    op.drop_table('import_mapping')
