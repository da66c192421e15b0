"""Snapshots that follow each other, hubs, permits of two people, events of timed jobs

Revision: 0023, after 0022
"""

import sqlalchemy as sa
from alembic import op

revision = '0023'
down_revision = '0022'
branch_labels = None
depends_on = None

SNAPSHOT_COLUMNS = (
    "follows_id INTEGER CONSTRAINT fk_risk_snapshot_follows_id REFERENCES risk_snapshot (id)",
    "lowers_id INTEGER CONSTRAINT fk_risk_snapshot_lowers_id REFERENCES risk_snapshot (id)",
    "withdrawn_by_id INTEGER CONSTRAINT fk_risk_snapshot_withdrawn_by_id REFERENCES \"user\" (id)",
    "withdrawn_at {moment} CONSTRAINT ck_risk_snapshot_withdrawn"
    " CHECK ((withdrawn_at IS NULL) = (withdrawn_by_id IS NULL))",
)
HUB_COLUMN = "hub_id INTEGER CONSTRAINT fk_delivery_hub_id REFERENCES hub (id)"


def is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def let_events_have_no_actor(wanted: bool) -> None:
    """Let delivery_event.by_id be NULL, or not."""
    if not is_sqlite():
        op.alter_column("delivery_event", "by_id", existing_type=sa.Integer(), nullable=wanted)
        return
    # Nothing refers to this table, so it can be written anew.
    made = op.get_bind().exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'delivery_event'").scalar_one()
    before, after = ("by_id INTEGER NOT NULL", "by_id INTEGER")[:: 1 if wanted else -1]
    start, rest = made.split("delivery_event", 1)
    op.execute(f"{start}delivery_event_anew{rest.replace(before, after)}".replace(":", "\\:"))
    op.execute("INSERT INTO delivery_event_anew SELECT * FROM delivery_event")
    op.drop_table("delivery_event")
    op.rename_table("delivery_event_anew", "delivery_event")
    for name in ("by_id", "delivery_id"):
        op.create_index(f"ix_delivery_event_{name}", "delivery_event", [name])


def upgrade() -> None:
    op.create_table('hub',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('canton_code', sa.String(length=4), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('address_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.ForeignKeyConstraint(['canton_code'], ['canton.code'], name=op.f('fk_hub_canton_code')),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_hub_created_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hub')),
    sa.UniqueConstraint('name', name=op.f('uq_hub_name')),
    sa.UniqueConstraint('row_key', name=op.f('uq_hub_row_key'))
    )
    op.create_index('ix_hub_canton_code', 'hub', ['canton_code'])
    moment = "DATETIME" if is_sqlite() else "TIMESTAMP WITH TIME ZONE"
    # In one statement with its constraint each: SQLite would otherwise have to rebuild tables others refer to.
    for column in SNAPSHOT_COLUMNS:
        op.execute(f"ALTER TABLE risk_snapshot ADD COLUMN {column.format(moment=moment)}")
    op.create_index('uq_risk_snapshot_follows_id', 'risk_snapshot', ['follows_id'], unique=True)
    op.execute(f"ALTER TABLE delivery ADD COLUMN {HUB_COLUMN}")
    op.create_index('ix_delivery_canton_state', 'delivery', ['canton_code', 'state'])
    op.create_table('risk_permit',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.Column('snapshot_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('field', 'resume', name='permitkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('asked_by_id', sa.Integer(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('signed_by_id', sa.Integer(), nullable=True),
    sa.Column('signed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('(signed_by_id IS NULL) = (signed_at IS NULL)', name=op.f('ck_risk_permit_signed')),
    sa.CheckConstraint('signed_by_id IS NULL OR signed_by_id <> asked_by_id', name=op.f('ck_risk_permit_two_people')),
    sa.ForeignKeyConstraint(['asked_by_id'], ['user.id'], name=op.f('fk_risk_permit_asked_by_id')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_risk_permit_delivery_id')),
    sa.ForeignKeyConstraint(['signed_by_id'], ['user.id'], name=op.f('fk_risk_permit_signed_by_id')),
    sa.ForeignKeyConstraint(['snapshot_id'], ['risk_snapshot.id'], name=op.f('fk_risk_permit_snapshot_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_risk_permit')),
    sa.UniqueConstraint('delivery_id', 'snapshot_id', 'kind', name=op.f('uq_risk_permit_delivery_id_snapshot_id_kind'))
    )
    op.create_index('ix_risk_permit_signed_at', 'risk_permit', ['signed_at', 'id'])
    let_events_have_no_actor(True)


def downgrade() -> None:
    op.execute("DELETE FROM delivery_event WHERE by_id IS NULL")
    let_events_have_no_actor(False)
    op.drop_table('risk_permit')
    op.drop_index('ix_delivery_canton_state', table_name='delivery')
    op.execute("ALTER TABLE delivery DROP COLUMN hub_id")
    op.drop_index('uq_risk_snapshot_follows_id', table_name='risk_snapshot')
    for column in reversed(SNAPSHOT_COLUMNS):
        op.execute(f"ALTER TABLE risk_snapshot DROP COLUMN {column.split()[0]}")
    op.drop_table('hub')
