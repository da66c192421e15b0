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
from grants.delivery.forms.road import CaseForm, PhotoForm

__all__ = [
    "ActionForm",
    "AlternateForm",
    "CancelForm",
    "CaseForm",
    "CodeField",
    "HandoverForm",
    "KitForm",
    "PhotoForm",
    "PictureForm",
    "PinForm",
    "ReasonForm",
    "RefusedForm",
    "SealForm",
    "TakeBackForm",
    "plain",
]
