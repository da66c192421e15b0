"""What is asked after a delivery. Versions are only added: each interview keeps the number of the one it used."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _

YES, NO, PREFERS_NOT = "yes", "no", "prefers_not"
PREFERS_NOT_NAME = _("Prefers not to say")
YES_NO = {YES: _("Yes"), NO: _("No")}
GRADES = {
    "5": _("5, very satisfied"),
    "4": _("4, satisfied"),
    "3": _("3, neither"),
    "2": _("2, dissatisfied"),
    "1": _("1, very dissatisfied"),
}
SATISFIED_FROM = 4


class AskedBy(StrEnum):
    ARMED_GROUP = "armed_group"
    LOCAL_LEADER = "local_leader"
    STAFF = "staff"
    AUTHORITY = "authority"
    NEIGHBOUR = "neighbour"
    OTHER = "other"


ASKED_BY = {
    AskedBy.ARMED_GROUP.value: _("A group that is feared"),
    AskedBy.LOCAL_LEADER.value: _("Somebody who leads in the community"),
    AskedBy.STAFF.value: _("Somebody of the programme"),
    AskedBy.AUTHORITY.value: _("Somebody of an authority"),
    AskedBy.NEIGHBOUR.value: _("A neighbour or a relative"),
    AskedBy.OTHER.value: _("Somebody else"),
}


@dataclass(frozen=True, slots=True)
class Question:
    """One question; every one may be answered with "prefers not to say"."""

    code: str
    words: Any
    choices: dict[str, Any]
    is_optional: bool = False

    @property
    def all_choices(self) -> list[tuple[str, Any]]:
        return [*self.choices.items(), (PREFERS_NOT, PREFERS_NOT_NAME)]


ABOUT_SAFETY = (
    Question("asked_to_pay", _("Were you asked to pay or to share anything?"), YES_NO),
    Question("asked_by", _("By whom, if you want to say it?"), ASKED_BY, is_optional=True),
    Question("felt_safe", _("Did you feel safe?"), YES_NO),
)
QUESTIONNAIRES: dict[int, tuple[Question, ...]] = {
    1: (
        Question("received_all", _("Did you receive everything that was agreed?"), YES_NO),
        Question("good_state", _("Was everything in good state?"), YES_NO),
        Question("problem", _("Was there any problem on the day of the delivery?"), YES_NO),
        *ABOUT_SAFETY,
        Question("satisfied", _("How satisfied are you with what you received?"), GRADES),
        Question("in_use", _("Do you still use it?"), YES_NO),
        Question("business_open", _("Is your business open?"), YES_NO),
    ),
    2: (Question("received_what_stayed", _("Did you receive what is listed above?"), YES_NO), *ABOUT_SAFETY),
}
CURRENT = 1  # after a handover
ABOUT_WHAT_STAYED = 2  # where something stayed with the person without their card


def asked_in(version: int | None) -> tuple[Question, ...]:
    """The questions of a visit, by the version that was planned for it; of the one in force where none was."""
    return QUESTIONNAIRES[version or CURRENT]
