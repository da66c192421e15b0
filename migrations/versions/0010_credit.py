"""Institutions, referrals and linkages

Revision: 0010, after 0009
"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('institution',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=160), nullable=False),
    sa.Column('kind', sa.Enum('bank', 'cooperative', 'savings_bank', name='institutionkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('network', sa.String(length=160), nullable=True),
    sa.Column('canton_code', sa.String(length=4), nullable=True),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['canton_code'], ['canton.code'], name=op.f('fk_institution_canton_code')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_institution')),
    sa.UniqueConstraint('name', name=op.f('uq_institution_name'))
    )
    op.create_table('liaison_post',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], name=op.f('fk_liaison_post_institution_id')),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_liaison_post_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_liaison_post')),
    sa.UniqueConstraint('user_id', name=op.f('uq_liaison_post_user_id'))
    )
    with op.batch_alter_table('liaison_post', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_liaison_post_institution_id'), ['institution_id'], unique=False)

    op.create_table('referral',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('folio', sa.String(length=12), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('consent_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('sent', 'accepted', 'declined', 'withdrawn', name='referralstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('need', sa.String(length=300), nullable=False),
    sa.Column('referred_by_id', sa.Integer(), nullable=False),
    sa.Column('referred_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decline_reason', sa.String(length=40), nullable=True),
    sa.CheckConstraint("(state = 'declined') = (decline_reason IS NOT NULL)", name=op.f('ck_referral_decline_has_reason')),
    sa.ForeignKeyConstraint(['consent_id'], ['consent.id'], name=op.f('fk_referral_consent_id')),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], name=op.f('fk_referral_institution_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_referral_person_id')),
    sa.ForeignKeyConstraint(['referred_by_id'], ['user.id'], name=op.f('fk_referral_referred_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_referral')),
    sa.UniqueConstraint('folio', name=op.f('uq_referral_folio'))
    )
    with op.batch_alter_table('referral', schema=None) as batch_op:
        batch_op.create_index('ix_referral_institution_state', ['institution_id', 'state'], unique=False)
        batch_op.create_index(batch_op.f('ix_referral_person_id'), ['person_id'], unique=False)
        batch_op.create_index('uq_referral_open', ['person_id', 'institution_id'], unique=True, sqlite_where=sa.text("state IN ('sent', 'accepted')"), postgresql_where=sa.text("state IN ('sent', 'accepted')"))

    op.create_table('linkage',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('folio', sa.String(length=12), nullable=False),
    sa.Column('referral_id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('credit', 'savings_account', 'membership', name='linkagekind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('state', sa.Enum('referred', 'contacted', 'documents', 'applied', 'approved', 'disbursed', 'repaying', 'repaid', 'opened', 'declined', 'withdrawn', 'written_off', name='linkagestate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('requested_usd', sa.Numeric(14, 2), nullable=True),
    sa.Column('approved_usd', sa.Numeric(14, 2), nullable=True),
    sa.Column('amount_usd', sa.Numeric(14, 2), nullable=True),
    sa.Column('disbursed_on', sa.Date(), nullable=True),
    sa.Column('term_months', sa.Integer(), nullable=True),
    sa.Column('rate_percent', sa.Numeric(precision=7, scale=4), nullable=True),
    sa.Column('rate_kind', sa.Enum('nominal', 'effective', name='ratekind', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('reference', sa.String(length=60), nullable=True),
    sa.Column('decline_reason', sa.Enum('document_not_accepted', 'status_not_accepted', 'outside_bond', 'age', 'no_guarantor', 'credit_bureau', 'capacity_to_pay', 'incomplete_file', 'client_withdrew', 'not_reachable', 'moved_away', name='declinereason', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_step_on', sa.Date(), nullable=False),
    sa.Column('note_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint("(state = 'declined') = (decline_reason IS NOT NULL)", name=op.f('ck_linkage_decline_has_reason')),
    sa.CheckConstraint("state NOT IN ('disbursed', 'repaying', 'repaid', 'written_off') OR (amount_usd IS NOT NULL AND disbursed_on IS NOT NULL AND reference IS NOT NULL)", name=op.f('ck_linkage_disbursed_has_terms')),
    sa.CheckConstraint('(rate_percent IS NULL) = (rate_kind IS NULL)', name=op.f('ck_linkage_rate_has_kind')),
    sa.CheckConstraint('amount_usd IS NULL OR amount_usd > 0', name=op.f('ck_linkage_amount')),
    sa.CheckConstraint('rate_percent IS NULL OR rate_percent >= 0', name=op.f('ck_linkage_rate')),
    sa.CheckConstraint('term_months IS NULL OR term_months > 0', name=op.f('ck_linkage_term')),
    sa.ForeignKeyConstraint(['institution_id'], ['institution.id'], name=op.f('fk_linkage_institution_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_linkage_person_id')),
    sa.ForeignKeyConstraint(['referral_id'], ['referral.id'], name=op.f('fk_linkage_referral_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_linkage')),
    sa.UniqueConstraint('folio', name=op.f('uq_linkage_folio')),
    sa.UniqueConstraint('institution_id', 'reference', name=op.f('uq_linkage_institution_id_reference')),
    sa.UniqueConstraint('row_key', name=op.f('uq_linkage_row_key'))
    )
    with op.batch_alter_table('linkage', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_linkage_disbursed_on'), ['disbursed_on'], unique=False)
        batch_op.create_index('ix_linkage_institution_state', ['institution_id', 'state'], unique=False)
        batch_op.create_index('ix_linkage_last_step', ['last_step_on', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_linkage_person_id'), ['person_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_linkage_referral_id'), ['referral_id'], unique=False)

    op.create_table('linkage_event',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('linkage_id', sa.Integer(), nullable=False),
    sa.Column('from_state', sa.Enum('referred', 'contacted', 'documents', 'applied', 'approved', 'disbursed', 'repaying', 'repaid', 'opened', 'declined', 'withdrawn', 'written_off', name='from_state', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('to_state', sa.Enum('referred', 'contacted', 'documents', 'applied', 'approved', 'disbursed', 'repaying', 'repaid', 'opened', 'declined', 'withdrawn', 'written_off', name='to_state', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('happened_on', sa.Date(), nullable=False),
    sa.Column('logged_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('logged_by_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['linkage_id'], ['linkage.id'], name=op.f('fk_linkage_event_linkage_id')),
    sa.ForeignKeyConstraint(['logged_by_id'], ['user.id'], name=op.f('fk_linkage_event_logged_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_linkage_event'))
    )
    with op.batch_alter_table('linkage_event', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_linkage_event_linkage_id'), ['linkage_id'], unique=False)

    op.create_table('linkage_request_key',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('request_hash', sa.String(length=64), nullable=False),
    sa.Column('linkage_id', sa.Integer(), nullable=False),
    sa.Column('event_id', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['event_id'], ['linkage_event.id'], name=op.f('fk_linkage_request_key_event_id')),
    sa.ForeignKeyConstraint(['linkage_id'], ['linkage.id'], name=op.f('fk_linkage_request_key_linkage_id')),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_linkage_request_key_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_linkage_request_key')),
    sa.UniqueConstraint('user_id', 'key', name=op.f('uq_linkage_request_key_user_id_key'))
    )


def downgrade() -> None:
    op.drop_table('linkage_request_key')
    with op.batch_alter_table('linkage_event', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_linkage_event_linkage_id'))

    op.drop_table('linkage_event')
    with op.batch_alter_table('linkage', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_linkage_referral_id'))
        batch_op.drop_index(batch_op.f('ix_linkage_person_id'))
        batch_op.drop_index('ix_linkage_last_step')
        batch_op.drop_index('ix_linkage_institution_state')
        batch_op.drop_index(batch_op.f('ix_linkage_disbursed_on'))

    op.drop_table('linkage')
    with op.batch_alter_table('referral', schema=None) as batch_op:
        batch_op.drop_index('uq_referral_open', sqlite_where=sa.text("state IN ('sent', 'accepted')"), postgresql_where=sa.text("state IN ('sent', 'accepted')"))
        batch_op.drop_index(batch_op.f('ix_referral_person_id'))
        batch_op.drop_index('ix_referral_institution_state')

    op.drop_table('referral')
    with op.batch_alter_table('liaison_post', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_liaison_post_institution_id'))

    op.drop_table('liaison_post')
    op.drop_table('institution')
