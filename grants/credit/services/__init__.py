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
from grants.credit.services.linkages import Step, log_step, log_step_once, note_export, open_linkage
from grants.credit.services.movements import Movement, log_movement, settle, standing_of, terms_of
from grants.credit.services.referrals import accept, decline, refer, withdraw
from grants.credit.services.request_keys import KeyReused

__all__ = [
    "InstitutionFacts", "KeyReused", "Movement", "Step", "accept", "activate", "assign_liaison", "create_institution",
    "deactivate", "decline", "log_movement", "log_step", "log_step_once", "note_export", "open_linkage", "refer",
    "release_liaison", "settle", "standing_of", "terms_of", "update_institution", "withdraw",
]  # fmt: skip
