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
    VIEW_DELIVERY = "view_delivery"
    PLAN_DELIVERY = "plan_delivery"
    APPROVE_DELIVERY = "approve_delivery"
    ISSUE_CARD = "issue_card"
    PACK_KIT = "pack_kit"
    CARRY_DELIVERY = "carry_delivery"
    CONFIRM_HANDOVER = "confirm_handover"
    MANAGE_INSTITUTION = "manage_institution"
    REFER_PERSON = "refer_person"
    VIEW_LINKAGE = "view_linkage"
    LOG_LINKAGE = "log_linkage"
    VIEW_RESULTS = "view_results"
    OPEN_RESULT_RECORDS = "open_result_records"
    MANAGE_USERS = "manage_users"
    VIEW_JOURNAL = "view_journal"


P = Permission

GRANTED: dict[Role, frozenset[Permission]] = {
    Role.ENUMERATOR: frozenset({P.REGISTER_PERSON, P.VIEW_PERSON, P.VIEW_CALL, P.EDIT_APPLICATION, P.VIEW_APPLICATION}),
    Role.EVALUATOR: frozenset({P.VIEW_CALL, P.SCORE_APPLICATION}),
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
            P.VIEW_DELIVERY,
            P.PLAN_DELIVERY,
            P.APPROVE_DELIVERY,
            P.ISSUE_CARD,
            P.MANAGE_INSTITUTION,
            P.REFER_PERSON,
            P.VIEW_LINKAGE,
            P.VIEW_RESULTS,
        }
    ),  # fmt: skip
    Role.OFFICER: frozenset({P.CARRY_DELIVERY, P.CONFIRM_HANDOVER}),
    Role.WAREHOUSE: frozenset({P.VIEW_DELIVERY, P.PACK_KIT}),
    Role.DESK: frozenset({P.VIEW_DELIVERY}),
    Role.LIAISON: frozenset({P.LOG_LINKAGE}),
    Role.MONITORING: frozenset(
        {
            P.VIEW_PERSON,
            P.VIEW_CALL,
            P.VIEW_APPLICATION,
            P.VIEW_SELECTION,
            P.VIEW_DELIVERY,
            P.VIEW_LINKAGE,
            P.VIEW_RESULTS,
            P.OPEN_RESULT_RECORDS,
        }
    ),  # fmt: skip
    Role.AUDITOR: frozenset({P.VIEW_CALL, P.VIEW_SELECTION, P.VIEW_RESULTS, P.VIEW_JOURNAL}),
    Role.ADMINISTRATOR: frozenset({P.MANAGE_USERS, P.VIEW_JOURNAL}),
}


def permissions_of(roles: frozenset[Role]) -> frozenset[Permission]:
    """What a set of roles may do together."""
    return frozenset({P.PUBLIC, P.SIGNED_IN}).union(*(GRANTED[role] for role in roles))
