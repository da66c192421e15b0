"""Agreements, products with their terms, ceilings, support, movements of credits, reversals

Revision: 0028, after 0027
"""

import sqlalchemy as sa
from alembic import op

revision = '0028'
down_revision = '0027'
branch_labels = None
depends_on = None


def enum(column: str, table: str, name: str, *words: str) -> str:
    allowed = ", ".join(f"'{word}'" for word in words)
    return f"{column} VARCHAR(40) CONSTRAINT ck_{table}_{name} CHECK ({column} IN ({allowed}))"


# In one statement each with its constraints: SQLite would otherwise have to rebuild the table.
COLUMNS = (
    ("institution", "members_only BOOLEAN DEFAULT {no} NOT NULL"),
    ("institution", enum("segment", "institution", "cooperativesegment", "1", "2", "3", "4", "5")
     + " CONSTRAINT ck_institution_segment_of_cooperative CHECK (segment IS NULL OR kind = 'cooperative')"
     " CONSTRAINT ck_institution_caja_lends_to_members CHECK (kind <> 'savings_bank' OR members_only)"),
    ("linkage", "product_id INTEGER CONSTRAINT fk_linkage_product_id REFERENCES product (id)"),
    ("linkage", enum("segment", "linkage", "segment", "minorista", "simple", "ampliada", "social")),
    ("linkage", enum("method", "linkage", "amortization", "french", "german", "single")),
    ("linkage", enum("frequency", "linkage", "frequency", "weekly", "fortnightly", "monthly")),
    ("linkage", "instalments INTEGER CONSTRAINT ck_linkage_instalments"
     " CHECK (instalments IS NULL OR instalments BETWEEN 1 AND 600)"),
    ("linkage", "first_due_on DATE"),
    ("linkage", "refinances_id INTEGER CONSTRAINT fk_linkage_refinances_id REFERENCES linkage (id)"),
    ("linkage", "outstanding_usd NUMERIC(14, 2) CONSTRAINT ck_linkage_outstanding"
     " CHECK (outstanding_usd IS NULL OR outstanding_usd >= 0)"),
    ("linkage", "reported_on DATE"),
    ("linkage", "restructured_on DATE"),
    ("linkage", "lost_on DATE"),
    ("referral", "expires_on DATE"),
    ("referral", "acknowledged_at {moment}"),
    ("referral", "shared_fields JSON"),
    ("referral", "reassigned_from_id INTEGER CONSTRAINT fk_referral_reassigned_from_id REFERENCES referral (id)"),
)  # fmt: skip
INDEXES = (
    ("ix_linkage_product_id", "linkage"),
    ("ix_linkage_refinances_id", "linkage"),
    ("ix_referral_reassigned_from_id", "referral"),
    ("ix_referral_state_expires", "referral"),
)
STATES_BEFORE = ("sent", "accepted", "declined", "withdrawn")
STATES_AFTER = (*STATES_BEFORE, "expired", "reassigned")


def is_sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")


def add_columns() -> None:
    types = {"no": "0", "moment": "DATETIME"} if is_sqlite() else {"no": "false", "moment": "TIMESTAMP WITH TIME ZONE"}
    for table, column in COLUMNS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column.format(**types)}")
        if column.startswith("members_only"):
            yes = "1" if is_sqlite() else "true"
            op.execute(f"UPDATE institution SET members_only = {yes} WHERE kind = 'savings_bank'")
    op.create_index("ix_linkage_product_id", "linkage", ["product_id"])
    op.create_index("ix_linkage_refinances_id", "linkage", ["refinances_id"])
    op.create_index("ix_referral_reassigned_from_id", "referral", ["reassigned_from_id"])
    op.create_index("ix_referral_state_expires", "referral", ["state", "expires_on"])


