"""Risk snapshots, versions of the levels' table, teams, vehicles and runs

Revision: 0019, after 0018
"""

import sqlalchemy as sa
from alembic import op

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None

COLUMNS = (
    "risk_snapshot_id INTEGER CONSTRAINT fk_delivery_risk_snapshot_id REFERENCES risk_snapshot (id)",
    "level INTEGER CONSTRAINT ck_delivery_level CHECK (level BETWEEN 1 AND 3)",
    "run_id INTEGER CONSTRAINT fk_delivery_run_id REFERENCES run (id) CONSTRAINT ck_delivery_scheduled"
    " CHECK (state <> 'scheduled' OR (run_id IS NOT NULL AND officer_id IS NOT NULL))",
    "stop_position INTEGER",
    "carried_since {moment}",
    "window_until_sealed {bytes}",
)
REASONS_BEFORE = ('nobody_came', 'did_not_want', 'wrong_goods', 'damaged', 'seal_broken', 'road_closed',
                  'planned_by_mistake', 'award_ended', 'other')  # fmt: skip
REASONS_ADDED = ('some_missing', 'rescheduled', 'taken', 'identity_not_proven', 'not_received', 'not_complete',
                 'not_as_agreed', 'records_agree', 'records_differ')  # fmt: skip


def add_columns() -> None:
    """In one statement with its constraints: SQLite would otherwise have to rebuild the table."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    types = {
        "moment": "DATETIME" if is_sqlite else "TIMESTAMP WITH TIME ZONE",
        "bytes": "BLOB" if is_sqlite else "BYTEA",
    }
    for column in COLUMNS:
        op.execute(f"ALTER TABLE delivery ADD COLUMN {column.format(**types)}")


def change_reasons(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    """Put another list of words into the CHECK of delivery_event.reason."""
    old, new = (", ".join(f"'{word}'" for word in words) for words in (before, after))
    if op.get_bind().dialect.name != "sqlite":
        op.execute("ALTER TABLE delivery_event DROP CONSTRAINT ck_delivery_event_reason")
        op.execute(f"ALTER TABLE delivery_event ADD CONSTRAINT ck_delivery_event_reason CHECK (reason IN ({new}))")
        return
    # Nothing refers to this table, so it can be written anew.
    made = op.get_bind().exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'delivery_event'").scalar_one()
    start, rest = made.split("delivery_event", 1)
    op.execute(f"{start}delivery_event_anew{rest.replace(old, new)}".replace(":", "\\:"))
    op.execute("INSERT INTO delivery_event_anew SELECT * FROM delivery_event")
    op.drop_table("delivery_event")
    op.rename_table("delivery_event_anew", "delivery_event")
    for name in ("by_id", "delivery_id"):
        op.create_index(f"ix_delivery_event_{name}", "delivery_event", [name])


def upgrade() -> None:
    op.create_table('team',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('value_out_cents', sa.Integer(), nullable=False),
    sa.Column('cap_out_cents', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('value_out_cents >= 0', name=op.f('ck_team_value_out')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_team')),
    sa.UniqueConstraint('name', name=op.f('uq_team_name'))
    )
    op.create_table('vehicle',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('plate_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_vehicle')),
    sa.UniqueConstraint('name', name=op.f('uq_vehicle_name')),
    sa.UniqueConstraint('row_key', name=op.f('uq_vehicle_row_key'))
    )
    op.create_table('protocol_version',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('levels', sa.JSON(), nullable=False),
    sa.Column('note', sa.String(length=300), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_protocol_version_created_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_protocol_version')),
    sa.UniqueConstraint('number', name=op.f('uq_protocol_version_number'))
    )
    op.create_table('run',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('folio', sa.String(length=12), nullable=False),
    sa.Column('team_id', sa.Integer(), nullable=False),
    sa.Column('vehicle_id', sa.Integer(), nullable=False),
    sa.Column('officer_id', sa.Integer(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('state', sa.Enum('planned', 'out', 'ended', 'cancelled', name='runstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('dispatched_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'ended') = (ended_at IS NOT NULL)", name=op.f('ck_run_ended')),
    sa.CheckConstraint("(state IN ('out', 'ended')) = (dispatched_at IS NOT NULL)", name=op.f('ck_run_dispatched')),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_run_created_by_id')),
    sa.ForeignKeyConstraint(['officer_id'], ['user.id'], name=op.f('fk_run_officer_id')),
    sa.ForeignKeyConstraint(['team_id'], ['team.id'], name=op.f('fk_run_team_id')),
    sa.ForeignKeyConstraint(['vehicle_id'], ['vehicle.id'], name=op.f('fk_run_vehicle_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_run')),
    sa.UniqueConstraint('folio', name=op.f('uq_run_folio'))
    )
    with op.batch_alter_table('run', schema=None) as batch_op:
        batch_op.create_index('ix_run_officer_state', ['officer_id', 'state'], unique=False)
        batch_op.create_index('ix_run_state_day', ['state', 'day'], unique=False)
        batch_op.create_index(batch_op.f('ix_run_team_id'), ['team_id'], unique=False)

    op.create_table('team_member',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('team_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['team_id'], ['team.id'], name=op.f('fk_team_member_team_id')),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_team_member_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_team_member')),
    sa.UniqueConstraint('team_id', 'user_id', name=op.f('uq_team_member_team_id_user_id'))
    )
    with op.batch_alter_table('team_member', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_team_member_user_id'), ['user_id'], unique=False)

    op.create_table('risk_snapshot',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('folio', sa.String(length=12), nullable=False),
    sa.Column('canton_code', sa.String(length=4), nullable=False),
    sa.Column('level', sa.Integer(), nullable=False),
    sa.Column('decree', sa.String(length=80), nullable=True),
    sa.Column('curfew_from', sa.Time(), nullable=True),
    sa.Column('curfew_until', sa.Time(), nullable=True),
    sa.Column('taken_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('taken_by_id', sa.Integer(), nullable=False),
    sa.Column('signed_by_id', sa.Integer(), nullable=True),
    sa.Column('reason_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('sources_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('in_force_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint('(curfew_from IS NULL) = (curfew_until IS NULL)', name=op.f('ck_risk_snapshot_curfew')),
    sa.CheckConstraint('expires_at > taken_at', name=op.f('ck_risk_snapshot_expires')),
    sa.CheckConstraint('level BETWEEN 1 AND 3', name=op.f('ck_risk_snapshot_level')),
    sa.CheckConstraint('signed_by_id IS NULL OR signed_by_id <> taken_by_id', name=op.f('ck_risk_snapshot_two_people')),
    sa.ForeignKeyConstraint(['canton_code'], ['canton.code'], name=op.f('fk_risk_snapshot_canton_code')),
    sa.ForeignKeyConstraint(['signed_by_id'], ['user.id'], name=op.f('fk_risk_snapshot_signed_by_id')),
    sa.ForeignKeyConstraint(['taken_by_id'], ['user.id'], name=op.f('fk_risk_snapshot_taken_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_risk_snapshot')),
    sa.UniqueConstraint('folio', name=op.f('uq_risk_snapshot_folio')),
    sa.UniqueConstraint('row_key', name=op.f('uq_risk_snapshot_row_key'))
    )
    with op.batch_alter_table('risk_snapshot', schema=None) as batch_op:
        batch_op.create_index('ix_risk_snapshot_canton_force', ['canton_code', 'in_force_at'], unique=False)

    add_columns()
    op.create_index('ix_delivery_run_id', 'delivery', ['run_id'])
    change_reasons(REASONS_BEFORE, REASONS_BEFORE + REASONS_ADDED)


def downgrade() -> None:
    added = ", ".join(f"'{word}'" for word in REASONS_ADDED)
    op.execute(f"UPDATE delivery_event SET reason = 'other' WHERE reason IN ({added})")
    change_reasons(REASONS_BEFORE + REASONS_ADDED, REASONS_BEFORE)
    op.drop_index('ix_delivery_run_id', table_name='delivery')
    for column in reversed(COLUMNS):
        op.execute(f"ALTER TABLE delivery DROP COLUMN {column.split()[0]}")

    with op.batch_alter_table('risk_snapshot', schema=None) as batch_op:
        batch_op.drop_index('ix_risk_snapshot_canton_force')

    op.drop_table('risk_snapshot')
    with op.batch_alter_table('team_member', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_team_member_user_id'))

    op.drop_table('team_member')
    with op.batch_alter_table('run', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_run_team_id'))
        batch_op.drop_index('ix_run_state_day')
        batch_op.drop_index('ix_run_officer_state')

    op.drop_table('run')
    op.drop_table('protocol_version')
    op.drop_table('vehicle')
    op.drop_table('team')