"""`cp test` takes for no fault what is none: a status that is old, limits that need a transaction, FTP alone."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ftplib import FTP
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conftest import MakeSite
from tests.csmsd.files.file_site import hosting, http
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site

Conf = dict[str, Any]


def at(hours: float = 0) -> str:
    moment = datetime.now(UTC) + timedelta(hours=hours)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Played:
    """A charge point that answers by `answers`, and does what `after` says when an answer is out."""

    def __init__(self, point: RawChargePoint, profiles: str, **keys: str) -> None:
        self.point = point
        known = {"SupportedFeatureProfiles": profiles, "ConnectionTimeOut": "30"} | keys
        self.answers: dict[str, Callable[[Any], Conf]] = {
            "GetConfiguration": lambda _: {
                "configurationKey": [{"key": key, "readonly": False, "value": value} for key, value in known.items()]
            },
        }
        self.after: dict[str, Callable[[Any], Awaitable[object]]] = {}

    async def run(self) -> None:
        while True:
            frame = await self.point.calls.get()
            action, payload = frame[2], frame[3]
            answer = self.answers.get(action, lambda _: {"status": "Accepted"})
            await self.point.answer(frame, answer(payload))
            if action in self.after:
                await self.after[action](payload)


@asynccontextmanager
async def playing(site: Site, profiles: str, **keys: str) -> AsyncIterator[Played]:
    played = Played(await site.raw("CP1"), profiles, **keys)
    task = asyncio.create_task(played.run())
    try:
        yield played
    finally:
        task.cancel()


async def outcome(site: Site, *words: str) -> dict[str, Any]:
    """The one step, as the report has it."""
    test = ("cp", "test", "CP1", "--charge", "0", "--suite", "full", *words)
    ended = await site.csmsctl("--json", "--yes", "--timeout", "10", *test)
    (step,) = ended.json["steps"]
    assert ended.json["left_behind"] == [], ended
    assert isinstance(step, dict)
    return step


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
        ({"StatusNotification": -5}, "Charging", "fail", "its clock is 18000 s behind"),
        ({"StatusNotification": 2}, "Available", "fail", "its clock is 7200 s ahead"),
        ({"MeterValues": -1, "StatusNotification": -5}, "Available", "fail", "its clock is 3600 s behind"),
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
        assert (step["result"], said in " ".join([step["reason"] or "", *step["seen"]])) == (result, True), step
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


@pytest.mark.parametrize("keeps_it", [True, False])
async def test_limits_that_are_reported_in_a_transaction_only(site: Site, keeps_it: bool) -> None:
    async with playing(site, "Core,SmartCharging", ChargingScheduleAllowedChargingRateUnit="Current") as played:
        point = played.point
        limits: list[float] = []
        running: list[int] = []

        async def start(payload: Any) -> None:
            begin = {"connectorId": 1, "idTag": payload["idTag"], "meterStart": 0, "timestamp": at()}
            running.append((await point.ask("StartTransaction", begin))[2]["transactionId"])

        async def stop(payload: Any) -> None:
            end = {"transactionId": payload["transactionId"], "meterStop": 0, "timestamp": at(), "reason": "Remote"}
            await point.ask("StopTransaction", end)
            running.clear()

        def schedule(payload: Any) -> Conf:
            if not (running and limits and keeps_it):
                return {"status": "Accepted"}
            periods = [{"startPeriod": 0, "limit": limits[0]}]
            told = {"chargingRateUnit": "A", "chargingSchedulePeriod": periods}
            return {"status": "Accepted", "connectorId": 1, "scheduleStart": at(), "chargingSchedule": told}

        def take(payload: Any) -> Conf:
            limits.append(payload["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"])
            return {"status": "Accepted"}

        def clear(_: Any) -> Conf:
            limits.clear()
            return {"status": "Accepted"}

        played.answers |= {
            "GetCompositeSchedule": schedule, "SetChargingProfile": take, "ClearChargingProfile": clear,
        }  # fmt: skip
        played.after |= {"RemoteStartTransaction": start, "RemoteStopTransaction": stop}
        assert (await outcome(site, "--step", "composite-schedule"))["result"] == "pass"
        step = await outcome(site, "--step", "limit")
        if keeps_it:
            assert (step["result"], "cleared" in step["seen"]) == ("pass", True), step
        else:
            assert step["result"] == "fail"
            assert "not even in a transaction" in step["reason"]
            assert "csmsctl watch CP1" in step["advice"]
        assert running == []
        assert limits == []


@pytest.mark.parametrize(
    ("named", "can", "result", "asked"),
    [
        ("FTP", "ftp", "pass", ["ftp"]),
        (None, "ftp", "pass", ["http", "ftp"]),
        (None, "http", "pass", ["http"]),
        ("HTTP,FTP", "neither", "fail", ["http", "ftp"]),
        ("SFTP", "neither", "skipped", []),
    ],
)
async def test_diagnostics_by_the_protocols_that_it_has(
    make_site: MakeSite, named: str | None, can: str, result: str, asked: list[str]
) -> None:
    site = await make_site(hosting())
    keys = {} if named is None else {"SupportedFileTransferProtocols": named}
    async with playing(site, "Core,FirmwareManagement", **keys) as played:
        over: list[str] = []

        def put(location: str) -> None:
            parts = urlsplit(location)
            assert parts.hostname is not None
            if parts.scheme == "http":
                http("PUT", location + "diag.txt", b"all is well")
                return
            with FTP(timeout=10) as client:
                client.connect(parts.hostname, parts.port or 21)
                client.login("anonymous", "x")
                client.storbinary(f"STOR {parts.path}diag.txt", io.BytesIO(b"all is well"))

        async def upload(payload: Any) -> None:
            location = payload["location"]
            over.append(urlsplit(location).scheme)
            works = over[-1] == can
            if works:
                await asyncio.to_thread(put, location if location.endswith("/") else location + "/")
            told = {"status": "Uploaded" if works else "UploadFailed"}
            await played.point.ask("DiagnosticsStatusNotification", told)

        played.answers["GetDiagnostics"] = lambda _: {"fileName": "diag.txt"}
        played.after["GetDiagnostics"] = upload
        step = await outcome(site, "--step", "diagnostics")
        assert (step["result"], over) == (result, asked), step
        if result == "fail":
            assert "http: upload failed" in step["reason"]
            assert "ftp: upload failed" in step["reason"]
            assert "csmsctl diagnostics status CP1" in step["advice"]
        if result == "skipped":
            assert "sftp" in step["reason"]
