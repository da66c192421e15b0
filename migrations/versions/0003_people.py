"""People, documents, contact points and consents

Revision: 0003, after 0002
"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('consent_text',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('purpose', sa.Enum('grant', 'delivery', 'referral', 'photo', 'statistics', name='consentpurpose', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('language', sa.String(length=3), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_consent_text')),
    sa.UniqueConstraint('purpose', 'version', 'language', name=op.f('uq_consent_text_purpose_version_language'))
    )
    op.create_table('province',
    sa.Column('code', sa.String(length=2), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.PrimaryKeyConstraint('code', name=op.f('pk_province'))
    )
    op.create_table('canton',
    sa.Column('code', sa.String(length=4), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('province_code', sa.String(length=2), nullable=False),
    sa.ForeignKeyConstraint(['province_code'], ['province.code'], name=op.f('fk_canton_province_code')),
    sa.PrimaryKeyConstraint('code', name=op.f('pk_canton'))
    )
    with op.batch_alter_table('canton', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_canton_province_code'), ['province_code'], unique=False)

    op.create_table('person',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('folio', sa.String(length=12), nullable=False),
    sa.Column('birth_lookup', sa.LargeBinary(length=32), nullable=False),
    sa.Column('sex', sa.Enum('female', 'male', 'other', name='sex', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('nationality', sa.String(length=2), nullable=False),
    sa.Column('population_group', sa.Enum('refugee', 'migrant', 'returnee', 'host', name='populationgroup', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('has_disability', sa.Boolean(), nullable=True),
    sa.Column('is_single_carer', sa.Boolean(), nullable=True),
    sa.Column('language', sa.String(length=3), nullable=False),
    sa.Column('canton_code', sa.String(length=4), nullable=False),
    sa.Column('registered_by_id', sa.Integer(), nullable=False),
    sa.Column('registered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('form_key', sa.String(length=43), nullable=True),
    sa.Column('given_names_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('first_surname_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('second_surname_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('birth_on_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('gender_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('washington_group_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('duplicate_reason_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.ForeignKeyConstraint(['canton_code'], ['canton.code'], name=op.f('fk_person_canton_code')),
    sa.ForeignKeyConstraint(['registered_by_id'], ['user.id'], name=op.f('fk_person_registered_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_person')),
    sa.UniqueConstraint('folio', name=op.f('uq_person_folio')),
    sa.UniqueConstraint('form_key', name=op.f('uq_person_form_key')),
    sa.UniqueConstraint('row_key', name=op.f('uq_person_row_key'))
    )
    with op.batch_alter_table('person', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_person_birth_lookup'), ['birth_lookup'], unique=False)
        batch_op.create_index(batch_op.f('ix_person_canton_code'), ['canton_code'], unique=False)
        batch_op.create_index(batch_op.f('ix_person_registered_by_id'), ['registered_by_id'], unique=False)

    op.create_table('consent',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('text_id', sa.Integer(), nullable=False),
    sa.Column('institution_id', sa.Integer(), nullable=True),
    sa.Column('read_out_by_id', sa.Integer(), nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_consent_person_id')),
    sa.ForeignKeyConstraint(['read_out_by_id'], ['user.id'], name=op.f('fk_consent_read_out_by_id')),
    sa.ForeignKeyConstraint(['text_id'], ['consent_text.id'], name=op.f('fk_consent_text_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_consent'))
    )
    with op.batch_alter_table('consent', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_consent_person_id'), ['person_id'], unique=False)

    op.create_table('contact_point',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('phone', 'whatsapp', 'email', 'leader', name='contactkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('value_lookup', sa.LargeBinary(length=32), nullable=False),
    sa.Column('safe_to_call', sa.Boolean(), nullable=False),
    sa.Column('value_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('owner_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('verified_on', sa.Date(), nullable=True),
    sa.Column('failed_on', sa.Date(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_contact_point_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contact_point')),
    sa.UniqueConstraint('row_key', name=op.f('uq_contact_point_row_key'))
    )
    with op.batch_alter_table('contact_point', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_contact_point_person_id'), ['person_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_contact_point_value_lookup'), ['value_lookup'], unique=False)

    op.create_table('identity_document',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('cedula_ec', 'ruc', 'passport', 'cedula_ve', 'cedula_co', 'foreign_permit', 'refugee_card', 'asylum_request', 'visa', 'birth_record', 'none', name='documentkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('issuer_country', sa.String(length=2), nullable=True),
    sa.Column('number_lookup', sa.LargeBinary(length=32), nullable=True),
    sa.Column('expires_on', sa.Date(), nullable=True),
    sa.Column('seen_original', sa.Boolean(), nullable=False),
    sa.Column('doubt', sa.String(length=40), nullable=True),
    sa.Column('number_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint("(kind = 'none') = (number_lookup IS NULL)", name=op.f('ck_identity_document_none_has_no_number')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_identity_document_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_identity_document')),
    sa.UniqueConstraint('number_lookup', name=op.f('uq_identity_document_number_lookup')),
    sa.UniqueConstraint('row_key', name=op.f('uq_identity_document_row_key'))
    )
    with op.batch_alter_table('identity_document', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_identity_document_person_id'), ['person_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('identity_document', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_identity_document_person_id'))

    op.drop_table('identity_document')
    with op.batch_alter_table('contact_point', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_contact_point_value_lookup'))
        batch_op.drop_index(batch_op.f('ix_contact_point_person_id'))

    op.drop_table('contact_point')
    with op.batch_alter_table('consent', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_consent_person_id'))

    op.drop_table('consent')
    with op.batch_alter_table('person', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_person_registered_by_id'))
        batch_op.drop_index(batch_op.f('ix_person_canton_code'))
        batch_op.drop_index(batch_op.f('ix_person_birth_lookup'))

    op.drop_table('person')
    with op.batch_alter_table('canton', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_canton_province_code'))

    op.drop_table('canton')
    op.drop_table('province')
    op.drop_table('consent_text')
