"""The shape of what programs send and read about credit."""

from grants.credit.schemas.fields import AfterSchema, KeySchema, NeededKeySchema
from grants.credit.schemas.linkages import (
    LinkagePageSchema,
    LinkageQuerySchema,
    LinkageWithEventsSchema,
    LoggedSchema,
    StepSchema,
)
from grants.credit.schemas.movements import LoggedMovementSchema, MovementPageSchema, MovementSchema, ScheduleSchema
from grants.credit.schemas.referrals import DeclineSchema, ReferralPageSchema, ReferralQuerySchema, ReferralSchema

__all__ = [
    "AfterSchema", "DeclineSchema", "KeySchema", "LinkagePageSchema", "LinkageQuerySchema", "LinkageWithEventsSchema",
    "LoggedMovementSchema", "LoggedSchema", "MovementPageSchema", "MovementSchema", "NeededKeySchema",
    "ReferralPageSchema", "ReferralQuerySchema", "ReferralSchema", "ScheduleSchema", "StepSchema",
]  # fmt: skip
