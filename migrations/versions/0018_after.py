"""Letters, one-time codes of the evaluation page, appeals

Revision: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = '0018'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('award', schema=None) as batch_op:
        batch_op.add_column(sa.Column('called_because', sa.String(length=40), nullable=True))

    op.create_table('letter_release',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('selection_id', sa.Integer(), nullable=False),
    sa.Column('appeal_days', sa.Integer(), nullable=False),
    sa.Column('appeals_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decision_days', sa.Integer(), nullable=False),
    sa.Column('address', sa.String(length=200), nullable=False),
    sa.Column('released_by_id', sa.Integer(), nullable=False),
    sa.Column('released_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('appeal_days BETWEEN 1 AND 60', name=op.f('ck_letter_release_appeal_days')),
    sa.CheckConstraint('appeals_until > released_at', name=op.f('ck_letter_release_clock')),
    sa.CheckConstraint('decision_days BETWEEN 1 AND 60', name=op.f('ck_letter_release_decision_days')),
    sa.ForeignKeyConstraint(['released_by_id'], ['user.id'], name=op.f('fk_letter_release_released_by_id')),
    sa.ForeignKeyConstraint(['selection_id'], ['selection.id'], name=op.f('fk_letter_release_selection_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_letter_release')),
    sa.UniqueConstraint('selection_id', name=op.f('uq_letter_release_selection_id'))
    )
    op.create_table('letter',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('release_id', sa.Integer(), nullable=False),
    sa.Column('application_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('chosen', 'waiting', 'not_selected', 'closed', name='letterkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('channel', sa.Enum('mail', 'in_person', name='channel', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('language', sa.String(length=3), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('told_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('told_by_id', sa.Integer(), nullable=True),
    sa.Column('message_id', sa.Integer(), nullable=True),
    sa.Column('body_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint('(told_at IS NULL) = (told_by_id IS NULL)', name=op.f('ck_letter_told_by_somebody')),
    sa.ForeignKeyConstraint(['application_id'], ['application.id'], name=op.f('fk_letter_application_id')),
    sa.ForeignKeyConstraint(['message_id'], ['outbox_message.id'], name=op.f('fk_letter_message_id')),
    sa.ForeignKeyConstraint(['release_id'], ['letter_release.id'], name=op.f('fk_letter_release_id')),
    sa.ForeignKeyConstraint(['told_by_id'], ['user.id'], name=op.f('fk_letter_told_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_letter')),
    sa.UniqueConstraint('application_id', 'kind', name=op.f('uq_letter_application_id_kind')),
    sa.UniqueConstraint('message_id', name=op.f('uq_letter_message_id')),
    sa.UniqueConstraint('row_key', name=op.f('uq_letter_row_key'))
    )
    with op.batch_alter_table('letter', schema=None) as batch_op:
        batch_op.create_index('ix_letter_release_channel_told', ['release_id', 'channel', 'told_at'], unique=False)

    op.create_table('result_code',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('application_id', sa.Integer(), nullable=False),
    sa.Column('code_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('channel', sa.Enum('mail', 'in_person', name='channel', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('issued_by_id', sa.Integer(), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('used_at IS NULL OR ended_at IS NOT NULL', name=op.f('ck_result_code_used_has_ended')),
    sa.ForeignKeyConstraint(['application_id'], ['application.id'], name=op.f('fk_result_code_application_id')),
    sa.ForeignKeyConstraint(['issued_by_id'], ['user.id'], name=op.f('fk_result_code_issued_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_result_code'))
    )
    with op.batch_alter_table('result_code', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_result_code_application_id'), ['application_id'], unique=False)
        batch_op.create_index('uq_result_code_live', ['application_id'], unique=True, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.create_table('result_session',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('application_id', sa.Integer(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['application_id'], ['application.id'], name=op.f('fk_result_session_application_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_result_session')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_result_session_token_hash'))
    )
    op.create_table('appeal',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('folio', sa.String(length=12), nullable=False),
    sa.Column('selection_id', sa.Integer(), nullable=False),
    sa.Column('application_id', sa.Integer(), nullable=False),
    sa.Column('filed_by_id', sa.Integer(), nullable=True),
    sa.Column('filed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('is_late', sa.Boolean(), nullable=False),
    sa.Column('decide_by', sa.DateTime(timezone=True), nullable=False),
    sa.Column('outcome', sa.Enum('upheld', 'partly', 'rejected', name='appealoutcome', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('proposal', sa.Integer(), nullable=False),
    sa.Column('proposed_by_id', sa.Integer(), nullable=True),
    sa.Column('decided_by_id', sa.Integer(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('award_id', sa.Integer(), nullable=True),
    sa.Column('text_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('answer_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint("award_id IS NULL OR outcome = 'upheld'", name=op.f('ck_appeal_place_when_upheld')),
    sa.CheckConstraint('(decided_at IS NULL) = (decided_by_id IS NULL)', name=op.f('ck_appeal_decided_by_somebody')),
    sa.CheckConstraint('(outcome IS NULL) = (proposed_by_id IS NULL)', name=op.f('ck_appeal_proposed_by_somebody')),
    sa.CheckConstraint('decided_at IS NULL OR outcome IS NOT NULL', name=op.f('ck_appeal_decided_has_outcome')),
    sa.CheckConstraint('decided_by_id IS NULL OR decided_by_id <> proposed_by_id', name=op.f('ck_appeal_two_people_decide')),
    sa.ForeignKeyConstraint(['application_id'], ['application.id'], name=op.f('fk_appeal_application_id')),
    sa.ForeignKeyConstraint(['award_id'], ['award.id'], name=op.f('fk_appeal_award_id')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['user.id'], name=op.f('fk_appeal_decided_by_id')),
    sa.ForeignKeyConstraint(['filed_by_id'], ['user.id'], name=op.f('fk_appeal_filed_by_id')),
    sa.ForeignKeyConstraint(['proposed_by_id'], ['user.id'], name=op.f('fk_appeal_proposed_by_id')),
    sa.ForeignKeyConstraint(['selection_id'], ['selection.id'], name=op.f('fk_appeal_selection_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_appeal')),
    sa.UniqueConstraint('award_id', name=op.f('uq_appeal_award_id')),
    sa.UniqueConstraint('folio', name=op.f('uq_appeal_folio')),
    sa.UniqueConstraint('row_key', name=op.f('uq_appeal_row_key')),
    sa.UniqueConstraint('selection_id', 'application_id', name=op.f('uq_appeal_selection_id_application_id'))
    )
    with op.batch_alter_table('appeal', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_appeal_application_id'), ['application_id'], unique=False)
        batch_op.create_index('ix_appeal_decided_decide_by', ['decided_at', 'decide_by'], unique=False)

    op.create_table('appeal_panelist',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('appeal_id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('named_by_id', sa.Integer(), nullable=False),
    sa.Column('named_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['appeal_id'], ['appeal.id'], name=op.f('fk_appeal_panelist_appeal_id')),
    sa.ForeignKeyConstraint(['named_by_id'], ['user.id'], name=op.f('fk_appeal_panelist_named_by_id')),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_appeal_panelist_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_appeal_panelist')),
    sa.UniqueConstraint('appeal_id', 'user_id', name=op.f('uq_appeal_panelist_appeal_id_user_id'))
    )
    with op.batch_alter_table('appeal_panelist', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_appeal_panelist_user_id'), ['user_id'], unique=False)


def downgrade() -> None:
    for table in ('appeal_panelist', 'appeal', 'result_session', 'result_code', 'letter', 'letter_release'):
        op.drop_table(table)
    with op.batch_alter_table('award', schema=None) as batch_op:
        batch_op.drop_column('called_because')
