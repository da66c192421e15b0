"""Questions about selections, awards and waiting lists."""

from grants.selection.queries.act import act_data
from grants.selection.queries.awards import (
    active_award,
    award_counts,
    award_of,
    awards_page,
    first_waiting,
    get_award,
    next_waiting,
    replacement_of,
    row_of,
    waiting_page,
)
from grants.selection.queries.comparing import Comparison, base_run, compare, what_ifs_of
from grants.selection.queries.departures import departures_of, directions_of, get_departure, row_by_folio
from grants.selection.queries.explaining import RunPage, ShownRow, group_names, run_page
from grants.selection.queries.inputs import Progress, application_numbers, count_submitted, selection_inputs
from grants.selection.queries.records import StoredInputs, record_of, result_of, stored_inputs, summary_of
from grants.selection.queries.runs import (
    Cut,
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
    "Comparison",
    "Cut",
    "Progress",
    "RunPage",
    "ShownRow",
    "StoredInputs",
    "act_data",
    "active_award",
    "application_numbers",
    "award_counts",
    "award_of",
    "awards_page",
    "base_run",
    "calls_to_select",
    "compare",
    "count_submitted",
    "counts_of",
    "cut_of",
    "departures_of",
    "directions_of",
    "first_waiting",
    "get_award",
    "get_departure",
    "get_selection",
    "group_names",
    "next_waiting",
    "published_selection",
    "ranked_page",
    "record_of",
    "replacement_of",
    "result_of",
    "row_by_folio",
    "row_of",
    "rows_for_act",
    "run_page",
    "runs_page",
    "selection_inputs",
    "stored_inputs",
    "summary_of",
    "unranked_page",
    "waiting_page",
    "what_ifs_of",
]
