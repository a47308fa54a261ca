"""Values for the shell's completion."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from csmsd.control.rights import READ
from csmsd.control.rpc import Caller, Json, Method, Table
from csmsd.control.service import Service
from csmsd.ocpp.identity import fold, natural_order
from csmsd.ports.listings import TaskFilter, TransactionFilter
from csmsd.profiles.core.charge_points import ChargePointState
from csmsd.profiles.site import Site

MAX_VALUES = 500
_NEWEST = 100  # transactions that have ended


class Complete(msgspec.Struct, forbid_unknown_fields=True):
    kind: Literal[
        "targets",
        "charge_points",
        "tags",
        "transactions",
        "tasks",
        "queued_tasks",
        "configuration_keys",
        "connectors",
        "active_transactions",
        "labels",
        "reservations",
        "profiles",
        "circuits",
        "firmware",
        "diagnostics",
        "rollouts",
        "certificates",
    ]
    prefix: str = ""
    letters: str = ""
    charge_point: str | None = None


async def completion_values(service: Service, parameters: Complete, caller: Caller) -> Json:
    site = service.site
    found: Iterator[tuple[str, str]]
    if parameters.kind in ("tasks", "queued_tasks"):
        state = "queued" if parameters.kind == "queued_tasks" else None
        tasks = await service.reader.tasks(TaskFilter(state=state))
        found = iter([(str(task.id), f"{task.action} {task.charge_point}") for task in tasks])
    elif parameters.kind == "targets":
        found = iter([*_charge_point_values(site), *(("@" + label, help_) for label, help_ in _label_values(site))])
    elif parameters.kind == "connectors":
        found = _connector_values(site, parameters.charge_point)
    elif parameters.kind == "transactions":
        newest = await service.reader.transactions(TransactionFilter(limit=_NEWEST))
        ended = [(str(one.id), f"{one.charge_point} {one.id_tag}, {one.state}") for one in newest]
        found = iter(dict([*ended, *_transaction_values(site)]).items())
    elif parameters.kind == "configuration_keys":
        found = _configuration_key_values(site, parameters.charge_point)
    else:
        sources = {
            "charge_points": _charge_point_values,
            "tags": _tag_values,
            "active_transactions": _transaction_values,
            "labels": _label_values,
            "reservations": _reservation_values,
            "profiles": _profile_values,
            "circuits": _circuit_values,
            "firmware": _firmware_values,
            "diagnostics": _diagnostics_values,
            "rollouts": _rollout_values,
            "certificates": _certificate_values,
        }
        found = sources[parameters.kind](site)
    prefix, letters = fold(parameters.prefix), fold(parameters.letters)
    values = [
        [value, help_]
        for value, help_ in found
        if (folded := fold(value)).startswith(prefix) and _has_letters_of_value(letters, folded)
    ]
    if letters:
        values.sort(key=lambda pair: not fold(pair[0]).startswith(letters))
    return {"values": values[:MAX_VALUES]}


def _has_letters_of_value(letters: str, value: str) -> bool:
    """Whether the value has all these letters, whatever stands between them."""
    at = -1
    return all((at := value.find(letter, at + 1)) >= 0 for letter in letters)


def _charge_point_values(site: Site) -> Iterator[tuple[str, str]]:
    for state in sorted(site.charge_points.values(), key=lambda state: natural_order(state.id)):
        yield state.id, _charge_point_in_a_word(state)


def _charge_point_in_a_word(state: ChargePointState) -> str:
    if not state.connected:
        return "offline"
    statuses = [connector.status for number, connector in sorted(state.connectors.items()) if number > 0]
    return ", ".join(statuses) or "connected"


def _label_values(site: Site) -> Iterator[tuple[str, str]]:
    labels: dict[str, int] = {label: 0 for tag in site.id_tags.values() for label in tag.labels}
    for state in site.charge_points.values():
        for label in state.record.labels:
            labels[label] = labels.get(label, 0) + 1
    for label in sorted(labels, key=natural_order):
        yield label, f"{labels[label]} charge point{'s' if labels[label] != 1 else ''}"


def _tag_values(site: Site) -> Iterator[tuple[str, str]]:
    for tag in sorted(site.id_tags.values(), key=lambda tag: natural_order(tag.id)):
        yield tag.id, "blocked" if tag.blocked else tag.note or ""


def _transaction_values(site: Site) -> Iterator[tuple[str, str]]:
    for state in site.charge_points.values():
        for transaction in state.transactions.active():
            yield str(transaction.id), f"{state.id} connector {transaction.connector}, {transaction.id_tag}"


def _reservation_values(site: Site) -> Iterator[tuple[str, str]]:
    for known in site.reservations.active():
        yield str(known.id), f"{known.charge_point} connector {known.connector}, {known.id_tag}"


def _profile_values(site: Site) -> Iterator[tuple[str, str]]:
    for record in site.smart_charging.library:
        yield record.name, record.note or record.read().charging_profile_purpose


def _certificate_values(site: Site) -> Iterator[tuple[str, str]]:
    for known in reversed(list(site.security.certificates)):
        yield str(known.id), f"{known.charge_point or known.kind} {known.common_name}, {known.state}"


def _circuit_values(site: Site) -> Iterator[tuple[str, str]]:
    for circuit in site.smart_charging.load.circuits.values():
        yield circuit.name, f"hangs on {circuit.parent}" if circuit.parent else ""


def _configuration_key_values(site: Site, identity: str | None) -> Iterator[tuple[str, str]]:
    states = [site.charge_point(identity)] if identity else list(site.charge_points.values())
    seen: dict[str, str] = {}
    for state in states:
        for key in state.configuration.values() if state is not None else ():
            seen.setdefault(key.name, key.value or "")
    yield from sorted(seen.items())


def _connector_values(site: Site, identity: str | None) -> Iterator[tuple[str, str]]:
    states = [site.charge_point(identity)] if identity else list(site.charge_points.values())
    seen: dict[int, str] = {0: "the whole charge point"}
    for state in states:
        for number, connector in state.connectors.items() if state is not None else ():
            seen.setdefault(number, connector.status or "")
    yield from ((str(number), text) for number, text in sorted(seen.items()))


def _firmware_values(site: Site) -> Iterator[tuple[str, str]]:
    for name, image in sorted(site.firmware.images.items()):
        yield name, image.version or f"{image.size} bytes"


def _diagnostics_values(site: Site) -> Iterator[tuple[str, str]]:
    for upload in site.firmware.uploads.kept:
        yield str(upload.id), f"{upload.charge_point} {upload.name or ''}".rstrip()


def _rollout_values(site: Site) -> Iterator[tuple[str, str]]:
    for rollout in site.firmware.rollouts:
        yield str(rollout.id), f"{rollout.file}, {rollout.state}"


METHODS: Table[Service] = {"complete": Method(Complete, completion_values, READ)}
