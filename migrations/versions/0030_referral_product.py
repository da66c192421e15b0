"""Which product a referral is for; a referral is sent on once

Revision: 0030, after 0029
"""

from alembic import op

revision = '0030'
down_revision = '0029'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # In one statement with its key: SQLite would otherwise have to rebuild the table.
    op.execute(
        "ALTER TABLE referral ADD COLUMN product_id INTEGER"
        " CONSTRAINT fk_referral_product_id REFERENCES product (id)"
    )
    op.create_index("ix_referral_product_id", "referral", ["product_id"])
    op.drop_index("ix_referral_reassigned_from_id", "referral")
    op.create_index("uq_referral_reassigned_from", "referral", ["reassigned_from_id"], unique=True)


def downgrade() -> None:
    op.drop_index("uq_referral_reassigned_from", "referral")
    op.create_index("ix_referral_reassigned_from_id", "referral", ["reassigned_from_id"])
    op.drop_index("ix_referral_product_id", "referral")
    op.execute("ALTER TABLE referral DROP COLUMN product_id")
