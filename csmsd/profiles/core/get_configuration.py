"""GetConfiguration (C 5.8): ask for configuration keys, all of them or some."""

from typing import Annotated, ClassVar

from msgspec import Meta

from csmsd.ocpp.secrets import MASK, is_secret_key
from csmsd.ocpp.types import CiString50, Message
from csmsd.profiles.action import Operation, Outgoing, Steps, Target
from csmsd.profiles.core.charge_points import MAX_CONFIGURATION_KEYS, ConfigurationKey
from csmsd.profiles.record import Change, Event


class KeyValue(Message, kw_only=True):
    """A configuration key with its value (C 7.29)."""

    droppable = True

    key: CiString50
    readonly: Annotated[bool, Meta(extra={"substitute": False})]
    value: Annotated[str, Meta(max_length=500, extra={"json": True})] | None = None


class GetConfigurationReq(Message, kw_only=True):
    key: list[CiString50] | None = None


class GetConfigurationConf(Message, kw_only=True):
    configuration_key: list[KeyValue] | None = None
    unknown_key: list[CiString50] | None = None


def _settle(
    request: GetConfigurationReq, confirmation: GetConfigurationConf, target: Target
) -> tuple[list[Change], list[Event]]:
    """Remembers what was reported; `GetConfigurationMaxKeys` and the limits of other profiles are read from there."""
    known = target.charge_point.configuration
    changes: list[Change] = []
    for reported in confirmation.configuration_key or []:
        folded = reported.key.casefold()
        if folded not in known and len(known) >= MAX_CONFIGURATION_KEYS:
            continue
        secret = reported.value and is_secret_key(reported.key)
        known[folded] = ConfigurationKey(
            charge_point=target.charge_point.id,
            name=reported.key,
            value=MASK if secret else reported.value,
            readonly=reported.readonly,
            reported_at=target.now,
        )
        changes.append(known[folded])
    return changes, []


OUTGOING = Outgoing(GetConfigurationReq, GetConfigurationConf, accepted=frozenset(), settle=_settle)


class GetConfiguration(Operation, kw_only=True):
    """Read configuration keys.

    Without --key all are read. Keys are asked in as many requests as GetConfigurationMaxKeys demands (C 5.8).
    """

    command: ClassVar[str] = "get-configuration"
    example: ClassVar[str] = "csmsctl get-configuration CP1 --key HeartbeatInterval --key MeterValueSampleInterval"

    key: Annotated[
        list[str],
        Meta(
            description="Key to read, or several with commas; may be repeated", extra={"complete": "configuration_keys"}
        ),
    ] = []

    def steps(self, target: Target) -> Steps:
        if not self.key:
            yield GetConfigurationReq()
            return
        keys = [*dict.fromkeys(key.strip() for text in self.key for key in text.split(",") if key.strip())]
        at_once = _max_keys_of_get_configuration(target)
        for first in range(0, len(keys), at_once):
            yield GetConfigurationReq(key=keys[first : first + at_once])


def _max_keys_of_get_configuration(target: Target) -> int:
    """How many keys a request may name; a reported limit of 0 or less is taken as one by one."""
    if target.charge_point.configured("GetConfigurationMaxKeys") is None:
        return 50
    return max(1, target.charge_point.configured_number("GetConfigurationMaxKeys") or 1)
