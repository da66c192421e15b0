"""Webhooks of institutions and what they were told; answers to movements kept under their keys

Revision: 0033, after 0032
"""

import sqlalchemy as sa
from alembic import op

revision = '0033'
down_revision = '0032'
branch_labels = None
depends_on = None

KINDS = ('referral.sent', 'referral.withdrawn', 'referral.ended', 'reversal.decided', 'test')
PROBLEMS = ('status', 'gone', 'silent', 'certificate', 'address')
# In one statement with its constraints: SQLite would otherwise have to rebuild the table.
MOVEMENT = (
    "ALTER TABLE linkage_request_key ADD COLUMN movement_id INTEGER"
    " CONSTRAINT fk_linkage_request_key_movement_id REFERENCES credit_movement (id)"
    " CONSTRAINT ck_linkage_request_key_one_answer CHECK (event_id IS NULL OR movement_id IS NULL)"
)


def words(name: str, known: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*known, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table('webhook',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('address_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('secret_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('old_secret_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('old_secret_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('stopped_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('registered_by_id', sa.Integer(), nullable=False),
    sa.Column('registered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('secret_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint('(old_secret_sealed IS NULL) = (old_secret_until IS NULL)', name=op.f('ck_webhook_old_secret_ends')),
    sa.CheckConstraint('failures >= 0', name=op.f('ck_webhook_failures')),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], name=op.f('fk_webhook_institution_id')),
    sa.ForeignKeyConstraint(['registered_by_id'], ['user.id'], name=op.f('fk_webhook_registered_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook')),
    sa.UniqueConstraint('institution_id', name=op.f('uq_webhook_institution_id')),
    sa.UniqueConstraint('row_key', name=op.f('uq_webhook_row_key'))
    )
    op.create_table('webhook_event',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('event_id', sa.String(length=40), nullable=False),
    sa.Column('webhook_id', sa.Integer(), nullable=False),
    sa.Column('kind', words('webhookeventkind', KINDS), nullable=False),
    sa.Column('folio', sa.String(length=12), nullable=True),
    sa.Column('occurred_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('message_id', sa.Integer(), nullable=False),
    sa.Column('last_status', sa.Integer(), nullable=True),
    sa.Column('last_problem', words('webhookproblem', PROBLEMS), nullable=True),
    sa.Column('last_tried_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(kind = 'test') = (folio IS NULL)", name=op.f('ck_webhook_event_names_a_folio')),
    sa.ForeignKeyConstraint(['message_id'], ['outbox_message.id'], name=op.f('fk_webhook_event_message_id')),
    sa.ForeignKeyConstraint(['webhook_id'], ['webhook.id'], name=op.f('fk_webhook_event_webhook_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_event')),
    sa.UniqueConstraint('event_id', name=op.f('uq_webhook_event_event_id')),
    sa.UniqueConstraint('message_id', name=op.f('uq_webhook_event_message_id'))
    )
    op.create_index('ix_webhook_event_webhook', 'webhook_event', ['webhook_id', 'id'])
    op.execute(MOVEMENT)
    op.create_index('ix_linkage_request_key_movement_id', 'linkage_request_key', ['movement_id'])


def downgrade() -> None:
    op.drop_index('ix_linkage_request_key_movement_id', table_name='linkage_request_key')
    op.execute("ALTER TABLE linkage_request_key DROP COLUMN movement_id")
    op.drop_index('ix_webhook_event_webhook', table_name='webhook_event')
    op.drop_table('webhook_event')
    op.drop_table('webhook')
