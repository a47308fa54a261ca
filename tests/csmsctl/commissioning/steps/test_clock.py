"""The step on the clock takes for no fault what is none: a status may be old."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.csmsctl.commissioning.steps.played import at, outcome, playing
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site


def telling(point: RawChargePoint, times: dict[str, str], status: str = "Available") -> Callable[[Any], Any]:
    """Sends what it is asked for, with the time that it has for each."""

    async def send(payload: Any) -> None:
        message = payload["requestedMessage"]
        match message:
            case "Heartbeat":
                await point.heartbeat()
            case "StatusNotification":
                told = {"connectorId": 1, "errorCode": "NoError", "status": status, "timestamp": times[message]}
                await point.ask(message, told)
            case "MeterValues":
                values = [
                    {"timestamp": time, "sampledValue": [{"value": "1"}]} for time in (at(-24), times[message], at(-2))
                ]
                await point.ask(message, {"connectorId": 1, "meterValue": values})

    return send


@pytest.mark.parametrize(
    ("times", "status", "result", "said"),
    [
        ({"MeterValues": 0, "StatusNotification": -5}, "Available", "pass", "a MeterValues that was asked for"),
        ({"StatusNotification": 0}, "Available", "pass", "a StatusNotification that was asked for"),
        # since when it has been Available, which says nothing of its clock
        ({"StatusNotification": -5}, "Available", "skipped", "no message has told what time it is there"),
        ({"StatusNotification": -5}, "Charging", "fail", r"its clock is 180\d\d s behind"),
        ({"StatusNotification": 2}, "Available", "fail", r"its clock is 7(200|1\d\d) s ahead"),
        ({"MeterValues": -1, "StatusNotification": -5}, "Available", "fail", r"its clock is 36\d\d s behind"),
        ({"MeterValues": -1, "StatusNotification": 0}, "Available", "pass", "a StatusNotification"),
    ],
)
async def test_the_clock_is_judged_by_what_tells_the_present(
    site: Site, times: dict[str, float], status: str, result: str, said: str
) -> None:
    async with playing(site, "Core,RemoteTrigger") as played:
        known = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": at(-5)}
        await played.point.ask("StatusNotification", known)
        sent = {message: at(hours) for message, hours in times.items()}
        played.answers["TriggerMessage"] = lambda payload: {
            "status": "Accepted" if payload["requestedMessage"] in {*sent, "Heartbeat"} else "NotImplemented"
        }
        played.after["TriggerMessage"] = lambda payload: (
            telling(played.point, sent, status)(payload)
            if payload["requestedMessage"] in {*sent, "Heartbeat"}
            else asyncio.sleep(0)
        )
        step = await outcome(site, "--step", "clock")
        found = re.search(said, " ".join([step["reason"] or "", *step["seen"]]))
        assert (step["result"], found is not None) == (result, True), step
        assert (step["advice"] is not None) == (result == "fail")


async def test_a_composite_schedule_tells_the_time_too(site: Site) -> None:
    async with playing(site, "Core,SmartCharging") as played:
        played.answers["GetCompositeSchedule"] = lambda _: {
            "status": "Accepted",
            "connectorId": 1,
            "scheduleStart": at(-3),
        }
        step = await outcome(site, "--step", "clock")
        assert (step["result"], "10800 s behind" in step["reason"]) == ("fail", True), step
        played.answers["GetCompositeSchedule"] = lambda _: {
            "status": "Accepted",
            "connectorId": 1,
            "scheduleStart": at(),
        }
        assert (await outcome(site, "--step", "clock"))["result"] == "pass"
