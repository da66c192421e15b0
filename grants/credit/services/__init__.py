"""What can be done with institutions, referrals and linkages."""

from grants.credit.services.institutions import (
    InstitutionFacts,
    activate,
    assign_liaison,
    create_institution,
    deactivate,
    release_liaison,
    update_institution,
)
from grants.credit.services.linkages import KeyReused, Step, log_step, log_step_once, note_export, open_linkage
from grants.credit.services.referrals import accept, decline, refer, withdraw

__all__ = [
    "InstitutionFacts", "KeyReused", "Step", "accept", "activate", "assign_liaison", "create_institution", "deactivate",
    "decline", "log_step", "log_step_once", "note_export", "open_linkage", "refer", "release_liaison",
    "update_institution", "withdraw",
]  # fmt: skip
