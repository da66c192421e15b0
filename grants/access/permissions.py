"""Who may do what: one table, read by every route."""

from enum import StrEnum

from flask_babel import lazy_gettext as _


class Role(StrEnum):
    ENUMERATOR = "enumerator"
    EVALUATOR = "evaluator"
    COORDINATOR = "coordinator"
    OFFICER = "officer"
    WAREHOUSE = "warehouse"
    DESK = "desk"
    LIAISON = "liaison"
    MONITORING = "monitoring"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    DIRECTOR = "director"


ROLE_NAMES = {
    Role.ENUMERATOR: _("Enumerator"),
    Role.EVALUATOR: _("Evaluator"),
    Role.COORDINATOR: _("Coordinator"),
    Role.OFFICER: _("Logistics officer"),
    Role.WAREHOUSE: _("Warehouse keeper"),
    Role.DESK: _("Security desk"),
    Role.LIAISON: _("Cooperative liaison"),
    Role.MONITORING: _("Monitoring officer"),
    Role.AUDITOR: _("Auditor or donor"),
    Role.ADMINISTRATOR: _("Administrator"),
    Role.DIRECTOR: _("Director"),
}


class Permission(StrEnum):
    PUBLIC = "public"  # no account
    SIGNED_IN = "signed_in"  # any account, with both factors

    REGISTER_PERSON = "register_person"
    VIEW_PERSON = "view_person"
    MANAGE_TRAINING = "manage_training"
    VIEW_CALL = "view_call"
    MANAGE_CALL = "manage_call"
    EDIT_APPLICATION = "edit_application"
    VIEW_APPLICATION = "view_application"
    ASSIGN_EVALUATORS = "assign_evaluators"
    SCORE_APPLICATION = "score_application"
    VIEW_SELECTION = "view_selection"
    RUN_SELECTION = "run_selection"
    APPROVE_SELECTION = "approve_selection"
    TELL_RESULT = "tell_result"
    DECIDE_APPEAL = "decide_appeal"
    VIEW_DELIVERY = "view_delivery"
    PLAN_DELIVERY = "plan_delivery"
    APPROVE_DELIVERY = "approve_delivery"
    ISSUE_CARD = "issue_card"
    PACK_KIT = "pack_kit"
    CARRY_DELIVERY = "carry_delivery"
    CONFIRM_HANDOVER = "confirm_handover"
    MANAGE_STOCK = "manage_stock"
    APPROVE_SUBSTITUTION = "approve_substitution"
    PLAN_RUN = "plan_run"
    VIEW_RISK = "view_risk"
    DECIDE_RISK = "decide_risk"
    SIGN_RISK = "sign_risk"
    MANAGE_PROTOCOL = "manage_protocol"
    GIVE_CONTROL_CODE = "give_control_code"
    ANSWER_STOPS = "answer_stops"
    FOLLOW_INCIDENT = "follow_incident"
    RECONCILE_DELIVERY = "reconcile_delivery"
    MONITOR_DELIVERY = "monitor_delivery"
    DISPUTE_DELIVERY = "dispute_delivery"
    DECIDE_DISPUTE = "decide_dispute"
    MANAGE_INSTITUTION = "manage_institution"
    REFER_PERSON = "refer_person"
    VIEW_LINKAGE = "view_linkage"
    LOG_LINKAGE = "log_linkage"
    DECIDE_REVERSAL = "decide_reversal"
    VIEW_PORTFOLIO = "view_portfolio"
    SURVEY_CREDIT = "survey_credit"
    MANAGE_CEILING = "manage_ceiling"
    VIEW_RESULTS = "view_results"
    OPEN_RESULT_RECORDS = "open_result_records"
    MANAGE_USERS = "manage_users"
    VIEW_JOURNAL = "view_journal"


# In the words of somebody who lends one of them to a program.
PERMISSION_NAMES = {
    Permission.REGISTER_PERSON: _("Register people"),
    Permission.VIEW_PERSON: _("See people"),
    Permission.MANAGE_TRAINING: _("Manage training"),
    Permission.VIEW_CALL: _("See calls"),
    Permission.MANAGE_CALL: _("Manage calls"),
    Permission.EDIT_APPLICATION: _("Write applications"),
    Permission.VIEW_APPLICATION: _("See applications"),
    Permission.ASSIGN_EVALUATORS: _("Assign evaluators"),
    Permission.SCORE_APPLICATION: _("Score applications"),
    Permission.VIEW_SELECTION: _("See selections"),
    Permission.RUN_SELECTION: _("Run selections"),
    Permission.APPROVE_SELECTION: _("Approve selections"),
    Permission.TELL_RESULT: _("Tell applicants how to see their result"),
    Permission.DECIDE_APPEAL: _("Decide appeals"),
    Permission.VIEW_DELIVERY: _("See deliveries"),
    Permission.PLAN_DELIVERY: _("Plan deliveries"),
    Permission.APPROVE_DELIVERY: _("Approve deliveries"),
    Permission.ISSUE_CARD: _("Issue symbol cards"),
    Permission.PACK_KIT: _("Pack kits"),
    Permission.CARRY_DELIVERY: _("Carry deliveries"),
    Permission.CONFIRM_HANDOVER: _("Confirm handovers"),
    Permission.MANAGE_STOCK: _("Manage stock"),
    Permission.APPROVE_SUBSTITUTION: _("Approve substitutions in kits"),
    Permission.PLAN_RUN: _("Plan runs"),
    Permission.VIEW_RISK: _("See the risk of areas"),
    Permission.DECIDE_RISK: _("Decide the risk of areas, clear and hold deliveries"),
    Permission.SIGN_RISK: _("Sign lower risk levels and resumed deliveries"),
    Permission.MANAGE_PROTOCOL: _("Change what each risk level asks for"),
    Permission.GIVE_CONTROL_CODE: _("Give control-room codes"),
    Permission.ANSWER_STOPS: _("Answer who asks for the next stop"),
    Permission.FOLLOW_INCIDENT: _("Follow incidents up"),
    Permission.RECONCILE_DELIVERY: _("Reconcile deliveries"),
    Permission.MONITOR_DELIVERY: _("Visit people after a delivery"),
    Permission.DISPUTE_DELIVERY: _("Open a dispute about a delivery"),
    Permission.DECIDE_DISPUTE: _("Decide disputes about deliveries"),
    Permission.MANAGE_INSTITUTION: _("Manage institutions"),
    Permission.REFER_PERSON: _("Refer people"),
    Permission.VIEW_LINKAGE: _("See credit linkages"),
    Permission.LOG_LINKAGE: _("Log credit linkages"),
    Permission.DECIDE_REVERSAL: _("Decide whether a movement of a credit is taken back"),
    Permission.VIEW_PORTFOLIO: _("See the figures about credit"),
    Permission.SURVEY_CREDIT: _("Ask people how getting credit went"),
    Permission.MANAGE_CEILING: _("Manage the ceilings of rates"),
    Permission.VIEW_RESULTS: _("See results"),
    Permission.OPEN_RESULT_RECORDS: _("Open the records behind results"),
    Permission.MANAGE_USERS: _("Manage users"),
    Permission.VIEW_JOURNAL: _("Read the journal"),
}

