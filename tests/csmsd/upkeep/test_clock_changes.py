"""Daily profiles follow the clocks, through csmsd's restarts, until each charge point has them anew."""

import asyncio
from datetime import datetime
from pathlib import Path
from time import time
from typing import Any

from tests.conftest import MakeSite
from tests.support.clock_shim import MovableClock
from tests.support.raw_charge_point import RawChargePoint
from tests.support.shim import needs_compiler
from tests.support.site import Site

BEFORE, AFTER = "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z"  # Europe on the 25th, New York a week later


def _to(clock: MovableClock, text: str) -> None:
    clock.set(round(datetime.fromisoformat(text).timestamp() - time()))


async def _answered(point: RawChargePoint, action: str, answer: dict[str, Any]) -> dict[str, Any]:
    frame = await point.asked(action)
    await point.answer(frame, answer)
    return dict(frame[3])


async def _sent(site: Site, point: RawChargePoint, method: str, **params: Any) -> list[str]:
    """When the profiles begin that the charge point is sent, of connectors 1 and 2."""
    running = asyncio.create_task(site.call(method, targets=["CP1"], **params))
    starts = []
    for _ in range(2 if method == "profile.reassert" else 1):
        request = await _answered(point, "SetChargingProfile", {"status": "Accepted"})
        starts.append(request["csChargingProfiles"]["chargingSchedule"]["startSchedule"])
    await running
    return starts


async def _off_clock(site: Site) -> list[tuple[int, str, str]]:
    (found,) = (await site.call("status", targets=["CP1"]))["charge_points"]
    return [
        (one["connector"], one["text"], one["next"]) for one in found["problems"] if one["kind"] == "profile_off_clock"
    ]


@needs_compiler
async def test_over_a_change_of_the_clocks(make_site: MakeSite, tmp_path: Path) -> None:
    clock = MovableClock(tmp_path)
    _to(clock, BEFORE)
    site = await make_site(start=False)
    site.variables = clock.variables | {"TZ": "America/New_York"}
    await site.start()
    windows = "22:00-06:00=16A,06:00-22:00=8A"
    await site.call("profile.add", name="here", daily=windows)
    await site.call("profile.add", name="there", daily=windows, time_zone="Europe/Amsterdam")
    point = await site.raw("CP1")
    for connector, name in ((1, "here"), (2, "there")):
        parameters = {"connector": connector, "profile": name}
        await _sent(site, point, "operation.run", command="set-charging-profile", parameters=parameters)
    assert await _off_clock(site) == []
    await site.call("profile.remove", name="there")  # CP1 keeps it
    _to(clock, AFTER)
    await site.restart()
    point = await site.raw("CP1", register=False)
    text = "profile there holds 60 min early: the clocks of Europe/Amsterdam were changed since it was sent"
    assert await _off_clock(site) == [(2, text, "csmsctl profile reassert CP1")]

    verifying = asyncio.create_task(site.call("profile.verify", charge_point="CP1", connector=2, duration=86400))
    periods = [{"startPeriod": 0, "limit": 8.0}]
    schedule = {"duration": 86400, "chargingRateUnit": "A", "chargingSchedulePeriod": periods}
    await _answered(
        point, "GetCompositeSchedule", {"status": "Accepted", "connectorId": 2, "chargingSchedule": schedule}
    )
    verified = await verifying
    assert verified["off_clock"] == ["there"]
    # By the clocks of winter.
    assert [(one["start"], one["expected"]) for one in verified["differences"]] == [("2026-10-26T21:00:00.000Z", 16)]

    starts = await _sent(site, point, "profile.reassert")
    assert [start[11:16] for start in starts] == ["04:00", "23:00"]
    assert await _off_clock(site) == []


@needs_compiler
async def test_where_profiles_are_sent_again_by_themselves_they_are(make_site: MakeSite, tmp_path: Path) -> None:
    clock = MovableClock(tmp_path)
    _to(clock, BEFORE)
    site = await make_site({"ocpp": {"reassert_charging_profiles": True}}, start=False)
    site.variables = clock.variables
    await site.start()
    there = {"name": "there", "daily": "22:00-06:00=16A", "time_zone": "Europe/Amsterdam"}
    await site.call("profile.add", **there)
    point = await site.raw("CP1")
    parameters = {"connector": 1, "profile": "there"}
    await _sent(site, point, "operation.run", command="set-charging-profile", parameters=parameters)
    _to(clock, AFTER)
    await site.restart()
    watcher = await site.watch("profile.installed")
    point = await site.raw("CP1", register=False)
    request = await _answered(point, "SetChargingProfile", {"status": "Accepted"})
    assert request["csChargingProfiles"]["chargingSchedule"]["startSchedule"].endswith("T21:00:00.000Z")
    await watcher.event("profile.installed")
    assert await _off_clock(site) == []
    assert (await site.call("profile.add", **there))["changed"] is False


async def test_a_time_zone_that_does_not_exist_is_said(make_site: MakeSite) -> None:
    site = await make_site(start=False)
    site.variables = {"TZ": "Europe/Amsterdm"}
    await site.start()
    assert "TZ=Europe/Amsterdm is no time zone that is known here" in site.errors()
    refused = await site.csmsctl("profile", "add", "night", "--daily", "22:00-06:00=16A")
    assert refused.code == 2
    assert "TZ=Europe/Amsterdm is no time zone" in refused.err
    assert "--time-zone" in refused.err
    named = ("--time-zone", "Europe/Amsterdam")
    assert (await site.csmsctl("profile", "add", "night", "--daily", "22:00-06:00=16A", *named)).code == 0
