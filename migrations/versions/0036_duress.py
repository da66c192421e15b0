"""Stored answers without the keys that they were asked with; questions for the next stop that lapse with their day

Revision: 0036, after 0035
"""

import sqlalchemy as sa
from alembic import op

revision = '0036'
down_revision = '0035'
branch_labels = None
depends_on = None

OPEN = "answer IS NULL"
STILL_OPEN = "answer IS NULL AND lapsed_at IS NULL"


def upgrade() -> None:
    # Whoever has these rows and the server's keys could find out by trying which PIN and picture were used: none is
    # carried over. They serve a request that is repeated within minutes.
    drop_stored_answers()
    op.create_table('stored_answer',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('key_hash', sa.String(length=64), nullable=False),
    sa.Column('request_hash', sa.String(length=64), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_stored_answer_delivery_id')),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_stored_answer_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stored_answer')),
    sa.UniqueConstraint('user_id', 'key_hash', name=op.f('uq_stored_answer_user_id_key_hash'))
    )
    op.create_index("ix_stored_answer_created", "stored_answer", ["created_at"])

    op.add_column("stop_request", sa.Column("lapsed_at", sa.DateTime(timezone=True), nullable=True))
    one_open_question(STILL_OPEN)


def downgrade() -> None:
    # Without the column a question that lapsed would be open again, and two open ones of an officer are refused.
    op.execute("DELETE FROM stop_request WHERE lapsed_at IS NOT NULL")
    one_open_question(OPEN)
    op.drop_column("stop_request", "lapsed_at")

    drop_stored_answers()
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


def drop_stored_answers() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("PRAGMA secure_delete = ON")  # or the rows would stay readable in the file's free pages
    op.drop_table("stored_answer")


def one_open_question(where: str) -> None:
    op.drop_index("uq_stop_request_open", table_name="stop_request")
    op.create_index("uq_stop_request_open", "stop_request", ["officer_id"], unique=True,
                    sqlite_where=sa.text(where), postgresql_where=sa.text(where))
