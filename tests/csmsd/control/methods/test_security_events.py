"""Security events of charge points and of csmsd itself, listed and followed."""

import asyncio
import base64
import json
import os
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from tests.conftest import MakeSite
from tests.csmsd.metrics.test_collector import LISTEN, fetch
from tests.support.charge_point import timestamp
from tests.support.site import Site
from tests.support.wire import WAIT, open_wire


async def test_what_a_charge_point_tells_is_kept_before_it_is_confirmed_also_before_its_boot(site: Site) -> None:
    await site.json("cp", "add", "CP1")
    await site.json("cp", "add", "CP2")
    watcher = await site.watch("security.event")
    point = await site.raw("CP1", boot=False, register=False)
    told = {"type": "InvalidCentralSystemCertificate", "timestamp": timestamp(), "techInfo": "clock"}
    assert (await point.ask("SecurityEventNotification", told))[2] == {}
    assert (await watcher.event("security.event"))["data"]["type"] == "InvalidCentralSystemCertificate"
    await point.ask("SecurityEventNotification", told | {"timestamp": timestamp(-60)})
    await point.ask("SecurityEventNotification", told | {"type": "StartupOfTheDevice"})
    await site.kill()
    await site.start()

    listed = (await site.json("security-events", "CP1"))["security_events"]
    assert [(event["id"], event["type"], event["count"], event["source"]) for event in listed] == [
        (2, "StartupOfTheDevice", 1, "charge_point"),
        (1, "InvalidCentralSystemCertificate", 2, "charge_point"),
    ]
    assert (await site.json("security-events", "CP2"))["security_events"] == []
    chosen = await site.json("security-events", "--type", "startupofthedevice", "--since", "-1h")
    assert [event["id"] for event in chosen["security_events"]] == [2]
    assert (await site.json("security-events", "--until", "-1h"))["security_events"] == []
    point = await site.raw("CP1", boot=False, register=False)
    assert (await point.ask("SecurityEventNotification", told | {"timestamp": timestamp(-120)}))[2] == {}
    counts = [event["count"] for event in (await site.json("security-events"))["security_events"]]
    assert counts == [1, 3], "what was there before csmsd was killed goes on"


async def test_what_csmsd_saw_itself_stands_beside_it(site: Site) -> None:
    await site.register("CP1", password="0123456789abcdef")
    wrong = "Basic " + base64.b64encode(b"CP1:wrong-wrong-wrong").decode()
    for _ in range(2):
        with pytest.raises(InvalidStatus):
            await open_wire(site.url("CP1"), headers={"Authorization": wrong})
    (event,) = (await site.json("security-events", "--source", "csmsd"))["security_events"]
    assert (event["charge_point"], event["type"], event["count"]) == (
        "CP1",
        "FailedToAuthenticateAtCentralSystem",
        2,
    )
    assert "wrong password" in event["tech_info"]
    assert (await site.json("security-events", "--source", "charge_point"))["security_events"] == []


async def test_hooks_and_metrics_have_them(make_site: MakeSite, tmp_path: Path) -> None:
    told = tmp_path / "told"
    os.mkfifo(told)
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\ncat > {told}\n")
    hook.chmod(0o755)
    site = await make_site({**LISTEN, "events": {"hooks": [{"event": "security.event", "command": str(hook)}]}})
    reader = asyncio.StreamReader()
    pipe = os.fdopen(os.open(told, os.O_RDWR | os.O_NONBLOCK), "rb", 0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    point = await site.raw("CP1")
    await point.ask("SecurityEventNotification", {"type": "TamperDetectionActivated", "timestamp": timestamp()})
    event = json.loads(await asyncio.wait_for(reader.readline(), WAIT))
    transport.close()
    assert (event["type"], event["charge_point"]) == ("security.event", "CP1")
    assert (event["data"]["type"], event["data"]["source"]) == ("TamperDetectionActivated", "charge_point")
    _, _, metrics = await fetch(site, "/metrics")
    counted = [line for line in metrics.splitlines() if line.startswith("csms_security_events_total{")]
    assert [line for line in counted if not line.endswith((" 0", " 0.0"))] == [
        'csms_security_events_total{source="charge_point",type="TamperDetectionActivated"} 1.0'
    ], counted
