"""Credits whose five years are over, when the next instalment falls due, reminders

Revision: 0035, after 0034
"""

import sqlalchemy as sa
from alembic import op

revision = '0035'
down_revision = '0034'
branch_labels = None
depends_on = None

LINKAGE_BARE = (
    "removed_at IS NULL OR (amount_usd IS NULL AND requested_usd IS NULL AND approved_usd IS NULL"
    " AND reference IS NULL AND rate_percent IS NULL AND outstanding_usd IS NULL"
    " AND decline_reason IS NULL AND note_sealed IS NULL)"
)
REFERRAL_BARE = "removed_at IS NULL OR (need = '' AND decline_reason IS NULL)"
# In one statement each with its constraints: SQLite would otherwise have to rebuild the table.
COLUMNS = (
    ("linkage", "next_due_on DATE"),
    ("linkage", "counted_from DATE"),
    ("linkage", "removed_at {moment} CONSTRAINT ck_linkage_removed_is_bare CHECK (" + LINKAGE_BARE + ")"),
    ("referral", "removed_at {moment} CONSTRAINT ck_referral_removed_is_bare CHECK (" + REFERRAL_BARE + ")"),
)
# What must hold of a row holds no longer once it was emptied.
TERMS = (
    "state NOT IN ('disbursed', 'repaying', 'repaid', 'written_off') OR"
    " (amount_usd IS NOT NULL AND disbursed_on IS NOT NULL AND reference IS NOT NULL)"
)
REASON = "(state = 'declined') = (decline_reason IS NOT NULL)"
RELAXED = (
    ("linkage", "ck_linkage_disbursed_has_terms", TERMS),
    ("linkage", "ck_linkage_decline_has_reason", REASON),
    ("linkage", "ck_linkage_close_has_reason", "(state = 'closed') = (close_reason IS NOT NULL)"),
    ("referral", "ck_referral_decline_has_reason", REASON),
)
EXCEPT = "removed_at IS NOT NULL OR "


def is_sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")


def change_check(table: str, name: str, before: str, after: str) -> None:
    """Put another condition into a CHECK."""
    if not is_sqlite():
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({after})")
        return
    # Other tables refer to these, so they cannot be written anew. A CHECK is only text in SQLite's schema, and this is
    # the way that its documentation names for changing one (ALTER TABLE, section 7).
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = ?",
        (f"CONSTRAINT {name} CHECK ({before})", f"CONSTRAINT {name} CHECK ({after})", table),
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")


def upgrade() -> None:
    op.create_table('credit_reminder',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('week', 'expiry', 'stuck', name='reminderkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('about', sa.String(length=20), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_credit_reminder_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_reminder')),
    sa.UniqueConstraint('user_id', 'kind', 'about', name=op.f('uq_credit_reminder_user_id_kind_about'))
    )
    moment = "DATETIME" if is_sqlite() else "TIMESTAMP WITH TIME ZONE"
    for table, column in COLUMNS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column.format(moment=moment)}")
    op.create_index("ix_linkage_next_due", "linkage", ["next_due_on", "id"])
    op.create_index("ix_linkage_reported", "linkage", ["reported_on", "id"])
    for table, name, condition in RELAXED:
        change_check(table, name, condition, EXCEPT + condition)


def downgrade() -> None:
    # Rows that were emptied would break the conditions as they were: their data is gone, and nothing can bring it back.
    for table, name, condition in RELAXED:
        change_check(table, name, EXCEPT + condition, condition)
    op.drop_index("ix_linkage_reported", table_name="linkage")
    op.drop_index("ix_linkage_next_due", table_name="linkage")
    for table, column in reversed(COLUMNS):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column.split()[0]}")
    op.drop_table('credit_reminder')
