"""What csmsd says of itself, and that it takes over what its settings say now."""

import asyncio
import os
import pwd

from tests.conftest import MakeSite
from tests.support.site import Site

START = {"connectorId": 1, "idTag": "A1", "meterStart": 0, "timestamp": "2026-03-01T12:00:00Z"}


async def test_it_says_who_it_is_and_who_asks(site: Site) -> None:
    info = await site.call("daemon.info")
    assert info["listen"] == [site.listen]
    assert info["peer"] == {
        "uid": os.getuid(), "user": pwd.getpwuid(os.getuid()).pw_name,
        "right": "all", "socket": str(site.socket), "group": "csms",
    }  # fmt: skip
    assert info["store"]["state"] == "ok"
    assert (info["store"]["error"], info["store"]["slow_since"]) == (None, None)
    assert info["store"]["database_bytes"] > 0
    assert (info["connected"], info["charge_points"]) == (0, 0)
    assert info["books"]["backup"] is None


async def test_limits_that_no_setting_moves(shared_site: Site) -> None:
    limits = (await shared_site.call("daemon.limits"))["limits"]
    assert (limits["identity_characters"], limits["id_tag_characters"], limits["unique_id_characters"]) == (48, 20, 255)
    assert all(isinstance(limit, int) and limit > 0 for limit in limits.values())


async def test_the_site_in_numbers_is_the_site_in_words(site: Site) -> None:
    await site.call("tag.add", id="A1")
    point = await site.raw("CP1")
    await site.register("CP2")
    await point.ask("StartTransaction", START)
    reading = {"timestamp": "2026-03-01T12:10:00Z", "sampledValue": [
        {"value": "7.4", "measurand": "Power.Active.Import", "unit": "kW"}
    ]}  # fmt: skip
    await point.ask("MeterValues", {"connectorId": 1, "meterValue": [reading]})
    await site.call("operation.run", command="clear-cache", targets=["CP2"], queue_s=60)
    running = asyncio.create_task(site.call("operation.run", command="clear-cache", targets=["CP1"]))
    frame = await point.asked("ClearCache")

    figures, status = await site.call("daemon.figures"), await site.call("status")
    daemon = status["daemon"]
    for name in ("connected", "charge_points", "active_transactions", "open_tasks", "queued_commands", "store"):
        assert figures[name] == daemon[name], name
    assert (figures["connected"], figures["charge_points"], figures["active_transactions"]) == (1, 2, 1)
    assert (figures["open_tasks"], figures["queued_commands"], figures["store"]) == (1, 1, "ok")
    told = sum(len(known["problems"]) for known in status["charge_points"]) + len(daemon["problems"])
    assert figures["problems"] == told
    open_tasks = {known["id"]: [task["state"] for task in known["open_tasks"]] for known in status["charge_points"]}
    assert (len(open_tasks["CP1"]), open_tasks["CP2"]) == (1, ["queued"])
    await point.answer(frame, {"status": "Accepted"})
    await running
    assert (await site.call("daemon.figures"))["open_tasks"] == 0


async def test_status_is_of_whom_it_is_asked_for_and_counts_everybody(site: Site) -> None:
    for identity in ("b", "A"):
        await site.register(identity)
    assert [known["id"] for known in (await site.call("status"))["charge_points"]] == ["A", "b"]
    one = await site.call("status", targets=["B"])
    assert [known["id"] for known in one["charge_points"]] == ["b"]
    assert one["daemon"]["charge_points"] == 2
    assert (await site.refused("status", targets=["C"]))[0] == 3


async def test_a_store_that_fails_is_said(site: Site) -> None:
    site.limit_file_size(4096)
    assert (await site.refused("tag.add", id="A1"))[0] == 1
    store = (await site.call("daemon.info"))["store"]
    assert (store["state"], store["error"] is None) == ("failing", False)
    status = await site.call("status")
    assert status["daemon"]["store"] == (await site.call("daemon.figures"))["store"] == "failing"
    assert len(status["daemon"]["problems"]) == 1
    site.limit_file_size(None)


async def test_settings_are_taken_over_and_a_mistake_changes_nothing(make_site: MakeSite) -> None:
    site = await make_site({"ocpp": {"heartbeat_interval": 60}})
    point = await site.raw("CP1")
    assert (await point.boot())[2]["interval"] == 60
    site.write_settings({"ocpp": {"heartbeat_interval": 61}, "server": {"max_connections": 7}})
    assert await site.call("daemon.reload") == {
        "changed": ["ocpp.heartbeat_interval"],
        "restart_needed": ["server.max_connections"],
    }
    assert (await point.boot())[2]["interval"] == 61

    site.write_settings({"ocpp": {"heartbeat_interval": 0}})
    code, text = await site.refused("daemon.reload")
    assert (code, "ocpp.heartbeat_interval" in text) == (1, True)
    assert (await point.boot())[2]["interval"] == 61
