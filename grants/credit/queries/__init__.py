"""Questions about institutions, referrals and linkages. Always ordered; what a reader may not see is not found."""

from grants.credit.queries.figures import credited_people, linked_by_province, linked_people, stuck, waiting_for
from grants.credit.queries.institutions import (
    active_institutions,
    all_cantons,
    all_institutions,
    free_liaisons,
    get_institution,
    get_post,
    institutions_page,
    liaison_institution,
    liaison_post,
    posts_of,
)
from grants.credit.queries.linkages import (
    LinkageFilter,
    get_linkage,
    get_own_linkage,
    linkage_by_folio,
    linkages_page,
    linkages_visible_to,
    rows_to_export,
)
from grants.credit.queries.referrals import (
    consent_texts,
    get_own_referral,
    get_person,
    get_referral,
    open_referral,
    own_referrals_page,
    referrals_of_person,
    referrals_visible_to,
)

__all__ = [
    "LinkageFilter", "active_institutions", "all_cantons", "all_institutions", "consent_texts", "credited_people",
    "free_liaisons",
    "get_institution", "get_linkage", "get_own_linkage", "get_own_referral", "get_person", "get_post",
    "get_referral", "institutions_page", "liaison_institution", "liaison_post", "linkage_by_folio",
    "linkages_page", "linkages_visible_to", "linked_by_province", "linked_people", "open_referral",
    "own_referrals_page", "posts_of", "referrals_of_person", "referrals_visible_to", "rows_to_export", "stuck",
    "waiting_for",
]  # fmt: skip
