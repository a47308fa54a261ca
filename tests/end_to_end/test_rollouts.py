"""Rollouts: stages, failures, operators, and a csmsd that is killed in between."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from csmsctl.simulator import charge_point as simulated
from csmsctl.simulator.profiles import firmware_management
from tests.conftest import MakeSite
from tests.csmsd.files.file_site import add_firmware, bases, hosting, http
from tests.end_to_end.test_firmware import points
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site


async def rollout(site: Site, *arguments: str) -> dict[str, Any]:
    begun = await site.json("firmware", "rollout", *arguments, "--file", "acme-2.1.bin")
    found = begun["rollout"]
    assert isinstance(found, dict)
    return found


async def shown(site: Site) -> tuple[str, str | None, dict[str, str]]:
    """State, reason, and the state of each member."""
    found = (await site.json("rollout", "show", "1"))["rollouts"][0]
    return found["state"], found["reason"], {member["charge_point"]: member["state"] for member in found["members"]}


async def updated(point: RawChargePoint, *statuses: str) -> None:
    """Takes the command, fetches the file where csmsd hosts it and nothing fails, and reports."""
    command = await point.asked("UpdateFirmware")
    await point.answer(command, {})
    if "DownloadFailed" not in statuses and "127.0.0.1" in command[3]["location"]:
        answer, _ = await asyncio.to_thread(http, "GET", command[3]["location"])
        assert answer.status == 200
    for status in statuses:
        await point.ask("FirmwareStatusNotification", {"status": status})


async def test_stages_failures_and_a_restart_in_the_middle(make_site: MakeSite) -> None:
    site = await make_site(hosting())
    await add_firmware(site)
    one, two, three = [await site.raw(identity) for identity in ("CP1", "CP2", "CP3")]
    watcher = await site.watch("rollout.changed")
    begun = await rollout(site, "CP1", "CP2", "CP3", "--canary", "1", "--parallel", "3")
    assert (begun["state"], begun["charge_points"]) == ("running", 3)
    await updated(one, "Downloading", "Installing")
    assert (await shown(site))[2] == {"CP1": "updating", "CP2": "waiting", "CP3": "waiting"}
    again = await site.csmsctl("firmware", "rollout", "CP3", "--file", "acme-2.1.bin")
    assert again.code == 7, again
    assert (await site.csmsctl("firmware", "remove", "acme-2.1.bin", "--yes")).code == 7
    await site.asked_nothing(two, "CP2")
    await site.asked_nothing(three, "CP3")

    await site.restart()

    one, two, three = [await site.raw(identity, register=False) for identity in ("CP1", "CP2", "CP3")]
    assert (await shown(site))[2] == {"CP1": "updating", "CP2": "waiting", "CP3": "waiting"}
    await site.asked_nothing(one)  # what was sent is not sent again
    watcher = await site.watch("rollout.changed")
    await one.ask("FirmwareStatusNotification", {"status": "Installed"})
    await updated(two, "DownloadFailed")
    await updated(three, "Downloading")
    while (await watcher.event("rollout.changed"))["data"]["state"] != "paused":
        pass
    state, reason, members = await shown(site)
    assert (state, reason) == ("paused", "1 failed, at most 0 may")
    assert members == {"CP1": "done", "CP2": "failed", "CP3": "updating"}
    # What is under way goes on; what failed was seen.
    await three.ask("FirmwareStatusNotification", {"status": "Installed"})
    assert (await site.csmsctl("rollout", "resume", "1")).code == 0
    while (await watcher.event("rollout.changed"))["data"]["state"] != "done":
        pass
    report = await site.csmsctl("rollout", "report", "1")
    assert report.out.count("done") == 2
    assert "download failed" in report.out
    assert "Rollout 1 is done: 2 done, 1 failed." in report.err


async def test_who_is_busy_or_away_has_its_turn_later(make_site: MakeSite) -> None:
    site = await make_site(hosting())
    await add_firmware(site)
    await site.call("tag.add", id="A1B2C3")
    busy = await site.raw("CP1")
    await site.register("CP2")
    start = {"connectorId": 1, "idTag": "A1B2C3", "meterStart": 0, "timestamp": "2026-03-01T12:00:00Z"}
    number = (await busy.ask("StartTransaction", start))[2]["transactionId"]
    await rollout(site, "CP1", "CP2", "--parallel", "2", "--only-idle")
    watcher = await site.watch("rollout.changed")
    await site.asked_nothing(busy)
    away = await site.raw("CP2", register=False)
    await updated(away, "Installed")
    stop = {"transactionId": number, "meterStop": 5, "timestamp": "2026-03-01T13:00:00Z"}
    await busy.ask("StopTransaction", stop)
    await updated(busy, "Installed")
    while (await watcher.event("rollout.changed"))["data"]["state"] != "done":
        pass


async def test_operators_halt_it_and_end_it(make_site: MakeSite) -> None:
    site = await make_site(hosting())
    await add_firmware(site)
    one, two = await site.raw("CP1"), await site.raw("CP2")
    for arguments, code in (
        (("CP9", "--file", "acme-2.1.bin"), 3),
        (("CP1", "--file", "none.bin"), 3),
        (("CP1", "--file", "acme-2.1.bin", "--window", "late"), 2),
        (("CP1", "--file", "acme-2.1.bin", "--canary", "2"), 2),
    ):
        assert (await site.csmsctl("firmware", "rollout", *arguments)).code == code, arguments
    await rollout(site, "CP1", "CP2")
    await updated(one)
    assert (await site.json("rollout", "pause", "1"))["rollout"]["state"] == "paused"
    assert (await site.json("rollout", "pause", "1"))["changed"] is False
    assert (await site.csmsctl("rollout", "cancel", "1", "--yes")).code == 0
    watcher = await site.watch("rollout.changed")
    await one.ask("FirmwareStatusNotification", {"status": "Installed"})
    assert (await watcher.event("rollout.changed", "CP1"))["data"]["member"] == "done"
    assert await shown(site) == ("cancelled", None, {"CP1": "done", "CP2": "cancelled"})
    await site.asked_nothing(two, "CP2")
    assert (await site.csmsctl("rollout", "resume", "1")).code == 7
    assert (await site.csmsctl("rollout", "show", "7")).code == 3
    assert [one["id"] for one in (await site.json("rollout", "list"))["rollouts"]] == [1]
    titles, row = (line.split() for line in (await site.csmsctl("rollout", "list")).out.splitlines())
    assert dict(zip(titles[3:9], row[3:9], strict=True)) == {
        "ALL": "2", "DONE": "1", "UPDATING": "0", "WAITING": "0", "FAILED": "0", "CANCELLED": "1",
    }  # fmt: skip


async def test_what_an_operator_sent_meanwhile_does_not_hide_what_the_rollout_sent(make_site: MakeSite) -> None:
    """As it is after a `kill -9` before the rollout looked: the member is updating, and knows no update."""
    site = await make_site(hosting())
    await add_firmware(site)
    point = await site.raw("CP1")
    watcher = await site.watch("rollout.changed")
    await rollout(site, "CP1")
    await updated(point, "Downloading")
    operator = asyncio.create_task(
        site.csmsctl("update-firmware", "CP1", "--location", "http://192.0.2.1/x", "--force")
    )
    await updated(point)
    assert (await operator).code == 0
    while (await watcher.event("rollout.changed"))["data"]["state"] != "paused":
        pass
    await site.kill()
    with closing(sqlite3.connect(site.database)) as database:
        database.execute("UPDATE rollout SET state = 'running'")
        database.execute("UPDATE rollout_member SET state = 'updating', update_id = NULL, begun_at = begun_at + 60000")
        database.commit()

    await site.start()

    again = await site.raw("CP1", register=False)
    await again.ask("FirmwareStatusNotification", {"status": "Installed"})  # the operator's: it is free for another
    state, reason, members = await shown(site)
    assert (state, reason, members) == ("paused", "1 failed, at most 0 may", {"CP1": "failed"})
    await site.asked_nothing(again)


async def test_what_was_under_way_at_a_crash_is_said_to_be_uncertain_until_it_reports(make_site: MakeSite) -> None:
    site = await make_site(hosting())
    await add_firmware(site)
    point = await site.raw("CP1")
    await rollout(site, "CP1")
    await point.asked("UpdateFirmware")  # and no answer

    await site.restart()

    again = await site.raw("CP1", register=False)
    for expected in (True, False):
        (member,) = (await site.json("rollout", "show", "1"))["rollouts"][0]["members"]
        assert (member["state"], "is not known" in (member["note"] or "")) == ("updating", expected)
        await again.ask("FirmwareStatusNotification", {"status": "Downloading"})
    await site.asked_nothing(again)


async def test_a_charge_point_that_is_removed_takes_its_updates_along(make_site: MakeSite) -> None:
    """Everything that waits for it ends, and what it was told is of no use to anybody."""
    site = await make_site(hosting())
    await add_firmware(site, data=bytes(30_000_000))
    one, _ = await site.raw("CP1"), await site.raw("CP2")
    await rollout(site, "CP1", "CP2", "--canary", "1")
    update = await one.asked("UpdateFirmware")
    await one.answer(update, {})
    waiting = asyncio.create_task(site.csmsctl("--json", "get-diagnostics", "CP1", "--wait"))
    upload = await one.asked("GetDiagnostics")
    await one.answer(upload, {"fileName": "x"})
    await one.ask("DiagnosticsStatusNotification", {"status": "Uploading"})

    assert (await site.csmsctl("cp", "remove", "CP1", "--yes")).code == 0

    ended = await waiting
    assert ended.code == 7, ended
    observed = ended.json["results"][0]["observed"]
    assert (observed["state"], observed["failed"]) == ("removed", "the charge point was removed")
    for _ in range(2):
        assert (await site.json("firmware", "status"))["updates"][0]["state"] == "cancelled"
        assert await shown(site) == ("paused", "canary CP1 cancelled", {"CP1": "cancelled", "CP2": "waiting"})
        await site.restart()
    for method, request in (("GET", update), ("PUT", upload)):
        location = request[3]["location"]
        port = next(base.rpartition(":")[2] for base in await bases(site) if base.startswith("http:"))
        path = location.partition("//")[2].partition("/")[2]
        assert (await asyncio.to_thread(http, method, f"http://127.0.0.1:{port}/{path}"))[0].status == 404
    # It comes back, and goes on with what it was told before: nobody asked for that any more.
    again = await site.raw("CP1")
    await again.ask("FirmwareStatusNotification", {"status": "Installed"})
    assert (await site.json("firmware", "status"))["updates"][0]["state"] == "cancelled"
    await site.asked_nothing(await site.raw("CP2", register=False), "CP2")


async def test_a_fleet_of_simulated_charge_points(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(simulated, "SECONDS_TO_BOOT", 0.05)
    monkeypatch.setattr(firmware_management, "SECONDS_TO_INSTALL", 0.05)
    site = await make_site(hosting())
    await add_firmware(site, version="2.1")
    async with points(site, "CP1", "CP2", "CP3", "CP4", "CP5"):
        watcher = await site.watch("rollout.changed")
        await rollout(site, "CP*", "--canary", "1", "--parallel", "2", "--protocol", "ftp")
        under_way: set[str] = set()
        most, ended = 0, []
        while True:
            event = await watcher.event("rollout.changed")
            if event["data"]["state"] == "done" and event["charge_point"] is None:
                break
            if event["data"].get("member") == "updating":
                under_way.add(event["charge_point"])
            elif event["data"].get("member") == "done":
                under_way.discard(event["charge_point"])
                ended.append(event["charge_point"])
            most = max(most, len(under_way))
            assert ended or under_way <= {"CP1"}
    assert most == 2
    assert sorted(ended) == ["CP1", "CP2", "CP3", "CP4", "CP5"]
    (found,) = (await site.json("rollout", "show", "1"))["rollouts"]
    assert (found["state"], found["done"]) == ("done", 5)


async def test_installed_by_one_that_fetched_nothing_is_no_success(make_site: MakeSite) -> None:
    """Nor does anybody wait for the whole time: some minutes after the word its boot has not come, either."""
    site = await make_site(hosting())
    await add_firmware(site)
    liar, honest = await site.raw("CP1"), await site.raw("CP2")
    await rollout(site, "CP1", "CP2", "--parallel", "2")
    await liar.answer(await liar.asked("UpdateFirmware"), {})
    await liar.ask("FirmwareStatusNotification", {"status": "Installed"})
    watcher = await site.watch("rollout.changed")
    await updated(honest, "Installed")
    while (await watcher.event("rollout.changed", "CP2"))["data"]["member"] != "done":
        pass
    assert (await shown(site))[2] == {"CP1": "updating", "CP2": "done"}
    (update,) = (await site.json("firmware", "status", "CP1"))["updates"]
    assert (update["state"], update["reported"]) == ("requested", "Installed")
    assert "nobody has fetched the file" in update["error"]
