"""The shape of what people type about deliveries."""

from grants.delivery.forms.handling import (
    ActionForm,
    CancelForm,
    CodeField,
    KitForm,
    PictureForm,
    PinForm,
    ReasonForm,
    RefusedForm,
    SealForm,
    TakeBackForm,
    plain,
)
from grants.delivery.forms.handover import AlternateForm, HandoverForm
from grants.delivery.forms.planning import ALL, ApplyForm, ApproveForm, CallForm, SheetForm
from grants.delivery.forms.printing import PrintForm
from grants.delivery.forms.road import CaseForm, PhotoForm
from grants.delivery.forms.runs import DispatchForm, MemberForm, PlaceForm, RunForm, StopsForm, TeamForm, VehicleForm

__all__ = [
    "ALL",
    "ActionForm",
    "AlternateForm",
    "ApplyForm",
    "ApproveForm",
    "CallForm",
    "CancelForm",
    "CaseForm",
    "CodeField",
    "DispatchForm",
    "HandoverForm",
    "KitForm",
    "MemberForm",
    "PhotoForm",
    "PictureForm",
    "PinForm",
    "PlaceForm",
    "PrintForm",
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
