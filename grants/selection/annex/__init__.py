"""How a run was computed, in words and with its own numbers: the methods annex."""

from grants.selection.annex.document import methods_annex

__all__ = ["methods_annex"]
