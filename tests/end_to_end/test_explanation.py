"""`tx explain` with a real csmsd: what charge points did and operators asked for, told afterwards."""

import asyncio
import re
from typing import Any

from tests.support.charge_point import timestamp
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site

LENGTH = re.compile(r"for [^:]*:")


async def answered(charge_point: RawChargePoint, site: Site, *command: str) -> None:
    """A command that the charge point accepts."""
    run = asyncio.create_task(site.csmsctl(*command))
    request = await asyncio.wait_for(charge_point.calls.get(), 30)
    await charge_point.answer(request, {"status": "Accepted"})
    assert (await run).code == 0


async def status(charge_point: RawChargePoint, word: str) -> None:
    payload = {"connectorId": 1, "errorCode": "NoError", "status": word, "timestamp": timestamp()}
    await charge_point.ask("StatusNotification", payload)


async def start(charge_point: RawChargePoint, id_tag: str, meter: int) -> int:
    payload = {"connectorId": 1, "idTag": id_tag, "meterStart": meter, "timestamp": timestamp()}
    answer = await charge_point.ask("StartTransaction", payload)
    number: int = answer[2]["transactionId"]
    return number


async def stop(charge_point: RawChargePoint, number: int, meter: int, reason: str) -> None:
    """By a clock that is half a minute ahead, so that what lies before it has a length."""
    payload = {"transactionId": number, "meterStop": meter, "timestamp": timestamp(30), "reason": reason}
    await charge_point.ask("StopTransaction", payload)


def of(story: Any, kind: str) -> list[str]:
    return [entry["text"] for entry in story["story"] if entry["kind"] == kind]


async def test_started_limited_and_stopped_from_afar(site: Site) -> None:
    await site.call("tag.add", id="ADA")
    await site.call("profile.add", name="pause", limit="0A", purpose="TxDefaultProfile")
    charge_point = await site.raw("CP1")
    await answered(charge_point, site, "remote-start", "CP1", "--tag", "ADA", "--connector", "1")
    number = await start(charge_point, "ADA", 1000)
    await status(charge_point, "Charging")
    await answered(charge_point, site, "set-charging-profile", "CP1", "--connector", "1", "--profile", "pause")
    await status(charge_point, "SuspendedEVSE")
    running = await site.json("tx", "explain", str(number))
    assert running["conclusion"][-1] == "It is still running."
    await answered(charge_point, site, "remote-stop", "--transaction", str(number))
    await stop(charge_point, number, 1500, "Remote")

    story = await site.json("tx", "explain", str(number))
    assert story["transaction"]["id"] == number
    assert story["conclusion"][0].endswith(" started it from afar (task 1).")
    assert "delivered 0.500 kWh" in story["conclusion"][1]
    assert "(SuspendedEVSE): the limit was 0 A by pause (TxDefaultProfile, level 0)." in story["conclusion"][2]
    assert "it was stopped from afar by " in story["conclusion"][3]
    assert story["conclusion"][3].endswith(" (Remote, task 3).")
    assert story["missing"] == ["There are no meter values: none were sent."]
    assert [text.split(" asked for ")[1].split(":")[0] for text in of(story, "command")] == [
        "RemoteStartTransaction (ADA)",
        "SetChargingProfile (pause, TxDefaultProfile, level 0)",
        "RemoteStopTransaction",
    ]
    assert len(of(story, "suspended")) == 1
    times = [entry["time"] for entry in story["story"]]
    assert times == sorted(times)

    shown = await site.csmsctl("tx", "explain", str(number))
    assert shown.out.startswith(f"Transaction {number}: CP1 connector 1, idTag ADA, stopped\n")
    assert "HAPPENED" in shown.out
    assert (await site.csmsctl("tx", "explain", str(number), "--csv")).out.startswith("time,kind,text,source\n")
    assert (await site.csmsctl("tx", "explain", "99")).code == 3


