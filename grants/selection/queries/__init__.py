"""Questions about selections, awards and waiting lists."""

from grants.selection.queries.awards import (
    award_counts,
    awards_page,
    first_waiting,
    get_award,
    next_waiting,
    replacement_of,
    row_of,
    waiting_page,
)
from grants.selection.queries.inputs import Candidate, Inputs, hash_of, selection_inputs
from grants.selection.queries.runs import (
    Cut,
    act_data,
    calls_to_select,
    counts_of,
    cut_of,
    get_selection,
    published_selection,
    ranked_page,
    rows_for_act,
    runs_page,
    unranked_page,
)

__all__ = [
    "Candidate",
    "Cut",
    "Inputs",
    "act_data",
    "award_counts",
    "awards_page",
    "calls_to_select",
    "counts_of",
    "cut_of",
    "first_waiting",
    "get_award",
    "get_selection",
    "hash_of",
    "next_waiting",
    "published_selection",
    "ranked_page",
    "replacement_of",
    "row_of",
    "rows_for_act",
    "runs_page",
    "selection_inputs",
    "unranked_page",
    "waiting_page",
]
