"""The main job: from an empty directory to a billed transaction, with a charge point that we did not write."""

import csv
import io
import re

import pytest
from ocpp.v16.enums import ChargePointStatus

from tests.conftest import MakeSite
from tests.support.site import Site

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
async def site(make_site: MakeSite) -> Site:
    """From the very beginning, as users start it."""
    site = await make_site(start=False)
    site.from_scratch = True
    await site.start()
    return site


async def test_from_an_empty_directory_to_a_billed_transaction(site: Site) -> None:
    assert (await site.csmsctl("cp", "add", "CP1")).code == 0
    assert (await site.csmsctl("tag", "add", "A1B2C3")).code == 0
    charge_point = await site.charge_point("CP1", boot=False)
    watcher = await site.watch("transaction.started", "transaction.stopped")

    boot = await charge_point.boot()
    assert TIME.fullmatch(boot.current_time)
    assert boot.interval == 300
    await charge_point.status(ChargePointStatus.available)

    started = await site.json("remote-start", "CP1", "--tag", "A1B2C3", "--connector", "1")
    assert started["results"][0]["outcome"] == "accepted"
    assert await charge_point.request("RemoteStartTransaction") == {"id_tag": "A1B2C3", "connector_id": 1}

    conf = await charge_point.start_transaction("A1B2C3", meter_start=1000)
    assert conf.id_tag_info["status"] == "Accepted"
    number = conf.transaction_id
    assert (await watcher.event("transaction.started"))["data"]["transaction"] == number
    await charge_point.status(ChargePointStatus.charging)
    await charge_point.meter_values(number, 1500, power=7200)

    running = (await site.json("tx", "show", str(number)))["transactions"][0]
    assert (running["state"], running["energy_wh"], running["power_w"]) == ("active", 500, 7200)
    connector = (await site.json("status", "CP1"))["charge_points"][0]["connectors"][0]
    assert (connector["status"], connector["transaction"], connector["soc_percent"]) == ("Charging", number, 42)

    stopped = await site.csmsctl("remote-stop", "CP1", "--connector", "1")
    assert stopped.code == 0
    assert await charge_point.request("RemoteStopTransaction") == {"transaction_id": number}
    await charge_point.stop_transaction(number, 4200, reason="Remote")
    assert (await watcher.event("transaction.stopped"))["data"]["energy_wh"] == 3200
    await charge_point.status(ChargePointStatus.available)

    shown = await site.csmsctl("tx", "show", str(number))
    assert shown.code == 0
    for part in ("3.200 kWh", "Remote", "A1B2C3", "CP1"):
        assert part in shown.out
    record = (await site.json("tx", "show", str(number)))["transactions"][0]
    assert record["state"] == "stopped"
    assert record["energy_wh"] == 3200
    assert record["stop_reason"] == "Remote"
    assert TIME.fullmatch(record["start_time"])
    assert TIME.fullmatch(record["stop_time"])
    assert record["energy_suspect"] is False
    assert record["flags"] == []

    lines = list(csv.DictReader(io.StringIO((await site.csmsctl("tx", "export")).out)))
    assert len(lines) == 1
    assert lines[0]["id"] == str(number)
    assert (lines[0]["energy_wh"], lines[0]["stop_reason"], lines[0]["id_tag"]) == ("3200", "Remote", "A1B2C3")

    readings = await site.json("tx", "meter", str(number))
    assert [sample["value"] for sample in readings["meter_values"][0]["samples"]] == ["1500", "7200", "42"]


async def test_heartbeat_tells_the_time(site: Site) -> None:
    charge_point = await site.raw("CP1")
    assert TIME.fullmatch((await charge_point.heartbeat())[2]["currentTime"])


async def test_a_record_of_every_command_is_kept(site: Site) -> None:
    await site.call("tag.add", id="A1B2C3")
    charge_point = await site.charge_point("CP1")
    await site.json("remote-start", "CP1", "--tag", "A1B2C3")
    await charge_point.request("RemoteStartTransaction")
    task = (await site.json("task", "list"))["tasks"][0]
    assert (task["action"], task["charge_point"], task["outcome"]) == ("RemoteStartTransaction", "CP1", "accepted")
    assert task["uid"] is not None
    shown = (await site.json("task", "show", str(task["id"])))["tasks"][0]
    assert shown["response"] == {"status": "Accepted"}
