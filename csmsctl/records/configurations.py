"""The configuration of a charge point: asked for, or as it was reported last. And any operation on one charge point."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from csmsctl.link.client import Client, Result
from csmsd.ocpp.payloads import read_payload_value
from csmsd.profiles.core.get_configuration import GetConfigurationConf

# A CALL may have to wait for the one before it.
_PATIENCE = 5.0


@dataclass(frozen=True)
class Key:
    """A configuration key as a charge point reports it (C 7.29)."""

    name: str
    value: str | None
    readonly: bool


@dataclass(frozen=True)
class Report:
    """The keys of a charge point by their folded names."""

    keys: Mapping[str, Key]
    unknown: Set[str] = frozenset()  # folded: those of which it said that it does not know them


def ask_configuration(client: Client, identity: str, keys: list[str] | None) -> tuple[Report, Result | None]:
    """What a charge point answers to GetConfiguration (None: all keys), and the first result that was no answer.

    Some tell of fewer keys than they are asked for, and call none of them unknown: these are asked for all.
    """
    report, failed = _asked_configuration(client, identity, keys)
    if failed is not None or all(
        key.casefold() in report.keys or key.casefold() in report.unknown for key in keys or ()
    ):
        return report, failed
    everything, _ = _asked_configuration(client, identity, None)
    return Report({**everything.keys, **report.keys}, report.unknown), None


def _asked_configuration(client: Client, identity: str, keys: list[str] | None) -> tuple[Report, Result | None]:
    results = operation_on_charge_point(
        client, identity, "get-configuration", **({"key": keys} if keys is not None else {})
    )
    failed = next((result for result in results if result["outcome"] != "accepted"), None)
    found: dict[str, Key] = {}
    unknown: set[str] = set()
    for result in results if failed is None else ():
        confirmation, _ = read_payload_value(GetConfigurationConf, result["response"])  # as odd as csmsd bears with
        for key in confirmation.configuration_key or []:
            found[key.key.casefold()] = Key(key.key, key.value, key.readonly)
        unknown |= {name.casefold() for name in confirmation.unknown_key or []}
    return Report(found, unknown), failed


def remembered_configuration(client: Client, identity: str) -> tuple[Report, str | None]:
    """What a charge point reported last, and when it did so at the earliest."""
    keys = client.call("charge_point.show", {"id": identity})["configuration"]
    found = {key["key"].casefold(): Key(key["key"], key["value"], key["readonly"]) for key in keys}
    return Report(found), min((key["reported_at"] for key in keys), default=None)


def operation_on_charge_point(client: Client, identity: str, command: str, **parameters: Any) -> list[Result]:
    """The results of an operation on one charge point, as `csmsctl --json` prints them."""
    answer = client.call(
        "operation.run",
        {"command": command, "parameters": parameters, "targets": [identity], "timeout": client.timeout},
        timeout=2 * client.timeout + _PATIENCE,
        on_progress=lambda _: None,
    )
    results: list[Result] = answer["results"]
    return results
