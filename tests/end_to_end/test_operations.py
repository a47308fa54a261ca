"""Every operation of Core, and TriggerMessage: typed in a shell, answered by PyPI `ocpp`."""

from typing import Any

import pytest

from tests.support.site import Site

# command line, action, what the charge point reads, its answers: (answer, exit code, outcome)
OPERATIONS: list[tuple[list[str], str, dict[str, Any], list[tuple[dict[str, Any], int, str]]]] = [
    (
        ["remote-start", "CP1", "--tag", "A1B2C3", "--connector", "2"],
        "RemoteStartTransaction",
        {"id_tag": "A1B2C3", "connector_id": 2},
        [({"status": "Accepted"}, 0, "accepted"), ({"status": "Rejected"}, 7, "rejected")],
    ),
    (
        ["remote-stop", "CP1", "--transaction", "4711", "--force"],
        "RemoteStopTransaction",
        {"transaction_id": 4711},
        [({"status": "Accepted"}, 0, "accepted"), ({"status": "Rejected"}, 7, "rejected")],
    ),
    (
        ["reset", "CP1", "--type", "hard"],
        "Reset",
        {"type": "Hard"},
        [({"status": "Accepted"}, 0, "accepted"), ({"status": "Rejected"}, 7, "rejected")],
    ),
    (
        ["unlock-connector", "CP1", "--connector", "1"],
        "UnlockConnector",
        {"connector_id": 1},
        [
            ({"status": "Unlocked"}, 0, "accepted"),
            ({"status": "UnlockFailed"}, 7, "rejected"),
            ({"status": "NotSupported"}, 7, "rejected"),
        ],
    ),
    (
        ["change-availability", "CP1", "--connector", "0", "--type", "inoperative"],
        "ChangeAvailability",
        {"connector_id": 0, "type": "Inoperative"},
        [
            ({"status": "Accepted"}, 0, "accepted"),
            ({"status": "Scheduled"}, 0, "accepted"),
            ({"status": "Rejected"}, 7, "rejected"),
        ],
    ),
    (
        ["get-configuration", "CP1", "--key", "HeartbeatInterval", "--key", "Nope"],
        "GetConfiguration",
        {"key": ["HeartbeatInterval", "Nope"]},
        [
            (
                {
                    "configuration_key": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}],
                    "unknown_key": ["Nope"],
                },
                0,
                "accepted",
            ),
            ({}, 0, "accepted"),
        ],
    ),
    (["get-configuration", "CP1"], "GetConfiguration", {}, [({"configuration_key": []}, 0, "accepted")]),
    (
        ["change-configuration", "CP1", "--set", "MeterValueSampleInterval=-1"],
        "ChangeConfiguration",
        {"key": "MeterValueSampleInterval", "value": "-1"},
        [
            ({"status": "Accepted"}, 0, "accepted"),
            ({"status": "RebootRequired"}, 0, "accepted"),
            ({"status": "Rejected"}, 7, "rejected"),
            ({"status": "NotSupported"}, 7, "rejected"),
        ],
    ),
    (
        ["clear-cache", "CP1"],
        "ClearCache",
        {},
        [({"status": "Accepted"}, 0, "accepted"), ({"status": "Rejected"}, 7, "rejected")],
    ),
    (
        ["data-transfer", "CP1", "--vendor", "com.example", "--message-id", "Hello", "--data", "Wörld"],
        "DataTransfer",
        {"vendor_id": "com.example", "message_id": "Hello", "data": "Wörld"},
        [
            ({"status": "Accepted", "data": "ok"}, 0, "accepted"),
            ({"status": "UnknownVendorId"}, 7, "rejected"),
            ({"status": "UnknownMessageId"}, 7, "rejected"),
        ],
    ),
    (
        ["trigger-message", "CP1", "--message", "MeterValues", "--connector", "1"],
        "TriggerMessage",
        {"requested_message": "MeterValues", "connector_id": 1},
        [
            ({"status": "Accepted"}, 0, "accepted"),
            ({"status": "Rejected"}, 7, "rejected"),
            ({"status": "NotImplemented"}, 7, "rejected"),
        ],
    ),
]


@pytest.mark.parametrize(
    ("line", "action", "read", "answers"),
    OPERATIONS,
    ids=[f"{line[0]}-{len(line)}" for line, *_ in OPERATIONS],
)
async def test_operation(
    site: Site,
    line: list[str],
    action: str,
    read: dict[str, Any],
    answers: list[tuple[dict[str, Any], int, str]],
) -> None:
    await site.call("tag.add", id="A1B2C3")
    charge_point = await site.charge_point("CP1")
    for answer, code, outcome in answers:
        charge_point.answers[action] = answer
        ended = await site.csmsctl("--json", *line)
        assert await charge_point.request(action) == read
        assert ended.code == code, ended
        (result,) = ended.json["results"]
        assert (result["charge_point"], result["action"], result["outcome"]) == ("CP1", action, outcome)
        assert result["status"] == answer.get("status")
        assert result["response"]["status" if "status" in answer else "unknownKey"] if answer.get("status") else True
        task = (await site.call("task.show", id=result["task"]))["outcome"]
        assert task == outcome


