"""The registry finds every slice, and every slice is whole."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

import csmsd.profiles
from csmsd.ocpp.payloads import encode_payload
from csmsd.profiles import ROOMS, incoming, operations, outgoing, slices
from csmsd.profiles.action import Operation, action_of
from csmsd.profiles.refusal import CannotSend
from tests.csmsd.profiles.messages import instances
from tests.csmsd.profiles.scene import Scene

CORE_BY_CHARGE_POINT = {
    "Authorize", "BootNotification", "DataTransfer", "Heartbeat", "MeterValues", "StartTransaction",
    "StatusNotification", "StopTransaction",
}  # fmt: skip
CORE_BY_CENTRAL_SYSTEM = {
    "ChangeAvailability", "ChangeConfiguration", "ClearCache", "DataTransfer", "GetConfiguration",
    "RemoteStartTransaction", "RemoteStopTransaction", "Reset", "UnlockConnector",
}  # fmt: skip


def test_the_whole_core_profile_is_there_in_both_directions() -> None:
    assert incoming().keys() >= CORE_BY_CHARGE_POINT
    assert outgoing().keys() >= CORE_BY_CENTRAL_SYSTEM | {"TriggerMessage"}


def test_every_room_with_slices_is_listed() -> None:
    folders = {path.parent.name for path in Path(csmsd.profiles.__path__[0]).glob("*/*.py")}

    assert {room for room in ROOMS if slices(room)} == set(ROOMS)
    assert {folder for folder in folders if _declares_actions(folder)} <= set(ROOMS)


def _declares_actions(folder: str) -> bool:
    sources = Path(csmsd.profiles.__path__[0], folder).glob("*.py")
    return any(
        line.startswith(("INCOMING =", "OUTGOING =")) for path in sources for line in path.read_text().splitlines()
    )


@pytest.mark.parametrize("action", sorted(incoming()))
def test_messages_that_are_taken_are_named_after_their_action(action: str) -> None:
    declared = incoming()[action]

    assert (declared.request.__name__, declared.confirmation.__name__) == (f"{action}Req", f"{action}Conf")
    assert action_of(declared.request) == declared.action == action


@pytest.mark.parametrize("action", sorted(outgoing()))
def test_messages_that_are_sent_are_named_after_their_action(action: str) -> None:
    declared = outgoing()[action]

    assert (declared.request.__name__, declared.confirmation.__name__) == (f"{action}Req", f"{action}Conf")
    assert declared.action == action


@pytest.mark.parametrize("action", sorted(outgoing()))
def test_what_counts_as_yes_is_a_status_of_the_confirmation(action: str) -> None:
    declared = outgoing()[action]
    kind = inspect.type_info(declared.confirmation)
    assert isinstance(kind, inspect.StructType)
    statuses = [field.type for field in kind.fields if field.name == "status"]

    if declared.accepted:
        (status,) = statuses
        assert isinstance(status, inspect.LiteralType)
        assert declared.accepted <= set(status.values)
    else:
        assert statuses == []


def test_only_boots_and_security_events_are_taken_from_a_charge_point_that_was_never_accepted() -> None:
    early = {action for action, declared in incoming().items() if declared.before_accepted}
    assert early == {"BootNotification", "SecurityEventNotification"}


SILENT = sorted(action for action, declared in incoming().items() if not declared.writes)


def test_nothing_that_bears_on_a_bill_is_said_to_write_nothing() -> None:
    assert {"Authorize", "Heartbeat"} <= set(SILENT)
    assert not {"BootNotification", "StartTransaction", "MeterValues", "StopTransaction"} & set(SILENT)


@pytest.mark.parametrize("action", SILENT)
@given(st.data())
def test_what_says_that_it_writes_nothing_writes_nothing(action: str, data: st.DataObject) -> None:
    """The daemon answers it at once, even while the disk is full."""
    request = data.draw(instances(incoming()[action].request))

    assert Scene().send(action, encode_payload(request)).changes == []


def test_operations_are_found_by_room_and_all_together() -> None:
    by_room = [command for room in ROOMS for command in operations(room)]

    assert sorted(by_room) == sorted(operations())
    assert {"remote-start", "remote-stop", "reset", "trigger-message"} <= operations().keys()


def test_an_operation_that_defines_nothing_sends_nothing() -> None:
    class Nothing(Operation, kw_only=True):
        command = "nothing"
        example = "csmsctl nothing CP1"

    with pytest.raises(CannotSend, match="nothing"):
        Nothing().steps(Scene().target())
    with pytest.raises(CannotSend):
        Nothing().implied_target(Scene().site)
