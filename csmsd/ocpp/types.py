"""Data types that several messages of OCPP 1.6 share (C 7), spelled as the specification spells them.

Enumerations are `Literal`s: on receipt an unknown value survives as the text it was (see `reading.py`).
"""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

CiString20 = Annotated[str, Meta(max_length=20)]
CiString25 = Annotated[str, Meta(max_length=25)]
CiString50 = Annotated[str, Meta(max_length=50)]
CiString255 = Annotated[str, Meta(max_length=255)]
CiString500 = Annotated[str, Meta(max_length=500)]
IdToken = CiString20
# RFC 3339 text; `timestamps.py` reads it. The specification sets no limit, but no time is longer than this.
DateTime = Annotated[str, Meta(max_length=64, extra={"time": True})]
# Text in which some put an object, a list, a number or true: it is read as their JSON.
JsonText = Annotated[str, Meta(extra={"json": True})]
LARGEST_INTEGER = 2**63 - 1  # what a database can hold
Integer = Annotated[int, Meta(ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)]
NonNegative = Annotated[int, Meta(ge=0, le=LARGEST_INTEGER)]
ConnectorId = NonNegative  # 0 is the whole charge point (C 2.2)
PositiveConnectorId = Annotated[int, Meta(ge=1, le=LARGEST_INTEGER)]


class Message(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """A payload or a part of one; optional fields are None when absent and are left out when sent.

    Unknown fields are forbidden so that `reading.py` sees and counts them; it ignores them all the same.
    """

    # A bad element of a list is dropped and counted instead of spoiling its message (see `reading.py`);
    # "unless all": where none of them is good, the list is not. A `substitute` in the annotation of a required field
    # stands in for a value that is missing or unusable.
    droppable: ClassVar[bool | Literal["unless all"]] = False


AuthorizationStatus = Literal["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"]
AvailabilityType = Literal["Inoperative", "Operative"]
AvailabilityStatus = Literal["Accepted", "Rejected", "Scheduled"]
RegistrationStatus = Literal["Accepted", "Pending", "Rejected"]
RemoteStartStopStatus = Literal["Accepted", "Rejected"]
ChargePointStatus = Literal[
    "Available",
    "Preparing",
    "Charging",
    "SuspendedEVSE",
    "SuspendedEV",
    "Finishing",
    "Reserved",
    "Unavailable",
    "Faulted",
]
ChargePointErrorCode = Literal[
    "ConnectorLockFailure",
    "EVCommunicationError",
    "GroundFailure",
    "HighTemperature",
    "InternalError",
    "LocalListConflict",
    "NoError",
    "OtherError",
    "OverCurrentFailure",
    "OverVoltage",
    "PowerMeterFailure",
    "PowerSwitchFailure",
    "ReaderFailure",
    "ResetFailure",
    "UnderVoltage",
    "WeakSignal",
]
Reason = Literal[
    "DeAuthorized",
    "EmergencyStop",
    "EVDisconnected",
    "HardReset",
    "Local",
    "Other",
    "PowerLoss",
    "Reboot",
    "Remote",
    "SoftReset",
    "UnlockCommand",
]


class IdTagInfo(Message, kw_only=True):
    """What the Central System knows of an idTag (C 7.27)."""

    expiry_date: DateTime | None = None
    parent_id_tag: IdToken | None = None
    status: AuthorizationStatus


# --- meter values (C 7.31 to 7.43)

ReadingContext = Literal[
    "Interruption.Begin",
    "Interruption.End",
    "Other",
    "Sample.Clock",
    "Sample.Periodic",
    "Transaction.Begin",
    "Transaction.End",
    "Trigger",
]
ValueFormat = Literal["Raw", "SignedData"]
Measurand = Literal[
    "Current.Export",
    "Current.Import",
    "Current.Offered",
    "Energy.Active.Export.Register",
    "Energy.Active.Import.Register",
    "Energy.Reactive.Export.Register",
    "Energy.Reactive.Import.Register",
    "Energy.Active.Export.Interval",
    "Energy.Active.Import.Interval",
    "Energy.Reactive.Export.Interval",
    "Energy.Reactive.Import.Interval",
    "Frequency",
    "Power.Active.Export",
    "Power.Active.Import",
    "Power.Factor",
    "Power.Offered",
    "Power.Reactive.Export",
    "Power.Reactive.Import",
    "RPM",
    "SoC",
    "Temperature",
    "Voltage",
]
Phase = Literal["L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1"]
Location = Literal["Body", "Cable", "EV", "Inlet", "Outlet"]
UnitOfMeasure = Literal[
    "Wh",
    "kWh",
    "varh",
    "kvarh",
    "W",
    "kW",
    "VA",
    "kVA",
    "var",
    "kvar",
    "A",
    "V",
    "K",
    "Celcius",
    "Celsius",
    "Fahrenheit",
    "Percent",
]


class SampledValue(Message, kw_only=True):
    """One reading (C 7.43); an absent measurand is Energy.Active.Import.Register, an absent unit Wh."""

    droppable = True

    value: str
    context: ReadingContext | None = None
    format: ValueFormat | None = None
    measurand: Measurand | None = None
    phase: Phase | None = None
    location: Location | None = None
    unit: UnitOfMeasure | None = None


class MeterValue(Message, kw_only=True):
    """Readings taken at one moment (C 7.33); a timestamp that is missing or unusable is read as an empty one."""

    droppable = "unless all"

    timestamp: Annotated[str, Meta(max_length=64, extra={"time": True, "substitute": ""})]
    sampled_value: Annotated[list[SampledValue], Meta(min_length=1)]


# --- charging profiles (C 7.8 to 7.14); RemoteStartTransaction and SetChargingProfile carry them

ChargingProfilePurpose = Literal["ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"]
ChargingProfileKind = Literal["Absolute", "Recurring", "Relative"]
RecurrencyKind = Literal["Daily", "Weekly"]
ChargingRateUnit = Literal["W", "A"]


class ChargingSchedulePeriod(Message, kw_only=True):
    """From `start_period` seconds on, `limit` amperes or watts hold (C 7.14)."""

    start_period: NonNegative
    limit: Annotated[float, Meta(ge=0)]
    number_phases: Annotated[int, Meta(ge=1, le=3)] | None = None


class ChargingSchedule(Message, kw_only=True):
    """Periods of limits, in seconds since `start_schedule` (C 7.13)."""

    duration: NonNegative | None = None
    start_schedule: DateTime | None = None
    charging_rate_unit: ChargingRateUnit
    charging_schedule_period: Annotated[list[ChargingSchedulePeriod], Meta(min_length=1)]
    min_charging_rate: Annotated[float, Meta(ge=0)] | None = None


class ChargingProfile(Message, kw_only=True):
    """A charging profile (C 7.8)."""

    charging_profile_id: Integer
    transaction_id: Integer | None = None
    stack_level: NonNegative
    charging_profile_purpose: ChargingProfilePurpose
    charging_profile_kind: ChargingProfileKind
    recurrency_kind: RecurrencyKind | None = None
    valid_from: DateTime | None = None
    valid_to: DateTime | None = None
    charging_schedule: ChargingSchedule
