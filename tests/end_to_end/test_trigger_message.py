"""TriggerMessage with a real csmsd, csmsctl and a charge point that we did not write."""

import pytest

from tests.support.site import Site

TRIGGERS = [
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "MeterValues",
    "StatusNotification",
]


async def test_every_message_can_be_asked_for(site: Site) -> None:
    """TC_054; a connector is optional. BootNotification is for a charge point that is not accepted (CE 3.40)."""
    charge_point = await site.charge_point("CP1")
    for name in TRIGGERS:
        assert (await site.csmsctl("trigger-message", "CP1", "--message", name)).code == 0
        assert await charge_point.request("TriggerMessage") == {"requested_message": name}
    await site.csmsctl("trigger-message", "CP1", "--message", "MeterValues", "--connector", "2")
    assert await charge_point.request("TriggerMessage") == {"requested_message": "MeterValues", "connector_id": 2}
    assert (await site.csmsctl("trigger-message", "CP1", "--message", "BootNotification")).code == 7
    await site.csmsctl("trigger-message", "CP1", "--message", "BootNotification", "--force")
    assert await charge_point.request("TriggerMessage") == {"requested_message": "BootNotification"}


@pytest.mark.parametrize("status", ["Rejected", "NotImplemented"])
async def test_a_refusal_is_shown_as_what_it_is(site: Site, status: str) -> None:
    """TC_055"""
    charge_point = await site.charge_point("CP1")
    charge_point.answers["TriggerMessage"] = {"status": status}
    words = ("trigger-message", "CP1", "--message", "MeterValues", "--connector", "9")
    ended = await site.csmsctl("--json", *words)
    assert ended.code == 7
    (result,) = ended.json["results"]
    assert (result["outcome"], result["status"], result["error"]) == ("rejected", status, None)
    assert status in (await site.csmsctl(*words)).out
    task = (await site.json("task", "list", "--limit", "1"))["tasks"][0]
    assert (task["outcome"], task["status"]) == ("rejected", status)
