"""Operators' commands in the story of a transaction: which led to it, which ended it, which have to do with it."""

import json
from typing import NamedTuple

from csmsd.control.explanation.facts import Facts
from csmsd.ocpp.identity import fold
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.record import Milliseconds
from csmsd.profiles.task import Task

BEFORE_MS = 600_000  # what leads to a transaction happens within that time
_OVERTAKEN_MS = 30_000  # a RemoteStartTransaction.conf may come after the start it led to


def command_moment(task: Task) -> Milliseconds:
    """When a command was sent; what was queued may have waited for days."""
    return task.sent_at or task.created_at


def command_that_started(facts: Facts) -> Task | None:
    """The remote start that led to it: the same idTag, a connector that fits, shortly before."""
    transaction = facts.transaction
    for task in reversed(facts.tasks):
        request = json.loads(task.request)
        if (
            task.action == "RemoteStartTransaction"
            and task.outcome == "accepted"
            and fold(str(request.get("idTag"))) == fold(transaction.id_tag)
            and request.get("connectorId") in (None, transaction.connector)
            and -BEFORE_MS <= command_moment(task) - transaction.start_received_at <= _OVERTAKEN_MS
        ):
            return task
    return None


# What an operator may have asked for when a charge point gives that reason.
_STOPPING = {
    "Remote": ("RemoteStopTransaction",),
    "UnlockCommand": ("UnlockConnector",),
    "HardReset": ("Reset",),
    "SoftReset": ("Reset",),
}
_JUST_BEFORE_MS = 60_000  # a command ends what it is about within that time, whatever reason is given
# One whose answer was lost may have been carried out.
_MAY_HAVE_WORKED = ("accepted", "timeout", "unknown")


class Cause(NamedTuple):
    """The command that ended a transaction. `told`: the charge point gave the reason that belongs to it."""

    task: Task
    told: bool
    before_ms: Milliseconds


def command_that_stopped(facts: Facts) -> Cause | None:
    """What ended it, going by the reason and the time; else what was asked for just before.

    Charge points give other reasons, or none: Local is what an absent one means (C 4.10).
    """
    transaction, received = facts.transaction, facts.transaction.stop_received_at
    if received is None:
        return None
    wanted = _STOPPING.get(transaction.stop_reason or "", ())
    fitting = [task for task in facts.tasks if command_moment(task) <= received and _ends(task, transaction)]
    for task in reversed(fitting):
        if task.action in wanted and task.outcome == "accepted":
            return Cause(task, True, received - command_moment(task))
    for task in reversed(fitting):
        before = received - command_moment(task)
        if before <= _JUST_BEFORE_MS and command_moment(task) >= transaction.start_received_at:
            return Cause(task, task.action in wanted, before)
    return None


def _ends(task: Task, transaction: Transaction) -> bool:
    """Whether a command ends a transaction when it is carried out."""
    if task.outcome not in _MAY_HAVE_WORKED:
        return False
    request = json.loads(task.request)
    match task.action:
        case "RemoteStopTransaction":
            return bool(request.get("transactionId") == transaction.id)
        case "UnlockConnector":
            return bool(request.get("connectorId") == transaction.connector)
        case _:
            return task.action == "Reset"


_ON_CONNECTOR = frozenset(
    {"RemoteStartTransaction", "SetChargingProfile", "ClearChargingProfile", "UnlockConnector", "ChangeAvailability"}
)
_ON_ALL = frozenset({"Reset", "UpdateFirmware", "ChangeConfiguration"})


def concerns(task: Task, facts: Facts) -> bool:
    """Whether a command has to do with the transaction, by what it is and which connector it names."""
    transaction, request = facts.transaction, json.loads(task.request)
    if task.action == "RemoteStopTransaction":
        return bool(request.get("transactionId") == transaction.id)
    if task.action == "RemoteStartTransaction" and fold(str(request.get("idTag"))) != fold(transaction.id_tag):
        return False
    if task.action in _ON_CONNECTOR:
        return request.get("connectorId") in (None, 0, transaction.connector)
    return task.action in _ON_ALL


def command_detail(task: Task, facts: Facts) -> str:
    """The part of a request that matters."""
    request = json.loads(task.request)
    match task.action:
        case "SetChargingProfile":
            profile = request.get("csChargingProfiles") or {}
            number = profile.get("chargingProfileId", 0)
            name = facts.profile_name(number) or f"profile {number}"
            return f" ({name}, {profile.get('chargingProfilePurpose')}, level {profile.get('stackLevel')})"
        case "ChangeConfiguration":
            return f" ({request.get('key')}={request.get('value')})"
        case "Reset" | "ChangeAvailability":
            return f" ({request.get('type')})"
        case "RemoteStartTransaction":
            profile = " with a charging profile" if request.get("chargingProfile") else ""
            return f" ({request.get('idTag')}{profile})"
        case _:
            return ""