P = Permission

GRANTED: dict[Role, frozenset[Permission]] = {
    Role.ENUMERATOR: frozenset(
        {
            P.REGISTER_PERSON,
            P.VIEW_PERSON,
            P.VIEW_CALL,
            P.EDIT_APPLICATION,
            P.VIEW_APPLICATION,
            P.TELL_RESULT,
            P.MONITOR_DELIVERY,
            P.SURVEY_CREDIT,
        }
    ),  # fmt: skip
    Role.EVALUATOR: frozenset({P.VIEW_CALL, P.SCORE_APPLICATION, P.DECIDE_APPEAL}),
    Role.COORDINATOR: frozenset(
        {
            P.REGISTER_PERSON,
            P.VIEW_PERSON,
            P.MANAGE_TRAINING,
            P.VIEW_CALL,
            P.MANAGE_CALL,
            P.EDIT_APPLICATION,
            P.VIEW_APPLICATION,
            P.ASSIGN_EVALUATORS,
            P.VIEW_SELECTION,
            P.RUN_SELECTION,
            P.APPROVE_SELECTION,
            P.TELL_RESULT,
            P.DECIDE_APPEAL,
            P.VIEW_DELIVERY,
            P.PLAN_DELIVERY,
            P.APPROVE_DELIVERY,
            P.ISSUE_CARD,
            P.APPROVE_SUBSTITUTION,
            P.PLAN_RUN,
            P.VIEW_RISK,
            P.RECONCILE_DELIVERY,
            P.DISPUTE_DELIVERY,
            P.DECIDE_DISPUTE,
            P.MANAGE_INSTITUTION,
            P.REFER_PERSON,
            P.VIEW_LINKAGE,
            P.DECIDE_REVERSAL,
            P.VIEW_PORTFOLIO,
            P.VIEW_RESULTS,
        }
    ),  # fmt: skip
    Role.OFFICER: frozenset({P.CARRY_DELIVERY, P.CONFIRM_HANDOVER, P.VIEW_RISK}),
    Role.WAREHOUSE: frozenset({P.VIEW_DELIVERY, P.PACK_KIT, P.MANAGE_STOCK, P.VIEW_RISK}),
    Role.DESK: frozenset(
        {P.VIEW_DELIVERY, P.VIEW_RISK, P.DECIDE_RISK, P.GIVE_CONTROL_CODE, P.ANSWER_STOPS, P.FOLLOW_INCIDENT}
    ),
    Role.LIAISON: frozenset({P.LOG_LINKAGE, P.DECIDE_REVERSAL}),
    Role.MONITORING: frozenset(
        {
            P.VIEW_PERSON,
            P.VIEW_CALL,
            P.VIEW_APPLICATION,
            P.VIEW_SELECTION,
            P.VIEW_DELIVERY,
            P.VIEW_RISK,
            P.RECONCILE_DELIVERY,
            P.MONITOR_DELIVERY,
            P.DISPUTE_DELIVERY,
            P.VIEW_LINKAGE,
            P.VIEW_PORTFOLIO,
            P.SURVEY_CREDIT,
            P.VIEW_RESULTS,
            P.OPEN_RESULT_RECORDS,
        }
    ),  # fmt: skip
    Role.AUDITOR: frozenset({P.VIEW_CALL, P.VIEW_SELECTION, P.VIEW_PORTFOLIO, P.VIEW_RESULTS, P.VIEW_JOURNAL}),
    Role.ADMINISTRATOR: frozenset({P.MANAGE_USERS, P.VIEW_JOURNAL, P.MANAGE_PROTOCOL, P.MANAGE_CEILING}),
    Role.DIRECTOR: frozenset(
        {P.VIEW_DELIVERY, P.VIEW_RISK, P.SIGN_RISK, P.FOLLOW_INCIDENT, P.DECIDE_DISPUTE, P.VIEW_RESULTS}
    ),
}


def permissions_of(roles: frozenset[Role]) -> frozenset[Permission]:
    """What a set of roles may do together."""
    return frozenset({P.PUBLIC, P.SIGNED_IN}).union(*(GRANTED[role] for role in roles))
