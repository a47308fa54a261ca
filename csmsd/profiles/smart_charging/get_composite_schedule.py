"""GetCompositeSchedule (C 5.7): ask a charge point which limits it reckons with."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from csmsd.ocpp.types import ChargingRateUnit, ChargingSchedule, ConnectorId, DateTime, Message, NonNegative
from csmsd.profiles.action import Operation, Outgoing, Steps, Target
from csmsd.profiles.core.connectors import missing_connector
from csmsd.profiles.smart_charging.profile_linter import known_to_linter


class GetCompositeScheduleReq(Message, kw_only=True):
    connector_id: ConnectorId
    duration: NonNegative
    charging_rate_unit: ChargingRateUnit | None = None


class GetCompositeScheduleConf(Message, kw_only=True):
    status: Literal["Accepted", "Rejected"]
    connector_id: ConnectorId | None = None
    schedule_start: DateTime | None = None
    charging_schedule: ChargingSchedule | None = None


def _check(request: GetCompositeScheduleReq, target: Target) -> str | None:
    known = known_to_linter(target.charge_point, target.site.smart_charging.installed, target.now)
    if known.feature_profiles is not None and "smartcharging" not in known.feature_profiles:
        return "Its SupportedFeatureProfiles do not have SmartCharging (C 3.3)"
    if known.connectors is not None and request.connector_id > known.connectors:
        return f"There is no connector {request.connector_id}; {known.connectors} are reported (C 5.7)"
    return None


def _why(request: GetCompositeScheduleReq, confirmation: GetCompositeScheduleConf, target: Target) -> str | None:
    if confirmation.status == "Accepted":
        return None
    against = missing_connector(target.charge_point, request.connector_id) or _check(request, target)
    if against is None and request.connector_id == 0:
        return "it may not reckon for the whole charge point: name a connector with --connector"
    return against


OUTGOING = Outgoing(GetCompositeScheduleReq, GetCompositeScheduleConf, check=_check, why=_why)


class GetCompositeSchedule(Operation, kw_only=True):
    """Ask a charge point which limits it reckons with.

    `csmsctl profile verify` asks the same and shows how the answer differs from what should hold.
    """

    command: ClassVar[str] = "get-composite-schedule"
    example: ClassVar[str] = "csmsctl get-composite-schedule CP1 --connector 1 --duration 86400"

    connector: Annotated[int, Meta(description="Connector; 0 is the whole charge point", ge=0)]
    duration: Annotated[int, Meta(description="From now on: 30m, 24h", ge=1, extra={"metavar": "DURATION"})]
    unit: (
        Annotated[ChargingRateUnit, Meta(description="Unit of the limits; left out, the charge point chooses")] | None
    ) = None

    def steps(self, target: Target) -> Steps:
        yield GetCompositeScheduleReq(connector_id=self.connector, duration=self.duration, charging_rate_unit=self.unit)
