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
    StampForm,
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
    "AttemptForm",
    "CallForm",
    "CancelForm",
    "CaseForm",
    "CodeField",
    "DispatchForm",
    "DisputeForm",
    "FollowForm",
    "HandoverForm",
    "IncidentForm",
    "InterviewForm",
    "KitForm",
    "MemberForm",
    "NobodyCameForm",
    "PartialForm",
    "PhotoForm",
    "PictureForm",
    "PinForm",
    "PlaceForm",
    "PlanVisitsForm",
    "PrintForm",
    "ProposalForm",
    "ReasonForm",
    "ReconcileManyForm",
    "RefusedKitForm",
    "ReturnForm",
    "RunForm",
    "SealForm",
    "SerialForm",
    "SheetForm",
    "SignForm",
    "StampForm",
    "StopsForm",
    "TakenForm",
    "TeamForm",
    "VehicleForm",
    "plain",
]
