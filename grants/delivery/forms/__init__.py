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

__all__ = [
    "ActionForm",
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
