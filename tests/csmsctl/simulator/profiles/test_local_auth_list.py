"""The Local Authorization List of a simulated charge point (C 3.5, 5.10, 5.15)."""

from typing import Any

import pytest

from tests.csmsctl.simulator.central_system import CentralSystem, booted


def send(central_system: CentralSystem, version: int, kind: str, **tags: str | None) -> str:
    """SendLocalList; None deletes."""
    entries = [
        {"idTag": tag} if status is None else {"idTag": tag, "idTagInfo": {"status": status}}
        for tag, status in tags.items()
    ]
    answer = central_system.call("SendLocalList", listVersion=version, updateType=kind, localAuthorizationList=entries)
    return str(answer["status"])


def version(central_system: CentralSystem) -> int:
    return int(central_system.call("GetLocalListVersion")["listVersion"])


def test_versions() -> None:
    central_system = booted()
    assert version(central_system) == 0
    assert send(central_system, 3, "Full", A="Accepted", B="Accepted") == "Accepted"
    assert version(central_system) == 3
    assert send(central_system, 3, "Differential", C="Accepted") == "VersionMismatch"
    assert send(central_system, 4, "Differential", C="Accepted", A=None) == "Accepted"
    assert send(central_system, 2, "Full", C="Accepted") == "Accepted"
    assert version(central_system) == 2
    assert send(central_system, 3, "Full") == "Accepted"
    assert version(central_system) == 0


@pytest.mark.parametrize(
    ("kind", "number", "tags"),
    [
        ("Full", 5, {"A": None}),  # C 7.1
        ("Full", 0, {"A": "Accepted"}),  # CE 3.52
        ("Differential", 5, {"A": "Accepted", "a": "Blocked"}),  # C 6.41
        ("Full", 5, {f"TAG{number}": "Accepted" for number in range(101)}),  # SendLocalListMaxLength
    ],
)
def test_what_is_refused_changes_nothing(kind: str, number: int, tags: dict[str, Any]) -> None:
    central_system = booted()
    send(central_system, 1, "Full", X="Accepted")
    assert send(central_system, number, kind, **tags) == "Failed"
    assert version(central_system) == 1


def test_more_than_there_is_room_for() -> None:
    central_system = booted()
    for number in range(10):
        tags = {f"TAG{number}-{place}": "Accepted" for place in range(100)}
        assert send(central_system, number + 1, "Differential", **tags) == "Accepted"
    assert send(central_system, 20, "Differential", X="Accepted") == "Failed"


def test_switched_off() -> None:
    central_system = booted(LocalAuthListEnabled="false")
    assert send(central_system, 1, "Full", A="Accepted") == "NotSupported"


@pytest.mark.parametrize(
    ("status", "settings", "verdict"),
    [
        ("Accepted", {}, "Accepted"),
        ("Blocked", {}, "Blocked"),
        ("Blocked", {"AllowOfflineTxForUnknownId": "true"}, "Blocked"),  # C 3.5.4
        ("Accepted", {"LocalAuthorizeOffline": "false"}, "Invalid"),
    ],
)
def test_offline_the_list_decides(status: str, settings: dict[str, Any], verdict: str) -> None:
    central_system = booted(**settings)
    send(central_system, 1, "Full", TAG=status)
    central_system.act(central_system.charge_point.go_offline)
    assert asked(central_system) == (verdict, "local_list")


def test_an_entry_expires() -> None:
    central_system = booted()
    entry = {"idTag": "TAG", "idTagInfo": {"status": "Accepted", "expiryDate": "2026-01-01T12:01:00.000Z"}}
    central_system.call("SendLocalList", listVersion=1, updateType="Full", localAuthorizationList=[entry])
    central_system.act(central_system.charge_point.go_offline)
    assert asked(central_system) == ("Accepted", "local_list")
    central_system.run(60)
    assert asked(central_system) == ("Expired", "local_list")


def test_with_pre_authorization_nobody_is_asked() -> None:
    central_system = booted(LocalPreAuthorize="true")
    send(central_system, 1, "Full", TAG="Accepted")
    assert asked(central_system) == ("Accepted", "local_list")
    assert central_system.taken("Authorize") == []


def test_what_is_listed_is_not_cached() -> None:
    """C 3.5.3"""
    central_system = booted()
    send(central_system, 1, "Full", TAG="Accepted")
    assert asked(central_system) == ("Accepted", "central_system")
    send(central_system, 2, "Full")
    central_system.act(central_system.charge_point.go_offline)
    assert asked(central_system) == ("Invalid", "offline")


def test_the_list_outlives_a_reboot() -> None:
    central_system = booted()
    send(central_system, 5, "Full", TAG="Accepted")
    central_system.call("Reset", type="Hard")
    central_system.run(30)
    assert version(central_system) == 5


def asked(central_system: CentralSystem) -> tuple[str, str]:
    """The verdict on TAG, and whose it is."""
    central_system.notices.clear()
    authorization = central_system.charge_point.authorization
    central_system.act(lambda: authorization.ask("TAG", lambda info: None))
    (notice,) = [notice for notice in central_system.notices if notice.event == "authorized"]
    return str(notice.details["status"]), str(notice.details["source"])
