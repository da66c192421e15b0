"""Outcomes on the road, returns, flagged serial numbers, disputes, incidents, visits after a delivery

Revision: 0027, after 0026
"""

import sqlalchemy as sa
from alembic import op

revision = '0027'
down_revision = '0026'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('monitoring_draw',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('call_id', sa.Integer(), nullable=False),
    sa.Column('seed', sa.String(length=32), nullable=False),
    sa.Column('share_percent', sa.Integer(), nullable=False),
    sa.Column('population', sa.Integer(), nullable=False),
    sa.Column('drawn', sa.Integer(), nullable=False),
    sa.Column('made_by_id', sa.Integer(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('drawn BETWEEN 1 AND population', name=op.f('ck_monitoring_draw_drawn')),
    sa.CheckConstraint('share_percent BETWEEN 1 AND 100', name=op.f('ck_monitoring_draw_share')),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_monitoring_draw_call_id')),
    sa.ForeignKeyConstraint(['made_by_id'], ['user.id'], name=op.f('fk_monitoring_draw_made_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_monitoring_draw'))
    )
    with op.batch_alter_table('monitoring_draw', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_monitoring_draw_call_id'), ['call_id'], unique=False)

    op.create_table('dispute',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('folio', sa.String(length=12), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.Column('came_from', sa.Enum('draft', 'planned', 'approved', 'packed', 'sealed', 'cleared', 'scheduled', 'in_transit', 'at_point', 'provisional', 'review', 'confirmed', 'no_show', 'refused', 'partial', 'returning', 'returned', 'held', 'seized', 'disputed', 'replacement', 'reconciled', 'monitored', 'closed', 'cancelled', name='came_from', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('reason', sa.Enum('nobody_came', 'did_not_want', 'wrong_goods', 'damaged', 'seal_broken', 'some_missing', 'rescheduled', 'taken', 'identity_not_proven', 'not_received', 'not_complete', 'not_as_agreed', 'records_agree', 'records_differ', 'road_closed', 'planned_by_mistake', 'award_ended', 'other', name='reason', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('opened_by_id', sa.Integer(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('outcome', sa.Enum('reconciled', 'replacement', name='disputeoutcome', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('proposal', sa.Integer(), nullable=False),
    sa.Column('proposed_by_id', sa.Integer(), nullable=True),
    sa.Column('decided_by_id', sa.Integer(), nullable=True),
    sa.Column('said_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('answer_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint('(decided_at IS NULL) = (decided_by_id IS NULL)', name=op.f('ck_dispute_decided_by_somebody')),
    sa.CheckConstraint('(outcome IS NULL) = (proposed_by_id IS NULL)', name=op.f('ck_dispute_proposed_by_somebody')),
    sa.CheckConstraint('decided_at IS NULL OR outcome IS NOT NULL', name=op.f('ck_dispute_decided_has_outcome')),
    sa.CheckConstraint('decided_by_id <> proposed_by_id', name=op.f('ck_dispute_two_people_decide')),
    sa.CheckConstraint('opened_by_id <> proposed_by_id AND opened_by_id <> decided_by_id', name=op.f('ck_dispute_not_the_opener')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['user.id'], name=op.f('fk_dispute_decided_by_id')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_dispute_delivery_id')),
    sa.ForeignKeyConstraint(['opened_by_id'], ['user.id'], name=op.f('fk_dispute_opened_by_id')),
    sa.ForeignKeyConstraint(['proposed_by_id'], ['user.id'], name=op.f('fk_dispute_proposed_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dispute')),
    sa.UniqueConstraint('folio', name=op.f('uq_dispute_folio')),
    sa.UniqueConstraint('row_key', name=op.f('uq_dispute_row_key'))
    )
    with op.batch_alter_table('dispute', schema=None) as batch_op:
        batch_op.create_index('ix_dispute_decided_at', ['decided_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_dispute_delivery_id'), ['delivery_id'], unique=False)
        batch_op.create_index('uq_dispute_open', ['delivery_id'], unique=True, sqlite_where=sa.text('decided_at IS NULL'), postgresql_where=sa.text('decided_at IS NULL'))

    op.create_table('draw_entry',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('draw_id', sa.Integer(), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.Column('is_drawn', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_draw_entry_delivery_id')),
    sa.ForeignKeyConstraint(['draw_id'], ['monitoring_draw.id'], name=op.f('fk_draw_entry_draw_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_draw_entry')),
    sa.UniqueConstraint('delivery_id', name=op.f('uq_draw_entry_delivery_id'))
    )
    with op.batch_alter_table('draw_entry', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_draw_entry_draw_id'), ['draw_id'], unique=False)

    op.create_table('flagged_serial',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('serial_number', sa.String(length=60), nullable=False),
    sa.Column('why', sa.Enum('seized', 'missing', 'disputed', name='flagreason', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.Column('flagged_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('flagged_by_id', sa.Integer(), nullable=False),
    sa.Column('lifted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lifted_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('(lifted_at IS NULL) = (lifted_by_id IS NULL)', name=op.f('ck_flagged_serial_lifted_by_somebody')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_flagged_serial_delivery_id')),
    sa.ForeignKeyConstraint(['flagged_by_id'], ['user.id'], name=op.f('fk_flagged_serial_flagged_by_id')),
    sa.ForeignKeyConstraint(['lifted_by_id'], ['user.id'], name=op.f('fk_flagged_serial_lifted_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_flagged_serial'))
    )
    with op.batch_alter_table('flagged_serial', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_flagged_serial_delivery_id'), ['delivery_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_flagged_serial_serial_number'), ['serial_number'], unique=False)
        batch_op.create_index('uq_flagged_serial_live', ['serial_number'], unique=True, sqlite_where=sa.text('lifted_at IS NULL'), postgresql_where=sa.text('lifted_at IS NULL'))

    op.create_table('incident',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('folio', sa.String(length=12), nullable=False),
    sa.Column('kind', sa.Enum('extortion', 'threat', 'robbery', 'seizure', 'accident', 'lost_kit', 'lost_card', 'lost_phone', 'data_leak', 'other', name='incidentkind', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('urgency', sa.Enum('now', 'today', 'week', name='urgency', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('canton_code', sa.String(length=4), nullable=False),
    sa.Column('happened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=True),
    sa.Column('run_id', sa.Integer(), nullable=True),
    sa.Column('reported_by_id', sa.Integer(), nullable=False),
    sa.Column('reported_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.Enum('open', 'following', 'closed', name='incidentstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('outcome', sa.Enum('solved', 'referred', 'recovered', 'not_recovered', 'unfounded', name='incidentoutcome', native_enum=False, create_constraint=True, length=40), nullable=True),
    sa.Column('assigned_to_id', sa.Integer(), nullable=True),
    sa.Column('entries_written', sa.Integer(), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('said_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name=op.f('ck_incident_closed')),
    sa.CheckConstraint("(state = 'closed') = (outcome IS NOT NULL)", name=op.f('ck_incident_outcome')),
    sa.ForeignKeyConstraint(['assigned_to_id'], ['user.id'], name=op.f('fk_incident_assigned_to_id')),
    sa.ForeignKeyConstraint(['canton_code'], ['canton.code'], name=op.f('fk_incident_canton_code')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_incident_delivery_id')),
    sa.ForeignKeyConstraint(['reported_by_id'], ['user.id'], name=op.f('fk_incident_reported_by_id')),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_incident_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_incident')),
    sa.UniqueConstraint('folio', name=op.f('uq_incident_folio')),
    sa.UniqueConstraint('row_key', name=op.f('uq_incident_row_key'))
    )
    with op.batch_alter_table('incident', schema=None) as batch_op:
        batch_op.create_index('ix_incident_canton_happened', ['canton_code', 'happened_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_incident_delivery_id'), ['delivery_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_incident_reported_by_id'), ['reported_by_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_incident_run_id'), ['run_id'], unique=False)
        batch_op.create_index('ix_incident_state_id', ['state', 'id'], unique=False)

    op.create_table('return_count',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.Column('seal_state', sa.Enum('whole', 'broken', 'gone', name='sealstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('reason', sa.Enum('nobody_came', 'did_not_want', 'wrong_goods', 'damaged', 'seal_broken', 'some_missing', 'rescheduled', 'taken', 'identity_not_proven', 'not_received', 'not_complete', 'not_as_agreed', 'records_agree', 'records_differ', 'road_closed', 'planned_by_mistake', 'award_ended', 'other', name='reason', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('differs', sa.Boolean(), nullable=False),
    sa.Column('counted_by_id', sa.Integer(), nullable=False),
    sa.Column('counted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('signed_by_id', sa.Integer(), nullable=True),
    sa.Column('note_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('signed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint('(signed_at IS NULL) = (signed_by_id IS NULL)', name=op.f('ck_return_count_signed_by_somebody')),
    sa.CheckConstraint('signed_by_id <> counted_by_id', name=op.f('ck_return_count_two_people')),
    sa.ForeignKeyConstraint(['counted_by_id'], ['user.id'], name=op.f('fk_return_count_counted_by_id')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_return_count_delivery_id')),
    sa.ForeignKeyConstraint(['signed_by_id'], ['user.id'], name=op.f('fk_return_count_signed_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_return_count')),
    sa.UniqueConstraint('delivery_id', name=op.f('uq_return_count_delivery_id')),
    sa.UniqueConstraint('row_key', name=op.f('uq_return_count_row_key'))
    )
    op.create_table('road_outcome',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('draft', 'planned', 'approved', 'packed', 'sealed', 'cleared', 'scheduled', 'in_transit', 'at_point', 'provisional', 'review', 'confirmed', 'no_show', 'refused', 'partial', 'returning', 'returned', 'held', 'seized', 'disputed', 'replacement', 'reconciled', 'monitored', 'closed', 'cancelled', name='deliverystate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('reason', sa.Enum('nobody_came', 'did_not_want', 'wrong_goods', 'damaged', 'seal_broken', 'some_missing', 'rescheduled', 'taken', 'identity_not_proven', 'not_received', 'not_complete', 'not_as_agreed', 'records_agree', 'records_differ', 'road_closed', 'planned_by_mistake', 'award_ended', 'other', name='reason', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('waited_minutes', sa.Integer(), nullable=True),
    sa.Column('calls', sa.Integer(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('said_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint("state IN ('no_show', 'refused', 'partial')", name=op.f('ck_road_outcome_not_handed_over')),
    sa.CheckConstraint('calls >= 0', name=op.f('ck_road_outcome_calls')),
    sa.CheckConstraint('waited_minutes >= 0', name=op.f('ck_road_outcome_waited')),
    sa.ForeignKeyConstraint(['by_id'], ['user.id'], name=op.f('fk_road_outcome_by_id')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_road_outcome_delivery_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_road_outcome')),
    sa.UniqueConstraint('delivery_id', name=op.f('uq_road_outcome_delivery_id')),
    sa.UniqueConstraint('row_key', name=op.f('uq_road_outcome_row_key'))
    )
    op.create_table('visit',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('due_from', sa.Date(), nullable=False),
    sa.Column('due_until', sa.Date(), nullable=False),
    sa.Column('state', sa.Enum('due', 'answered', 'no_consent', 'not_reached', name='visitstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=True),
    sa.Column('interviewer_id', sa.Integer(), nullable=True),
    sa.Column('planned_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('answers_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.CheckConstraint("state <> 'answered' OR (answers_sealed IS NOT NULL AND version IS NOT NULL)", name=op.f('ck_visit_answers')),
    sa.CheckConstraint("(state = 'due') = (ended_at IS NULL)", name=op.f('ck_visit_ended')),
    sa.CheckConstraint('due_until >= due_from', name=op.f('ck_visit_window')),
    sa.CheckConstraint('round >= 1', name=op.f('ck_visit_round')),
    sa.ForeignKeyConstraint(['delivery_id'], ['delivery.id'], name=op.f('fk_visit_delivery_id')),
    sa.ForeignKeyConstraint(['interviewer_id'], ['user.id'], name=op.f('fk_visit_interviewer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_visit')),
    sa.UniqueConstraint('delivery_id', 'round', name=op.f('uq_visit_delivery_id_round')),
    sa.UniqueConstraint('row_key', name=op.f('uq_visit_row_key'))
    )
    with op.batch_alter_table('visit', schema=None) as batch_op:
        batch_op.create_index('ix_visit_state_due', ['state', 'due_until', 'id'], unique=False)

    op.create_table('incident_entry',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('incident_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('open', 'following', 'closed', name='incidentstate', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.Column('note_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('row_key', sa.String(length=22), nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['user.id'], name=op.f('fk_incident_entry_by_id')),
    sa.ForeignKeyConstraint(['incident_id'], ['incident.id'], name=op.f('fk_incident_entry_incident_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_incident_entry')),
    sa.UniqueConstraint('row_key', name=op.f('uq_incident_entry_row_key'))
    )
    with op.batch_alter_table('incident_entry', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_incident_entry_incident_id'), ['incident_id'], unique=False)

    op.create_table('line_outcome',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('line_id', sa.Integer(), nullable=False),
    sa.Column('with_person', sa.Integer(), nullable=False),
    sa.Column('missing', sa.Integer(), nullable=False),
    sa.Column('came_back', sa.Integer(), nullable=True),
    sa.CheckConstraint('came_back >= 0', name=op.f('ck_line_outcome_came_back')),
    sa.CheckConstraint('missing >= 0', name=op.f('ck_line_outcome_missing')),
    sa.CheckConstraint('with_person >= 0', name=op.f('ck_line_outcome_with_person')),
    sa.ForeignKeyConstraint(['line_id'], ['kit_line.id'], name=op.f('fk_line_outcome_line_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_line_outcome')),
    sa.UniqueConstraint('line_id', name=op.f('uq_line_outcome_line_id'))
    )
    op.create_table('visit_attempt',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('visit_id', sa.Integer(), nullable=False),
    sa.Column('reason', sa.Enum('no_answer', 'number_dead', 'not_at_home', 'moved', 'later', 'not_safe', name='attemptreason', native_enum=False, create_constraint=True, length=40), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['user.id'], name=op.f('fk_visit_attempt_by_id')),
    sa.ForeignKeyConstraint(['visit_id'], ['visit.id'], name=op.f('fk_visit_attempt_visit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_visit_attempt'))
    )
    with op.batch_alter_table('visit_attempt', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_visit_attempt_visit_id'), ['visit_id'], unique=False)

    # In one statement with its constraint: SQLite would otherwise have to rebuild the table.
    op.execute(
        "ALTER TABLE symbol_card ADD COLUMN printed_by_id INTEGER"
        " CONSTRAINT fk_symbol_card_printed_by_id REFERENCES \"user\" (id)"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE symbol_card DROP COLUMN printed_by_id")
    with op.batch_alter_table('visit_attempt', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_visit_attempt_visit_id'))

    op.drop_table('visit_attempt')
    op.drop_table('line_outcome')
    with op.batch_alter_table('incident_entry', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_incident_entry_incident_id'))

    op.drop_table('incident_entry')
    with op.batch_alter_table('visit', schema=None) as batch_op:
        batch_op.drop_index('ix_visit_state_due')

    op.drop_table('visit')
    op.drop_table('road_outcome')
    op.drop_table('return_count')
    with op.batch_alter_table('incident', schema=None) as batch_op:
        batch_op.drop_index('ix_incident_state_id')
        batch_op.drop_index(batch_op.f('ix_incident_run_id'))
        batch_op.drop_index(batch_op.f('ix_incident_reported_by_id'))
        batch_op.drop_index(batch_op.f('ix_incident_delivery_id'))
        batch_op.drop_index('ix_incident_canton_happened')

    op.drop_table('incident')
    with op.batch_alter_table('flagged_serial', schema=None) as batch_op:
        batch_op.drop_index('uq_flagged_serial_live', sqlite_where=sa.text('lifted_at IS NULL'), postgresql_where=sa.text('lifted_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_flagged_serial_serial_number'))
        batch_op.drop_index(batch_op.f('ix_flagged_serial_delivery_id'))

    op.drop_table('flagged_serial')
    with op.batch_alter_table('draw_entry', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_draw_entry_draw_id'))

    op.drop_table('draw_entry')
    with op.batch_alter_table('dispute', schema=None) as batch_op:
        batch_op.drop_index('uq_dispute_open', sqlite_where=sa.text('decided_at IS NULL'), postgresql_where=sa.text('decided_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_dispute_delivery_id'))
        batch_op.drop_index('ix_dispute_decided_at')

    op.drop_table('dispute')
    with op.batch_alter_table('monitoring_draw', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_monitoring_draw_call_id'))

    op.drop_table('monitoring_draw')
