"""The steps on charging: started and stopped from afar, metered, reserved; and what is wrong is said."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.csmsctl.commissioning.steps.played import Played, at, outcome, playing
from tests.support.site import Site

Act = Callable[[Any], Awaitable[object]]


class Charging:
    """What a charge point does with a start and a stop from afar."""

    def __init__(self, played: Played, *, reason: str | None = "Remote", wh: int = 100, tag: str | None = None) -> None:
        self.played = played
        self.reason, self.wh, self.tag = reason, wh, tag
        self.running: list[int] = []
        played.after |= {"RemoteStartTransaction": self.start, "RemoteStopTransaction": self.stop}

    async def start(self, payload: Any) -> None:
        begin = {"connectorId": 1, "idTag": self.tag or payload["idTag"], "meterStart": 1000, "timestamp": at(-0.01)}
        self.running.append((await self.played.point.ask("StartTransaction", begin))[2]["transactionId"])

    async def stop(self, payload: Any) -> None:
        end = {"transactionId": payload["transactionId"], "meterStop": 1000 + self.wh, "timestamp": at()}
        if self.reason is not None:
            end["reason"] = self.reason
        await self.played.point.ask("StopTransaction", end)
        self.running.clear()


@pytest.mark.parametrize(
    ("reason", "wh", "seen"),
    [
        ("Remote", 100, ["stopped (Remote) with 100 Wh"]),
        ("Local", 100, ["stopped (Local) with 100 Wh", "the reason should be Remote"]),
        (None, 100, ["with 100 Wh", "the reason should be Remote"]),
        ("Remote", 0, ["with 0 Wh", "no energy was metered: did the car draw any?"]),
    ],
)
async def test_started_and_stopped_from_afar(site: Site, reason: str | None, wh: int, seen: list[str]) -> None:
    async with playing(site, "Core") as played:
        charging = Charging(played, reason=reason, wh=wh)
        step = await outcome(site, "--step", "remote-start")
        assert step["result"] == "pass", step
        told = " ".join(step["seen"])
        assert [text for text in seen if text not in told] == []
        assert ("should be Remote" in told) == (reason != "Remote")
        await charging.played.at_rest()
        assert charging.running == []
    assert (await site.json("tag", "list"))["tags"] == []  # the idTag of the test is gone


async def test_one_that_starts_for_somebody_else_is_stopped(site: Site) -> None:
    await site.call("tag.add", id="SOMEBODY")
    async with playing(site, "Core") as played:
        charging = Charging(played, tag="SOMEBODY")
        test = ("cp", "test", "CP1", "--charge", "0", "--suite", "full", "--step", "remote-start")
        ended = await site.csmsctl("--json", "--yes", "--timeout", "10", *test)
        (step,) = ended.json["steps"]
        assert (step["result"], "it started for SOMEBODY, not for TEST-" in step["reason"]) == ("fail", True), step
        assert charging.running != []  # somebody's own: it is not ours to stop


async def test_a_refusal_is_a_failure_with_what_to_look_at(site: Site) -> None:
    async with playing(site, "Core") as played:
        played.answers["RemoteStartTransaction"] = lambda _: {"status": "Rejected"}
        step = await outcome(site, "--step", "remote-start")
        assert (step["result"], step["reason"]) == ("fail", "RemoteStartTransaction: Rejected")
        assert step["advice"] == "Is the connector free and operative?"


async def test_meter_values_are_waited_for_where_they_are_due(site: Site) -> None:
    async with playing(site, "Core", MeterValueSampleInterval="1") as played:
        charging = Charging(played)

        async def start(payload: Any) -> None:
            await charging.start(payload)
            value = {"timestamp": at(), "sampledValue": [{"value": "1050"}]}
            (number,) = charging.running
            await played.point.ask("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [value]})

        played.after["RemoteStartTransaction"] = start
        step = await outcome(site, "--step", "remote-start")
        assert (step["result"], "meter values came" in step["seen"]) == ("pass", True), step


async def test_a_reservation_is_kept_and_cancelled(site: Site) -> None:
    async with playing(site, "Core,Reservation") as played:

        async def status(word: str) -> None:
            told = {"connectorId": 1, "errorCode": "NoError", "status": word, "timestamp": at()}
            await played.point.ask("StatusNotification", told)

        played.after |= {
            "ReserveNow": lambda _: status("Reserved"),
            "CancelReservation": lambda _: status("Available"),
        }
        step = await outcome(site, "--step", "reservation")
        assert step["result"] == "pass", step
        assert any(text.endswith("kept and cancelled") for text in step["seen"])
        states = [one["state"] for one in (await site.json("reservation", "list"))["reservations"]]
        assert states == ["cancelled"]
