"""The shape of what people type about deliveries."""

from grants.delivery.forms.handling import (
    ActionForm,
    CancelForm,
    CodeField,
    HandoverForm,
    KitForm,
    PictureForm,
    PinForm,
    ReasonForm,
    RefusedForm,
    SealForm,
    TakeBackForm,
    plain,
)
from grants.delivery.forms.planning import ALL, ApplyForm, ApproveForm, CallForm, SheetForm
from grants.delivery.forms.runs import DispatchForm, MemberForm, PlaceForm, RunForm, StopsForm, TeamForm, VehicleForm

__all__ = [
    "ALL",
    "ActionForm",
    "ApplyForm",
    "ApproveForm",
    "CallForm",
    "CancelForm",
    "CodeField",
    "DispatchForm",
    "HandoverForm",
    "KitForm",
    "MemberForm",
    "PictureForm",
    "PinForm",
    "PlaceForm",
    "ReasonForm",
    "RefusedForm",
    "RunForm",
    "SealForm",
    "SheetForm",
    "StopsForm",
    "TakeBackForm",
    "TeamForm",
    "VehicleForm",
    "plain",
]
