"""The pages of access, by who opens them."""

from grants.access.views import account, administration, factors, health, invitations, journal, sign_in, tokens
from grants.access.views.blueprint import bp

__all__ = ["account", "administration", "bp", "factors", "health", "invitations", "journal", "sign_in", "tokens"]