async def test_presented_suspended_by_the_vehicle_and_ended_by_a_power_loss_then_given_up(site: Site) -> None:
    await site.call("tag.add", id="ADA")
    charge_point = await site.raw("CP1")
    await charge_point.ask("Authorize", {"idTag": "ADA"})
    number = await start(charge_point, "ADA", 1000)
    await status(charge_point, "Charging")
    await status(charge_point, "SuspendedEV")
    watcher = await site.watch("charge_point.disconnected")
    await charge_point.vanish()
    await watcher.event("charge_point.disconnected")
    charge_point = await site.raw("CP1", register=False)
    await stop(charge_point, number, 1700, "PowerLoss")

    story = await site.json("tx", "explain", str(number))
    text = "\n".join(story["conclusion"])
    assert "It was started at the charge point with idTag ADA; csmsd answered Accepted." in text
    assert "The vehicle paused it for " in text
    assert "It ended because the charge point lost its power (PowerLoss)." in text
    assert of(story, "authorization") == ["idTag ADA was presented; csmsd answered Accepted"]
    assert of(story, "boot")[-1] == "the charge point has booted"
    ended, again = of(story, "offline")[-2:]  # the first connection may be of the same millisecond as the start
    assert ended.startswith("the connection ends: ")
    assert again.startswith("the charge point connects, after ")

    given_up = await start(charge_point, "STRANGER", 1700)
    await start(charge_point, "ADA", 1800)
    story = await site.json("tx", "explain", str(given_up))
    assert (
        story["conclusion"][0] == "It was started at the charge point, which did not ask csmsd about the idTag first."
    )
    assert f"Close its books with: csmsctl tx close {given_up} --reason TEXT" in story["conclusion"]
    assert "Its idTag was Invalid when it began, and the charge point was told so." in story["conclusion"]
    await site.csmsctl("tx", "close", str(given_up), "--reason", "meter replaced", "--yes")
    closed = await site.json("tx", "explain", str(given_up))
    assert "meter replaced" in of(closed, "closed")[0]
    assert closed["conclusion"][1] == story["conclusion"][1], "it did not go on until its books were closed"
    assert of(story, "abandoned") == [f"transaction {given_up + 1} begins on its connector: this one is given up"]


async def test_downtime_and_what_is_only_thought_to_run(site: Site) -> None:
    await site.call("tag.add", id="ADA")
    charge_point = await site.raw("CP1")
    number = await start(charge_point, "ADA", 1000)
    await status(charge_point, "Charging")
    await site.csmsctl("log", "CP1")  # what was said so far is on disk
    await site.kill()
    await site.start()
    charge_point = await site.raw("CP1", register=False)
    story = await site.json("tx", "explain", str(number))
    assert [text.split(",")[0] for text in of(story, "daemon")] == ["csmsd is started again"]
    assert of(story, "offline")[-1] == "the charge point connects again, now that csmsd is back"
    assert not [sentence for sentence in story["conclusion"] if "charge point was offline" in sentence]
    assert story["conclusion"][-1].startswith("Whether it still runs is not known: its charge point booted ")

    await status(charge_point, "Charging")
    assert (await site.json("tx", "explain", str(number)))["conclusion"][-1] == "It is still running."
    await status(charge_point, "Available")
    over = (await site.json("tx", "explain", str(number)))["conclusion"]
    assert over[-2].startswith("It was never stopped, and its connector has been Available for ")
    assert over[-1] == f"Close its books with: csmsctl tx close {number} --reason TEXT"
    watcher = await site.watch("charge_point.disconnected")
    await charge_point.vanish()
    await watcher.event("charge_point.disconnected")
    await site.call("charge_point.show", id="CP1")
    again = (await site.json("tx", "explain", str(number)))["conclusion"][-2]
    assert LENGTH.sub("for a while:", again) == LENGTH.sub("for a while:", over[-2])


async def test_signed_data_has_no_unit_of_ours(site: Site) -> None:
    await site.call("tag.add", id="ADA")
    charge_point = await site.raw("CP1")
    number = await start(charge_point, "ADA", 1000)
    samples = [{"value": "00AA", "format": "SignedData"}, {"value": "1500"}]
    value = {"timestamp": timestamp(), "sampledValue": samples}
    await charge_point.ask("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [value]})
    found = await site.json("tx", "meter", str(number))
    assert [(s["format"], s["unit"]) for s in found["meter_values"][0]["samples"]] == [
        ("SignedData", None),
        (None, "Wh"),
    ]
    table = (await site.csmsctl("tx", "meter", str(number))).out
    assert "FORMAT" in table
    assert "SignedData" in table


async def test_how_things_stand_with_a_charge_point(site: Site) -> None:
    point = await site.raw("CP1")
    fault = {"connectorId": 2, "status": "Faulted", "errorCode": "GroundFailure"}
    await point.ask("StatusNotification", fault)
    ended = await site.csmsctl("explain", "CP1", "--connector", "2")
    assert ended.code == 0, ended.err
    assert "it is connected from 127.0.0.1" in ended.out
    assert "a remote start would be refused: connector 2 is Faulted: GroundFailure" in ended.out
    assert "csmsctl log CP1" in ended.out
    found = await site.json("explain", "CP1", "--connector", "2")
    assert (found["charge_point"], found["connector"]) == ("CP1", 2)
    assert found["next"][0]["command"] == "csmsctl log CP1"
    assert (await site.csmsctl("explain", "NOPE")).code == 3
