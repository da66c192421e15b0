"""Files that leave the house about a run: the workbook, the data for R, the methods annex."""

from grants.selection.exports.codes import evaluator_codes
from grants.selection.exports.contents import Contents
from grants.selection.exports.data_for_r import run_data
from grants.selection.exports.workbook import Version, run_workbook

__all__ = ["Contents", "Version", "evaluator_codes", "run_data", "run_workbook"]