async def test_the_raw_call_is_checked_unless_forced(site: Site) -> None:
    charge_point = await site.charge_point("CP1")
    ended = await site.csmsctl("call", "CP1", "Reset", '{"type":"Warm"}')
    assert ended.code == 2
    ended = await site.csmsctl("--json", "call", "CP1", "Reset", '{"type":"Soft"}')
    assert (ended.code, ended.json["results"][0]["status"]) == (0, "Accepted")
    assert await charge_point.request("Reset") == {"type": "Soft"}
    ended = await site.csmsctl("--json", "call", "CP1", "ClearChargingProfile", "{}", "--force")
    assert ended.code == 7
    assert ended.json["results"][0]["outcome"] == "call_error"  # PyPI ocpp has no handler for it here


async def test_a_dry_run_sends_nothing(site: Site) -> None:
    charge_point = await site.charge_point("CP1")
    ended = await site.csmsctl("--json", "reset", "CP1", "--type", "soft", "--dry-run")
    assert ended.code == 0
    assert ended.json["results"][0]["request"] == {"type": "Soft"}
    assert (await site.json("task", "list"))["tasks"] == []
    assert (await site.csmsctl("clear-cache", "CP1")).code == 0  # after it, on the same line
    assert charge_point.requests["Reset"].empty()


async def test_several_keys_are_several_requests_each_with_its_result(site: Site) -> None:
    charge_point = await site.charge_point("CP1")
    ended = await site.csmsctl(
        "--json", "change-configuration", "CP1", "--set", "HeartbeatInterval=60", "--set", "ConnectionTimeOut=30"
    )
    assert ended.code == 0
    assert [result["request"]["key"] for result in ended.json["results"]] == ["HeartbeatInterval", "ConnectionTimeOut"]
    assert (await charge_point.request("ChangeConfiguration"))["value"] == "60"
    assert (await charge_point.request("ChangeConfiguration"))["value"] == "30"
    shown = (await site.json("cp", "show", "CP1"))["charge_points"][0]
    assert {key["key"]: key["value"] for key in shown["configuration"]} == {
        "HeartbeatInterval": "60",
        "ConnectionTimeOut": "30",
    }


async def test_keys_are_asked_in_batches_of_get_configuration_max_keys(site: Site) -> None:
    charge_point = await site.charge_point("CP1")
    charge_point.answers["GetConfiguration"] = {
        "configuration_key": [{"key": "GetConfigurationMaxKeys", "readonly": True, "value": "2"}]
    }
    assert (await site.csmsctl("get-configuration", "CP1")).code == 0
    assert await charge_point.request("GetConfiguration") == {}
    assert (await site.csmsctl("get-configuration", "CP1", "--key", "A", "--key", "B", "--key", "C")).code == 0
    assert await charge_point.request("GetConfiguration") == {"key": ["A", "B"]}
    assert await charge_point.request("GetConfiguration") == {"key": ["C"]}


async def test_reboot_required_stays_visible_until_the_next_boot(site: Site) -> None:
    charge_point = await site.charge_point("CP1")
    charge_point.answers["ChangeConfiguration"] = {"status": "RebootRequired"}
    assert (await site.csmsctl("change-configuration", "CP1", "--set", "LocalPreAuthorize=true")).code == 0
    assert (await site.json("status", "CP1"))["charge_points"][0]["reboot_required"] is True
    await charge_point.boot()
    assert (await site.json("status", "CP1"))["charge_points"][0]["reboot_required"] is False


async def test_many_targets_by_glob_label_and_standard_input(site: Site) -> None:
    for number in (1, 2, 3):
        await site.register(f"north-{number}", labels=["deck"] if number > 1 else [])
        await site.charge_point(f"north-{number}")
    for targets, stdin, count in (
        (["north-*"], None, 3),
        (["@deck"], None, 2),
        (["--all"], None, 3),
        (["-"], "north-1\nnorth-3\n", 2),
        (["north-1", "NORTH-1", "@deck"], None, 3),
    ):
        ended = await site.csmsctl("--json", "--yes", "clear-cache", *targets, stdin=stdin)
        assert (ended.code, len(ended.json["results"])) == (0, count), targets
