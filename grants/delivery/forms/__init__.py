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

__all__ = [
    "ActionForm",
    "AlternateForm",
    "CancelForm",
    "CodeField",
    "HandoverForm",
    "KitForm",
    "PictureForm",
    "PinForm",
    "ReasonForm",
    "RefusedForm",
    "SealForm",
    "TakeBackForm",
    "plain",
]
