"""ChangeConfiguration (C 5.3): set a configuration key."""

from difflib import get_close_matches
from shlex import quote
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from csmsd.ocpp.both_ends import letters_of, of_both_ends
from csmsd.ocpp.secrets import MASK, is_secret_key
from csmsd.ocpp.types import CiString50, CiString500, Message
from csmsd.profiles.action import Operation, Outgoing, Steps, Target
from csmsd.profiles.core.charge_points import MAX_CONFIGURATION_KEYS, ConfigurationKey
from csmsd.profiles.core.security_profiles import how_to_be_known_anew
from csmsd.profiles.record import Change, Data, Event
from csmsd.profiles.refusal import CannotSend


class ChangeConfigurationReq(Message, kw_only=True):
    key: CiString50
    value: CiString500


class ChangeConfigurationConf(Message, kw_only=True):
    status: Literal["Accepted", "Rejected", "RebootRequired", "NotSupported"]


def _forbids(payload: Data, target: Target) -> str | None:
    """What locks a charge point out where it is only sent: both ends have to change (W A01, A05).

    However it is spelled, since nobody knows how exactly a charge point reads.
    """
    record = target.charge_point.record
    named = quote(record.id)
    keys, values = ([value for name, value in payload.items() if letters_of(name) == one] for one in ("key", "value"))
    meant = {of_both_ends(key) for key in keys}
    if "key" in meant:
        return (
            "AuthorizationKey is not set like this: csmsd would go on asking for what it asks for now. "
            + how_to_be_known_anew(record)
        )
    if "profile" not in meant:
        return None
    profiles = [_whole(value) for value in values]
    lower = [profile or 0 for profile in profiles if profile is None or profile < record.security_profile]
    if lower:
        return (
            "A security profile is not lowered over OCPP (W A00.FR.005). Lower it at the charge point, and here with: "
            f"csmsctl cp set {named} --security-profile {max(0, min(lower))}"
        )
    higher = [profile for profile in profiles if profile is not None and profile > record.security_profile]
    if higher:
        return (
            "A security profile is not raised like this: csmsd would go on asking for that of before. Both ends are "
            f"raised, with what that takes, by: cp secure {named} --to {min(3, higher[0])}"
        )
    return None


def _whole(value: object) -> int | None:
    """A number however it is written; None: it is none."""
    try:
        return int(float(str(value)))
    except (ValueError, OverflowError):
        return None


def _settle(
    request: ChangeConfigurationReq, confirmation: ChangeConfigurationConf, target: Target
) -> tuple[list[Change], list[Event]]:
    """RebootRequired stays visible until the next BootNotification."""
    changes: list[Change] = []
    if confirmation.status == "RebootRequired":
        target.charge_point.record.reboot_required = True
        changes.append(target.charge_point.record)
    if confirmation.status == "Accepted":
        known = target.charge_point.configuration
        folded = request.key.casefold()
        if folded in known or len(known) < MAX_CONFIGURATION_KEYS:
            known[folded] = ConfigurationKey(
                charge_point=target.charge_point.id,
                name=known[folded].name if folded in known else request.key,
                value=MASK if is_secret_key(request.key) else request.value,
                readonly=False,
                reported_at=target.now,
            )
            changes.append(known[folded])
    return changes, []


# C 9: what can only be read wherever it is known.
_READ_ONLY = frozenset(
    name.casefold()
    for name in (
        "ConnectorPhaseRotationMaxLength",
        "GetConfigurationMaxKeys",
        "MeterValuesAlignedDataMaxLength",
        "MeterValuesSampledDataMaxLength",
        "NumberOfConnectors",
        "StopTxnAlignedDataMaxLength",
        "StopTxnSampledDataMaxLength",
        "SupportedFeatureProfiles",
        "SupportedFeatureProfilesMaxLength",
        "LocalAuthListMaxLength",
        "SendLocalListMaxLength",
        "ReserveConnectorZeroSupported",
        "ChargeProfileMaxStackLevel",
        "ChargingScheduleAllowedChargingRateUnit",
        "ChargingScheduleMaxPeriods",
        "ConnectorSwitch3to1PhaseSupported",
        "MaxChargingProfilesInstalled",
    )
)


def _why(request: ChangeConfigurationReq, confirmation: ChangeConfigurationConf, target: Target) -> str | None:
    state = target.charge_point
    known = state.configuration.get(request.key.casefold())
    if confirmation.status == "RebootRequired":
        return f"it takes effect after: csmsctl reset {quote(state.id)} --type soft"
    if confirmation.status == "Rejected" and known is not None:
        return f"{known.name} is read-only" if known.readonly else f"it keeps {known.value!r}; is that a valid value?"
    all_ = f"all that it has: csmsctl get-configuration {quote(state.id)}"
    if confirmation.status == "Rejected":
        read_only = request.key.casefold() in _READ_ONLY
        return f"{request.key} is read-only (C 9)" if read_only else f"is that a valid value? {all_}"
    if confirmation.status == "NotSupported" and not state.configuration:
        return f"it has no key {request.key}; {all_}"
    if confirmation.status == "NotSupported" and known is None:
        close = get_close_matches(request.key.casefold(), state.configuration, n=3)
        meant = ", ".join(state.configuration[name].name for name in close)
        return f"it has no key {request.key}; " + (f"{meant} perhaps? {all_}" if meant else all_)
    return None


OUTGOING = Outgoing(
    ChangeConfigurationReq,
    ChangeConfigurationConf,
    accepted=frozenset({"Accepted", "RebootRequired"}),
    forbids=_forbids,
    settle=_settle,
    why=_why,
)


class ChangeConfiguration(Operation, kw_only=True):
    """Set configuration keys.

    Each key is a request of its own with its own result. RebootRequired counts as done; `csmsctl status` shows it
    until the charge point has booted again.
    """

    command: ClassVar[str] = "change-configuration"
    example: ClassVar[str] = "csmsctl change-configuration CP1 --set MeterValueSampleInterval=60"

    set: Annotated[
        list[str],
        Meta(
            description="Key and value; may be repeated",
            min_length=1,
            extra={"metavar": "KEY=VALUE", "complete": "configuration_keys"},
        ),
    ]

    def steps(self, target: Target) -> Steps:
        pairs = [text.partition("=") for text in self.set]
        for (key, separator, _), text in zip(pairs, self.set, strict=True):
            if not separator or not key.strip():
                raise CannotSend(f"{MASK if is_secret_key(text) else text!r} is not KEY=VALUE.")
        requests = [ChangeConfigurationReq(key=key.strip(), value=value) for key, _, value in pairs]
        for request in requests:
            forbidden = _forbids({"key": request.key, "value": request.value}, target)
            if forbidden is not None:  # before anything is sent
                raise CannotSend(forbidden)
        for request in requests:
            yield request
