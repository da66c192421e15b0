"""Who left a team, one live team for a person, one delivery at each stop, and spreadsheets that plan a call

Revision: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = '0024'
down_revision = '0023'
branch_labels = None
depends_on = None

LIVE = sa.text('left_at IS NULL')
IN_AN_ENDED_TEAM = "team_id IN (SELECT id FROM team WHERE ended_at IS NOT NULL)"
# Of several live teams the person stays in the one joined last.
IN_AN_EARLIER_TEAM = ("id NOT IN (SELECT MAX(member.id) FROM team_member AS member JOIN team ON team.id = member.team_id "
                      "WHERE team.ended_at IS NULL GROUP BY member.user_id)")  # fmt: skip


def upgrade() -> None:
    with op.batch_alter_table('team_member', schema=None) as batch_op:
        batch_op.add_column(sa.Column('left_at', sa.DateTime(timezone=True), nullable=True))
    op.execute(f"UPDATE team_member SET left_at = CURRENT_TIMESTAMP WHERE {IN_AN_ENDED_TEAM} OR {IN_AN_EARLIER_TEAM}")
    op.create_index('uq_team_member_live', 'team_member', ['user_id'], unique=True, sqlite_where=LIVE,
                    postgresql_where=LIVE)  # fmt: skip
    # A delivery that left a run without handover keeps no stop in it.
    op.execute("UPDATE delivery SET stop_position = NULL WHERE run_id IS NULL")
    op.create_index('uq_delivery_stop', 'delivery', ['run_id', 'stop_position'], unique=True)
    op.create_table('plan_import',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('rows_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('results_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('good_rows', sa.Integer(), nullable=False),
    sa.Column('bad_rows', sa.Integer(), nullable=False),
    sa.Column('applied_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint('good_rows >= 0 AND bad_rows >= 0', name=op.f('ck_plan_import_rows')),
    sa.CheckConstraint('rows_sealed IS NULL OR applied_at IS NULL', name=op.f('ck_plan_import_wiped')),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_plan_import_call_id')),
    sa.ForeignKeyConstraint(['created_by_id'], ['user.id'], name=op.f('fk_plan_import_created_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_plan_import')),
    sa.UniqueConstraint('row_key', name=op.f('uq_plan_import_row_key'))
    )
    op.create_index('ix_plan_import_created_by_id', 'plan_import', ['created_by_id'])


def downgrade() -> None:
    op.drop_index('ix_plan_import_created_by_id', table_name='plan_import')
    op.drop_table('plan_import')
    op.drop_index('uq_delivery_stop', table_name='delivery')
    op.drop_index('uq_team_member_live', table_name='team_member')
    with op.batch_alter_table('team_member', schema=None) as batch_op:
        batch_op.drop_column('left_at')