def change_referral_states(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    """Put another list of words into the CHECK of referral.state."""
    old, new = (", ".join(f"'{word}'" for word in words) for words in (before, after))
    if not is_sqlite():
        op.execute("ALTER TABLE referral DROP CONSTRAINT ck_referral_referralstate")
        op.execute(f"ALTER TABLE referral ADD CONSTRAINT ck_referral_referralstate CHECK (state IN ({new}))")
        return
    # Linkages refer to this table, so it cannot be written anew. A CHECK is only text in SQLite's schema, and this is
    # the way that its documentation names for changing one (ALTER TABLE, section 7).
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'referral'",
        (f"CHECK (state IN ({old}))", f"CHECK (state IN ({new}))"),
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")


def carry_over() -> None:
    """Each credit that was disbursed before gets the movement that says so."""
    op.execute(
        "INSERT INTO credit_movement (linkage_id, institution_id, kind, source, happened_on, logged_at, logged_by_id,"
        " reference, amount_usd) SELECT linkage.id, linkage.institution_id, 'disbursement', 'lender',"
        " linkage.disbursed_on, linkage_event.logged_at, linkage_event.logged_by_id, NULL, linkage.amount_usd"
        " FROM linkage JOIN linkage_event ON linkage_event.linkage_id = linkage.id"
        " AND linkage_event.to_state = 'disbursed' WHERE linkage.amount_usd IS NOT NULL"
    )
    op.execute(
        "UPDATE linkage SET outstanding_usd = amount_usd, reported_on = disbursed_on WHERE amount_usd IS NOT NULL"
    )


def upgrade() -> None:
    op.create_table('rate_ceiling',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('segment', sa.Enum('minorista', 'simple', 'ampliada', 'social', name='segment', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_until', sa.Date(), nullable=True),
    sa.Column('effective_percent', sa.Numeric(precision=7, scale=4), nullable=False),
    sa.Column('source', sa.String(length=300), nullable=False),
    sa.Column('added_by_id', sa.Integer(), nullable=True),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('effective_percent > 0 AND effective_percent <= 100', name=op.f('ck_rate_ceiling_percent')),
    sa.CheckConstraint('valid_until IS NULL OR valid_until >= valid_from', name=op.f('ck_rate_ceiling_valid')),
    sa.ForeignKeyConstraint(['added_by_id'], ['user.id'], name=op.f('fk_rate_ceiling_added_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rate_ceiling')),
    sa.UniqueConstraint('segment', 'valid_from', name=op.f('uq_rate_ceiling_segment_valid_from'))
    )
    with op.batch_alter_table('rate_ceiling', schema=None) as batch_op:
        batch_op.create_index('uq_rate_ceiling_open', ['segment'], unique=True, sqlite_where=sa.text('valid_until IS NULL'), postgresql_where=sa.text('valid_until IS NULL'))

    op.create_table('agreement',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('memorandum', 'agreement', 'letter', name='agreementkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('signed_on', sa.Date(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_until', sa.Date(), nullable=True),
    sa.Column('flexible_terms', sa.Text(), nullable=False),
    sa.Column('recorded_by_id', sa.Integer(), nullable=False),
    sa.Column('focal_name_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('focal_contact_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint('valid_from >= signed_on', name=op.f('ck_agreement_signed_first')),
    sa.CheckConstraint('valid_until IS NULL OR valid_until >= valid_from', name=op.f('ck_agreement_valid')),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], name=op.f('fk_agreement_institution_id')),
    sa.ForeignKeyConstraint(['recorded_by_id'], ['user.id'], name=op.f('fk_agreement_recorded_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_agreement')),
    sa.UniqueConstraint('row_key', name=op.f('uq_agreement_row_key'))
    )
    with op.batch_alter_table('agreement', schema=None) as batch_op:
        batch_op.create_index('ix_agreement_institution_from', ['institution_id', 'valid_from'], unique=False)

    op.create_table('institution_location',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('canton_code', sa.String(length=4), nullable=False),
    sa.ForeignKeyConstraint(['canton_code'], ['canton.code'], name=op.f('fk_institution_location_canton_code')),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], name=op.f('fk_institution_location_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_institution_location')),
    sa.UniqueConstraint('institution_id', 'canton_code', name=op.f('uq_institution_location_institution_id_canton_code'))
    )
    op.create_table('product',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('credit', 'savings_account', 'membership', name='linkagekind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], name=op.f('fk_product_institution_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_product')),
    sa.UniqueConstraint('institution_id', 'name', name=op.f('uq_product_institution_id_name'))
    )
    op.create_table('savings_bank_report',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('as_of', sa.Date(), nullable=False),
    sa.Column('members', sa.Integer(), nullable=False),
    sa.Column('women', sa.Integer(), nullable=False),
    sa.Column('in_mobility', sa.Integer(), nullable=True),
    sa.Column('savings_usd', sa.Numeric(14, 2), nullable=False),
    sa.Column('loans', sa.Integer(), nullable=False),
    sa.Column('loans_usd', sa.Numeric(14, 2), nullable=False),
    sa.Column('recorded_by_id', sa.Integer(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('in_mobility IS NULL OR in_mobility BETWEEN 0 AND members', name=op.f('ck_savings_bank_report_in_mobility')),
    sa.CheckConstraint('loans > 0 OR loans_usd = 0', name=op.f('ck_savings_bank_report_loans')),
    sa.CheckConstraint('loans >= 0 AND savings_usd >= 0 AND loans_usd >= 0', name=op.f('ck_savings_bank_report_amounts')),
    sa.CheckConstraint('members >= 0 AND women >= 0 AND women <= members', name=op.f('ck_savings_bank_report_members')),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], name=op.f('fk_savings_bank_report_institution_id')),
    sa.ForeignKeyConstraint(['recorded_by_id'], ['user.id'], name=op.f('fk_savings_bank_report_recorded_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_savings_bank_report'))
    )
    with op.batch_alter_table('savings_bank_report', schema=None) as batch_op:
        batch_op.create_index('ix_savings_bank_report_institution_day', ['institution_id', 'as_of'], unique=False)

    op.create_table('product_terms',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('product_id', sa.Integer(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_until', sa.Date(), nullable=True),
    sa.Column('least_usd', sa.Numeric(14, 2), nullable=True),
    sa.Column('most_usd', sa.Numeric(14, 2), nullable=True),
    sa.Column('least_months', sa.Integer(), nullable=True),
    sa.Column('most_months', sa.Integer(), nullable=True),
    sa.Column('rate_percent', sa.Numeric(precision=7, scale=4), nullable=True),
    sa.Column('rate_kind', sa.Enum('nominal', 'effective', name='ratekind', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('segment', sa.Enum('minorista', 'simple', 'ampliada', 'social', name='segment', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('method', sa.Enum('french', 'german', 'single', name='amortization', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('frequency', sa.Enum('weekly', 'fortnightly', 'monthly', name='frequency', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('fees', sa.String(length=300), nullable=False),
    sa.Column('collateral', sa.String(length=300), nullable=False),
    sa.Column('needs_membership', sa.Boolean(), nullable=False),
    sa.Column('least_age', sa.Integer(), nullable=True),
    sa.Column('most_age', sa.Integer(), nullable=True),
    sa.Column('expired_accepted', sa.Boolean(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('recorded_by_id', sa.Integer(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('(rate_percent IS NULL) = (rate_kind IS NULL)', name=op.f('ck_product_terms_rate_has_kind')),
    sa.CheckConstraint('least_age IS NULL OR most_age IS NULL OR least_age <= most_age', name=op.f('ck_product_terms_ages')),
    sa.CheckConstraint('least_months IS NULL OR most_months IS NULL OR least_months <= most_months', name=op.f('ck_product_terms_months')),
    sa.CheckConstraint('least_usd IS NULL OR most_usd IS NULL OR least_usd <= most_usd', name=op.f('ck_product_terms_amounts')),
    sa.CheckConstraint('rate_percent IS NULL OR rate_percent BETWEEN 0 AND 100', name=op.f('ck_product_terms_rate')),
    sa.CheckConstraint('valid_until IS NULL OR valid_until >= valid_from', name=op.f('ck_product_terms_valid')),
    sa.ForeignKeyConstraint(['product_id'], ['product.id'], name=op.f('fk_product_terms_product_id')),
    sa.ForeignKeyConstraint(['recorded_by_id'], ['user.id'], name=op.f('fk_product_terms_recorded_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_product_terms')),
    sa.UniqueConstraint('product_id', 'valid_from', name=op.f('uq_product_terms_product_id_valid_from'))
    )
    op.create_table('accepted_document',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('terms_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('cedula_ec', 'ruc', 'passport', 'cedula_ve', 'cedula_co', 'foreign_permit', 'refugee_card', 'asylum_request', 'visa', 'birth_record', 'none', name='documentkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.ForeignKeyConstraint(['terms_id'], ['product_terms.id'], name=op.f('fk_accepted_document_terms_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_accepted_document')),
    sa.UniqueConstraint('terms_id', 'kind', name=op.f('uq_accepted_document_terms_id_kind'))
    )
    op.create_table('credit_movement',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('linkage_id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('disbursement', 'repayment', 'balance', 'restructure', 'write_off', 'recovery', name='movementkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('source', sa.Enum('lender', 'call', 'visit', 'booklet', 'file', 'api', name='source', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('happened_on', sa.Date(), nullable=False),
    sa.Column('logged_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('logged_by_id', sa.Integer(), nullable=False),
    sa.Column('reference', sa.String(length=60), nullable=True),
    sa.Column('amount_usd', sa.Numeric(14, 2), nullable=True),
    sa.Column('net_usd', sa.Numeric(14, 2), nullable=True),
    sa.Column('principal_usd', sa.Numeric(14, 2), nullable=True),
    sa.Column('interest_usd', sa.Numeric(14, 2), nullable=True),
    sa.Column('other_usd', sa.Numeric(14, 2), nullable=True),
    sa.Column('balance_usd', sa.Numeric(14, 2), nullable=True),
    sa.Column('days_late', sa.Integer(), nullable=True),
    sa.Column('overdue_usd', sa.Numeric(14, 2), nullable=True),
    sa.Column('instalments', sa.Integer(), nullable=True),
    sa.Column('first_due_on', sa.Date(), nullable=True),
    sa.Column('rate_percent', sa.Numeric(precision=7, scale=4), nullable=True),
    sa.Column('rate_kind', sa.Enum('nominal', 'effective', name='ratekind', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('method', sa.Enum('french', 'german', 'single', name='amortization', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('frequency', sa.Enum('weekly', 'fortnightly', 'monthly', name='frequency', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('reversed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(kind = 'restructure') = (instalments IS NOT NULL)", name=op.f('ck_credit_movement_new_terms')),
    sa.CheckConstraint("(kind IN ('balance', 'restructure')) = (balance_usd IS NOT NULL)", name=op.f('ck_credit_movement_states_balance')),
    sa.CheckConstraint("(kind IN ('disbursement', 'repayment', 'write_off', 'recovery')) = (amount_usd IS NOT NULL)", name=op.f('ck_credit_movement_moves_money')),
    sa.CheckConstraint("kind <> 'repayment' OR principal_usd IS NULL OR ABS(principal_usd + COALESCE(interest_usd, 0) + COALESCE(other_usd, 0) - amount_usd) < 0.005", name=op.f('ck_credit_movement_split_sums')),
    sa.CheckConstraint("net_usd IS NULL OR (kind = 'disbursement' AND net_usd > 0 AND net_usd <= amount_usd)", name=op.f('ck_credit_movement_net')),
    sa.CheckConstraint("principal_usd IS NULL OR (kind = 'repayment' AND principal_usd >= 0 AND principal_usd <= amount_usd)", name=op.f('ck_credit_movement_principal')),
    sa.CheckConstraint('amount_usd IS NULL OR amount_usd > 0', name=op.f('ck_credit_movement_amount')),
    sa.CheckConstraint('balance_usd IS NULL OR balance_usd >= 0', name=op.f('ck_credit_movement_balance')),
    sa.CheckConstraint('days_late IS NULL OR days_late >= 0', name=op.f('ck_credit_movement_days_late')),
    sa.CheckConstraint('instalments IS NULL OR (instalments BETWEEN 1 AND 600 AND first_due_on IS NOT NULL AND rate_percent IS NOT NULL AND rate_kind IS NOT NULL AND method IS NOT NULL AND frequency IS NOT NULL)', name=op.f('ck_credit_movement_terms_complete')),
    sa.CheckConstraint('interest_usd IS NULL OR interest_usd >= 0', name=op.f('ck_credit_movement_interest')),
    sa.CheckConstraint('other_usd IS NULL OR other_usd >= 0', name=op.f('ck_credit_movement_other')),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], name=op.f('fk_credit_movement_institution_id')),
    sa.ForeignKeyConstraint(['linkage_id'], ['linkage.id'], name=op.f('fk_credit_movement_linkage_id')),
    sa.ForeignKeyConstraint(['logged_by_id'], ['user.id'], name=op.f('fk_credit_movement_logged_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_movement'))
    )
    with op.batch_alter_table('credit_movement', schema=None) as batch_op:
        batch_op.create_index('ix_credit_movement_institution_day', ['institution_id', 'happened_on'], unique=False)
        batch_op.create_index('ix_credit_movement_linkage_day', ['linkage_id', 'happened_on', 'id'], unique=False)
        batch_op.create_index('uq_credit_movement_counting', ['institution_id', 'kind', 'reference'], unique=True, sqlite_where=sa.text('reversed_at IS NULL'), postgresql_where=sa.text('reversed_at IS NULL'))

    op.create_table('institution_support',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('office_equipment', 'working_capital', 'account_opening', name='supportkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('amount_usd', sa.Numeric(14, 2), nullable=False),
    sa.Column('accounts', sa.Integer(), nullable=True),
    sa.Column('purpose', sa.String(length=300), nullable=False),
    sa.Column('given_on', sa.Date(), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=True),
    sa.Column('recorded_by_id', sa.Integer(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('cancelled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cancel_reason', sa.String(length=300), nullable=True),
    sa.CheckConstraint("(kind = 'account_opening') = (accounts IS NOT NULL)", name=op.f('ck_institution_support_accounts_counted')),
    sa.CheckConstraint("kind = 'office_equipment' OR delivery_id IS NULL", name=op.f('ck_institution_support_goods_are_delivered')),
    sa.CheckConstraint('(cancelled_at IS NULL) = (cancel_reason IS NULL)', name=op.f('ck_institution_support_cancelled')),
    sa.CheckConstraint('accounts IS NULL OR accounts > 0', name=op.f('ck_institution_support_accounts')),
    sa.CheckConstraint('amount_usd > 0', name=op.f('ck_institution_support_amount')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_institution_support_delivery_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], name=op.f('fk_institution_support_institution_id')),
    sa.ForeignKeyConstraint(['recorded_by_id'], ['user.id'], name=op.f('fk_institution_support_recorded_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_institution_support')),
    sa.UniqueConstraint('delivery_id', name=op.f('uq_institution_support_delivery_id'))
    )
    with op.batch_alter_table('institution_support', schema=None) as batch_op:
        batch_op.create_index('ix_institution_support_institution_given', ['institution_id', 'given_on'], unique=False)

    op.create_table('movement_reversal',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('movement_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('proposed', 'done', 'refused', name='reversalstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('reason', sa.String(length=300), nullable=False),
    sa.Column('proposed_by_id', sa.Integer(), nullable=False),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_by_id', sa.Integer(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name=op.f('ck_movement_reversal_decided_at')),
    sa.CheckConstraint('(decided_by_id IS NULL) = (decided_at IS NULL)', name=op.f('ck_movement_reversal_decided_by_somebody')),
    sa.CheckConstraint('decided_by_id <> proposed_by_id', name=op.f('ck_movement_reversal_two_people')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['user.id'], name=op.f('fk_movement_reversal_decided_by_id')),
    sa.ForeignKeyConstraint(['movement_id'], ['credit_movement.id'], name=op.f('fk_movement_reversal_movement_id')),
    sa.ForeignKeyConstraint(['proposed_by_id'], ['user.id'], name=op.f('fk_movement_reversal_proposed_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_movement_reversal'))
    )
    with op.batch_alter_table('movement_reversal', schema=None) as batch_op:
        batch_op.create_index('ix_movement_reversal_state', ['state', 'id'], unique=False)
        batch_op.create_index('uq_movement_reversal_live', ['movement_id'], unique=True, sqlite_where=sa.text("state <> 'refused'"), postgresql_where=sa.text("state <> 'refused'"))

    add_columns()
    change_referral_states(STATES_BEFORE, STATES_AFTER)
    carry_over()


def downgrade() -> None:
    change_referral_states(STATES_AFTER, STATES_BEFORE)
    for name, table in INDEXES:
        op.drop_index(name, table_name=table)
    for table, column in reversed(COLUMNS):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column.split()[0]}")

    with op.batch_alter_table('movement_reversal', schema=None) as batch_op:
        batch_op.drop_index('uq_movement_reversal_live', sqlite_where=sa.text("state <> 'refused'"), postgresql_where=sa.text("state <> 'refused'"))
        batch_op.drop_index('ix_movement_reversal_state')

    op.drop_table('movement_reversal')
    with op.batch_alter_table('institution_support', schema=None) as batch_op:
        batch_op.drop_index('ix_institution_support_institution_given')

    op.drop_table('institution_support')
    with op.batch_alter_table('credit_movement', schema=None) as batch_op:
        batch_op.drop_index('uq_credit_movement_counting', sqlite_where=sa.text('reversed_at IS NULL'), postgresql_where=sa.text('reversed_at IS NULL'))
        batch_op.drop_index('ix_credit_movement_linkage_day')
        batch_op.drop_index('ix_credit_movement_institution_day')

    op.drop_table('credit_movement')
    op.drop_table('accepted_document')
    op.drop_table('product_terms')
    with op.batch_alter_table('savings_bank_report', schema=None) as batch_op:
        batch_op.drop_index('ix_savings_bank_report_institution_day')

    op.drop_table('savings_bank_report')
    op.drop_table('product')
    op.drop_table('institution_location')
    with op.batch_alter_table('agreement', schema=None) as batch_op:
        batch_op.drop_index('ix_agreement_institution_from')

    op.drop_table('agreement')
    with op.batch_alter_table('rate_ceiling', schema=None) as batch_op:
        batch_op.drop_index('uq_rate_ceiling_open', sqlite_where=sa.text('valid_until IS NULL'), postgresql_where=sa.text('valid_until IS NULL'))

    op.drop_table('rate_ceiling')
