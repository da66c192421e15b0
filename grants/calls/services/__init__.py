"""Verbs of programmes, calls, rubrics and quotas."""

from grants.calls.services.calls import (
    MINIMUM_LEVELS,
    SEED_BYTES,
    CallFields,
    CriterionFields,
    ProgrammeFields,
    check_criteria,
    close,
    create_call,
    create_programme,
    edit_call,
    edit_programme,
    extend,
    publish,
    save_rubric,
)
from grants.calls.services.quotas import MOST_QUOTAS, QuotaFields, Share, check_quotas, save_quotas

__all__ = [
    "MINIMUM_LEVELS",
    "MOST_QUOTAS",
    "SEED_BYTES",
    "CallFields",
    "CriterionFields",
    "ProgrammeFields",
    "QuotaFields",
    "Share",
    "check_criteria",
    "check_quotas",
    "close",
    "create_call",
    "create_programme",
    "edit_call",
    "edit_programme",
    "extend",
    "publish",
    "save_quotas",
    "save_rubric",
]
