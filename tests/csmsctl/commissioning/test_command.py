"""`cp test` with a real csmsd: simulated charge points pass, one on PyPI `ocpp` fails where it should."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ocpp.v16 import call

from tests.conftest import MakeSite
from tests.support.charge_point import ChargePoint
from tests.support.simulator import simulator
from tests.support.site import Site, environment

HOSTING = {"files": {"http_listen": "127.0.0.1:0"}}
PATIENCE = 60.0


@asynccontextmanager
async def simulated(site: Site, identity: str, *options: str) -> AsyncIterator[asyncio.StreamWriter]:
    """A simulated charge point that has booted, and obeys the lines written."""
    await site.register(identity)
    async with simulator(site, identity, options=options) as lines:
        yield lines


def results(report: dict[str, Any]) -> dict[str, str]:
    return {step["step"]: step["result"] for step in report["steps"]}


async def test_what_is_harmless_passes_and_leaves_nothing_behind(make_site: MakeSite, tmp_path: Path) -> None:
    site = await make_site(HOSTING)
    async with simulated(site, "SIM-1"):
        file = tmp_path / "report.md"
        ended = await site.csmsctl("--json", "cp", "test", "SIM-1", "--suite", "quick", "--report", str(file))
        assert ended.code == 0, ended
        report = ended.json
        assert (report["schema_version"], report["suite"], report["charge_point"]["model"]) == (1, "quick", "Simulated")
        assert results(report) == dict.fromkeys(
            ("link", "boot", "clock", "configuration", "triggers", "local-list", "composite-schedule"), "pass"
        )
        assert (report["passed"], report["failed"], report["deviations"], report["left_behind"]) == (7, 0, [], [])
        triggered = next(step for step in report["steps"] if step["step"] == "triggers")["seen"]
        assert {"Heartbeat: came", "MeterValues: came", "FirmwareStatusNotification: came"} <= set(triggered)
        page = file.read_text("utf-8")
        assert page.startswith("# Test of SIM-1\n")
        assert "| Result | 7 passed, 0 failed, 0 skipped |" in page
        assert "| clock | Has the right time | pass |" in page

        # All else that needs no person, except the reset, which takes its time (see below).
        steps = [
            word
            for name in ("remote-start", "unlock", "limit", "diagnostics", "local-start")
            for word in ("--step", name)
        ]
        ended = await site.csmsctl("cp", "test", "SIM-1", "--suite", "full", "--charge", "0", "--yes", *steps)
        assert ended.code == 0, ended
        assert "SIM-1: 4 passed, 0 failed, 1 skipped" in ended.out
        assert "skipped  local-start         it needs a person at the charge point" in ended.out
        [transaction] = (await site.call("transaction.list"))["transactions"]
        assert (transaction["state"], transaction["stop_reason"]) == ("stopped", "Remote")
        assert (await site.call("tag.list"))["tags"] == []
        assert (await site.call("profile.installed"))["installed_profiles"] == []
        assert (await site.call("diagnostics.list"))["diagnostics"] == []

        # Not without being asked for, not without a person, and not where nobody is.
        for code, *words in (
            (10, "SIM-1", "--suite", "full"),
            (10, "SIM-1"),
            (3, "SIM-2", "--suite", "quick"),
            (3, "SIM-1", "--suite", "quick", "--connector", "9"),
            (3, "SIM-1", "--suite", "full", "--yes", "--tag", "NOBODY"),
            (2, "SIM-1", "--suite", "quick", "--step", "reset"),
        ):
            ended = await site.csmsctl("cp", "test", *words)
            assert (ended.code, ended.out) == (code, ""), ended
    await site.register("AWAY")
    ended = await site.csmsctl("cp", "test", "AWAY", "--suite", "quick")
    assert (ended.code, "AWAY: 0 passed, 1 failed, 6 skipped" in ended.out) == (6, True), ended


async def test_one_that_has_told_of_itself_alone_is_not_said_to_lack_a_connector(site: Site) -> None:
    """A charge point that has just booted tells the status of connector 0 first."""
    point = await site.raw("EARLY")
    for connector, code in ((0, 0), (2, 3)):
        status = {"connectorId": connector, "errorCode": "NoError", "status": "Available"}
        await point.ask("StatusNotification", status)
        ended = await site.csmsctl("cp", "test", "EARLY", "--suite", "quick", "--step", "boot")
        assert ended.code == code, ended
    assert "EARLY has reported no connector 1." in ended.err


@pytest.mark.slow
async def test_everything_passes_with_a_simulated_charge_point(make_site: MakeSite) -> None:
    site = await make_site(HOSTING)
    async with simulated(site, "SIM-1"):
        ended = await site.csmsctl("--json", "--yes", "cp", "test", "SIM-1", "--suite", "full", "--connector", "2")
        assert ended.code == 0, ended
        assert set(results(ended.json).values()) == {"pass", "skipped"}
        assert [step["step"] for step in ended.json["steps"] if step["result"] == "skipped"] == ["local-start"]
        started = next(step for step in ended.json["steps"] if step["step"] == "remote-start")["seen"]
        assert "no energy" not in " ".join(started)
    async with simulated(site, "SIM-2", "--misbehave", "no-id"):
        words = ("--suite", "full", "--timeout", "3", "--charge", "0", "--step", "remote-start", "--step", "unlock")
        ended = await site.csmsctl("--json", "--yes", "cp", "test", "SIM-2", *words)
        assert (ended.code, results(ended.json)) == (1, {"remote-start": "fail", "unlock": "skipped"}), ended
        assert "RemoteStopTransaction: Rejected" in ended.json["left_behind"][0]
        assert "is running, and is not disturbed" in ended.json["steps"][1]["reason"]


class Stubborn:
    """Makes a charge point on PyPI `ocpp` promise much and do little."""

    def __init__(self, charge_point: ChargePoint) -> None:
        self.charge_point = charge_point
        self.tasks: set[asyncio.Task[Any]] = set()
        keys = {
            "SupportedFeatureProfiles": "Core,RemoteTrigger,SmartCharging,LocalAuthListManagement",
            "HeartbeatInterval": "300",
            "ConnectionTimeOut": "0",
        }
        charge_point.answers |= {
            "GetConfiguration": {
                "configuration_key": [{"key": key, "readonly": False, "value": value} for key, value in keys.items()]
            },
            "GetLocalListVersion": {"list_version": -1},
            "UnlockConnector": {"status": "NotSupported"},
            "Reset": {"status": "Rejected"},
        }
        taken = charge_point._take

        def take(action: str, fields: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
            if action == "TriggerMessage" and fields["requested_message"] == "StatusNotification":
                task = asyncio.get_running_loop().create_task(self._late_status())
                self.tasks.add(task)
            return taken(action, fields, usual)

        charge_point._take = take  # type: ignore[method-assign]

    async def _late_status(self) -> None:
        """Its clock is an hour behind."""
        time = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        await self.charge_point.ask(
            call.StatusNotification(connector_id=1, error_code="NoError", status="Available", timestamp=time)
        )


async def test_one_that_promises_much(site: Site) -> None:
    charge_point = await site.charge_point("CP1")
    Stubborn(charge_point)
    ended = await site.csmsctl("--json", "--yes", "--timeout", "2", "cp", "test", "CP1", "--suite", "full")
    assert ended.code == 1, ended
    report = ended.json
    assert results(report) == {
        "link": "pass",
        "boot": "pass",
        "clock": "fail",
        "configuration": "fail",
        "triggers": "fail",
        "local-list": "skipped",
        "local-start": "skipped",
        "remote-start": "fail",
        "reservation": "skipped",
        "unlock": "skipped",
        "reset": "fail",
        "composite-schedule": "fail",
        "limit": "fail",
        "limit-habits": "fail",
        "diagnostics": "skipped",
    }
    steps = {step["step"]: step for step in report["steps"]}
    assert steps["clock"]["reason"].startswith("its clock is 3600 s behind")
    assert "NumberOfConnectors" in steps["configuration"]["reason"]
    assert "Heartbeat: accepted, but no Heartbeat within 2 s" in steps["triggers"]["reason"]
    assert "StatusNotification: came" in steps["triggers"]["seen"]
    assert steps["remote-start"]["reason"] == "no transaction.started within 2 s"
    assert steps["remote-start"]["advice"]
    assert any("RemoteStartTransaction" in frame for frame in steps["remote-start"]["conversation"])
    assert steps["reset"]["reason"] == "Reset: Rejected"
    assert "NotImplemented" in steps["limit"]["reason"]
    assert steps["reservation"]["reason"] == "its SupportedFeatureProfiles do not have Reservation"
    assert report["left_behind"] == []
    assert (await site.json("tag", "list"))["tags"] == []

    # Whoever charges is left alone.
    await site.call("tag.add", id="A1")
    started = await charge_point.start_transaction("A1")
    ended = await site.csmsctl("--yes", "cp", "test", "CP1", "--suite", "full")
    assert (ended.code, f"Transaction {started.transaction_id} is running" in ended.err) == (1, True), ended
    assert (await site.csmsctl("clear-cache", "CP1")).code == 0  # after it, on the same line
    assert charge_point.requests["RemoteStopTransaction"].empty()


class Terminal:
    """csmsctl on a terminal of its own; what it asks is on `screen`, what it reports on standard output."""

    def __init__(self, site: Site, *arguments: str) -> None:
        self._master, slave = os.openpty()
        self._command = [sys.executable, "-m", "csmsctl", "--socket", str(site.socket), *arguments]
        self._slave = slave
        self.screen = ""

    async def __aenter__(self) -> "Terminal":
        self.process = await asyncio.create_subprocess_exec(
            *self._command, stdin=self._slave, stderr=self._slave, stdout=asyncio.subprocess.PIPE, env=environment()
        )
        os.close(self._slave)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        os.close(self._master)

    async def sees(self, text: str) -> None:
        """Waits until the text stands there."""
        async with asyncio.timeout(PATIENCE):
            while text not in self.screen:
                self.screen += (await asyncio.to_thread(os.read, self._master, 4096)).decode()

    def types(self, answer: str) -> None:
        os.write(self._master, f"{answer}\n".encode())

    async def report(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        out = await asyncio.wait_for(self.process.stdout.read(), PATIENCE)
        await self.process.wait()
        found: dict[str, Any] = json.loads(out)
        return found


async def test_a_person_is_led_and_may_stop(site: Site) -> None:
    await site.call("tag.add", id="A1")
    async with simulated(site, "SIM-1", "--no-plug") as drivers:
        watcher = await site.watch("transaction.started", "transaction.stopped")
        chosen = [word for name in ("local-start", "remote-start", "unlock") for word in ("--step", name)]
        async with Terminal(site, "--json", "cp", "test", "SIM-1", *chosen) as terminal:
            await terminal.sees("and present a card.")
            drivers.write(b"plug SIM-1 1\npresent SIM-1 1 A1\n")
            await watcher.event("transaction.started")
            terminal.types("")
            await terminal.sees("Present the same card again")
            drivers.write(b"present SIM-1 1 A1\nunplug SIM-1 1\n")
            await watcher.event("transaction.stopped")
            terminal.types("")
            await terminal.sees("Starts and stops from afar.")
            terminal.types("s")
            await terminal.sees("Unlocks the connector.")
            terminal.types("q")
            report = await terminal.report()
        assert terminal.process.returncode == 130
        assert results(report) == {"local-start": "pass", "remote-start": "skipped", "unlock": "skipped"}
        assert [step["reason"] for step in report["steps"]] == [None, "by the operator", "stopped by the operator"]

        # Ctrl-C in the middle of a transaction: it is stopped, and the idTag of the test is gone.
        words = ("--yes", "cp", "test", "SIM-1", "--suite", "full", "--step", "remote-start", "--charge", "60")
        async with Terminal(site, *words) as terminal:
            await terminal.sees("Plug a car into connector 1")
            drivers.write(b"plug SIM-1 1\n")
            await watcher.event("transaction.started")
            terminal.process.send_signal(signal.SIGINT)
            assert await asyncio.wait_for(terminal.process.wait(), PATIENCE) == 130
        assert {one["state"] for one in (await site.json("tx", "list"))["transactions"]} == {"stopped"}
        assert [tag["id"] for tag in (await site.json("tag", "list"))["tags"]] == ["A1"]
