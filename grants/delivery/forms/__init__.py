"""The shape of what people type about deliveries."""

from grants.delivery.forms.after import AttemptForm, FollowForm, IncidentForm, InterviewForm, PlanVisitsForm
from grants.delivery.forms.handling import (
    ActionForm,
    CancelForm,
    CodeField,
    KitForm,
    PictureForm,
    PinForm,
    ReasonForm,
    SealForm,
    plain,
)
from grants.delivery.forms.handover import AlternateForm, HandoverForm
from grants.delivery.forms.outcomes import (
    DisputeForm,
    NobodyCameForm,
    PartialForm,
    ProposalForm,
    ReconcileManyForm,
    RefusedKitForm,
    ReturnForm,
    SerialForm,
    SignForm,
    TakenForm,
)
from grants.delivery.forms.road import CaseForm, PhotoForm

__all__ = [
    "ActionForm",
    "AlternateForm",
    "AttemptForm",
    "CancelForm",
    "CaseForm",
    "CodeField",
    "DisputeForm",
    "FollowForm",
    "HandoverForm",
    "IncidentForm",
    "InterviewForm",
    "KitForm",
    "NobodyCameForm",
    "PartialForm",
    "PhotoForm",
    "PictureForm",
    "PinForm",
    "PlanVisitsForm",
    "ProposalForm",
    "ReasonForm",
    "ReconcileManyForm",
    "RefusedKitForm",
    "ReturnForm",
    "SealForm",
    "SerialForm",
    "SignForm",
    "TakenForm",
    "plain",
]
