"""What can be done with accounts: each verb asks first, then changes, and leaves its entry in the journal."""

from grants.access.services.accounts import (
    approve_reset,
    change_roles,
    deactivate,
    reactivate,
    reinvite,
    request_reset,
    unlock,
    withdraw_reset,
)
from grants.access.services.invitations import accept_invitation, choose_password, invite, normal_email
from grants.access.services.keys import reseal_batch
from grants.access.services.own import (
    change_language,
    change_password,
    confirm_delivery_factor,
    create_token,
    end_all_sessions,
    end_session,
    renew_recovery_codes,
    revoke_token,
    start_delivery_factor,
)
from grants.access.services.signing_in import (
    accept_code,
    check_password,
    email_subject,
    end_session_of,
)

__all__ = [
    "accept_code",
    "accept_invitation",
    "approve_reset",
    "change_language",
    "change_password",
    "change_roles",
    "check_password",
    "choose_password",
    "confirm_delivery_factor",
    "create_token",
    "deactivate",
    "email_subject",
    "end_all_sessions",
    "end_session",
    "end_session_of",
    "invite",
    "normal_email",
    "reactivate",
    "reinvite",
    "renew_recovery_codes",
    "request_reset",
    "reseal_batch",
    "revoke_token",
    "start_delivery_factor",
    "unlock",
    "withdraw_reset",
]
