"""Accounts that were closed and members who left; how often a credit was settled

Revision: 0031, after 0030
"""

from alembic import op

revision = '0031'
down_revision = '0030'
branch_labels = None
depends_on = None

REASONS = ("own_wish", "moved_away", "costs", "not_used", "expelled", "institution_closed", "died")
# In one statement each with its constraints: SQLite would otherwise have to rebuild the table.
COLUMNS = (
    "settled INTEGER DEFAULT '0' NOT NULL",
    "close_reason VARCHAR(40) CONSTRAINT ck_linkage_closereason CHECK (close_reason IN ("
    + ", ".join(f"'{reason}'" for reason in REASONS)
    + ")) CONSTRAINT ck_linkage_close_has_reason CHECK ((state = 'closed') = (close_reason IS NOT NULL))",
)
BEFORE = ("referred", "contacted", "documents", "applied", "approved", "disbursed", "repaying", "repaid", "opened",
          "declined", "withdrawn", "written_off")
AFTER = (*BEFORE[:9], "closed", *BEFORE[9:])
STATES = (
    ("linkage", "ck_linkage_linkagestate", "state"),
    ("linkage_event", "ck_linkage_event_from_state", "from_state"),
    ("linkage_event", "ck_linkage_event_to_state", "to_state"),
)


def change_states(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    """Put another list of words into the CHECKs of the states of linkages."""
    old, new = (", ".join(f"'{word}'" for word in words) for words in (before, after))
    if op.get_bind().dialect.name != "sqlite":
        for table, name, column in STATES:
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
            op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column} IN ({new}))")
        return
    # As in 0028: other tables refer to these, and a CHECK is only text in SQLite's schema (ALTER TABLE, section 7).
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    for table, _name, column in STATES:
        connection.exec_driver_sql(
            "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = ?",
            (f"CHECK ({column} IN ({old}))", f"CHECK ({column} IN ({new}))", table),
        )
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")


def upgrade() -> None:
    for column in COLUMNS:
        op.execute(f"ALTER TABLE linkage ADD COLUMN {column}")
    change_states(BEFORE, AFTER)


def downgrade() -> None:
    change_states(AFTER, BEFORE)
    for column in reversed(COLUMNS):
        op.execute(f"ALTER TABLE linkage DROP COLUMN {column.split()[0]}")
