"""What can go wrong, in the field's own words."""

from typing import Any


class RuleBroken(Exception):
    """The action is understood, but the programme's rules forbid it now.

    The message is a translated sentence that says what to do next; `field` names the form field it belongs to.
    """

    def __init__(self, message: Any, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class NotFound(Exception):
    """There is no such thing, or not for this person: both answer 404."""
