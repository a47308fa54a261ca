"""The steps on limits: what it accepts, and what its composite schedule says of it."""

from typing import Any

import pytest

from tests.csmsctl.commissioning.steps.played import Conf, at, outcome, playing
from tests.support.site import Site


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
        await played.at_rest()
        assert running == []
        assert limits == []
