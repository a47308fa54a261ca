"""ClearChargingProfile (C 5.5): take charging profiles from a charge point."""

from shlex import quote
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from csmsd.ocpp.types import ChargingProfilePurpose, ConnectorId, Integer, Message, NonNegative
from csmsd.profiles.action import Operation, Outgoing, Steps, Target
from csmsd.profiles.load_management.circuits import Member
from csmsd.profiles.load_management.overruling import cleared_by, count_with_ratings
from csmsd.profiles.record import Change, Deleted, Event


class ClearChargingProfileReq(Message, kw_only=True):
    id: Integer | None = None
    connector_id: ConnectorId | None = None
    charging_profile_purpose: ChargingProfilePurpose | None = None
    stack_level: NonNegative | None = None


class ClearChargingProfileConf(Message, kw_only=True):
    status: Literal["Accepted", "Unknown"]


def _without_site_limits(request: ClearChargingProfileReq, target: Target) -> list[Member]:
    """Whom it leaves without the limits of their circuits."""
    return list(
        cleared_by(
            target,
            id=request.id,
            connector=request.connector_id,
            purpose=request.charging_profile_purpose,
            stack_level=request.stack_level,
        )
    )


def _intends(request: ClearChargingProfileReq, target: Target) -> bool:
    return bool(_without_site_limits(request, target))


def _intend(request: ClearChargingProfileReq, target: Target) -> tuple[list[Change], list[Event]]:
    return count_with_ratings(_without_site_limits(request, target), target), []


def _settle(
    request: ClearChargingProfileReq, confirmation: ClearChargingProfileConf, target: Target
) -> tuple[list[Change], list[Event]]:
    """Unknown says that there is none; for an id, and for all, that leaves no doubt about what is remembered here."""
    site, charge_point = target.site, target.charge_point
    changes = site.smart_charging.installed.tidy(charge_point, target.now)
    criteria = (request.connector_id, request.charging_profile_purpose, request.stack_level)
    beyond_doubt = request.id is not None or criteria == (None, None, None)
    status: str = confirmation.status
    if status != "Accepted" and not (status == "Unknown" and beyond_doubt):
        return changes, []
    gone = site.smart_charging.installed.clear(
        charge_point.id,
        id=request.id,
        connector=request.connector_id,
        purpose=request.charging_profile_purpose,
        stack_level=request.stack_level,
    )
    changes += [Deleted(record) for record in gone]
    told = Event("profile.cleared", charge_point.id, {"ids": sorted({record.profile_id for record in gone})})
    return changes, [told] if status == "Accepted" or gone else []


def _why(request: ClearChargingProfileReq, confirmation: ClearChargingProfileConf, target: Target) -> str | None:
    """Unknown: no profile matches (C 7.21)."""
    if confirmation.status == "Accepted":
        return None
    state = target.charge_point
    known = target.site.smart_charging.installed.of(state.id)
    there = ", ".join(f"{one.name or one.profile_id} (id {one.profile_id}, connector {one.connector})" for one in known)
    if not there:
        return "nothing to clear: it has accepted no profile from csmsd"
    return f"nothing to clear matches; it has accepted {there}: csmsctl profile installed {quote(state.id)}"


OUTGOING = Outgoing(
    ClearChargingProfileReq, ClearChargingProfileConf, settle=_settle, intend=_intend, intends=_intends, why=_why
)


class ClearChargingProfile(Operation, kw_only=True):
    """Take charging profiles from a charge point.

    Without options all are cleared. With --id the other options do not count; otherwise a profile must match all that
    are given (CE 3.25, 3.26).
    """

    command: ClassVar[str] = "clear-charging-profile"
    example: ClassVar[str] = "csmsctl clear-charging-profile CP1 --connector 1 --purpose TxDefaultProfile"
    question: ClassVar[str | None] = "Without their limits they draw what they can. Clear the profiles of {targets}?"

    id: Annotated[int, Meta(description="Its id, as profile show prints it")] | None = None
    connector: Annotated[int, Meta(description="On this connector; 0 is the whole charge point", ge=0)] | None = None
    purpose: Annotated[ChargingProfilePurpose, Meta(description="Of this purpose")] | None = None
    stack_level: Annotated[int, Meta(description="On this stack level", ge=0)] | None = None

    def steps(self, target: Target) -> Steps:
        yield ClearChargingProfileReq(
            id=self.id,
            connector_id=self.connector,
            charging_profile_purpose=self.purpose,
            stack_level=self.stack_level,
        )
