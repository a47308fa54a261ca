"""FIELD-NOTES "frames": messages that are nearly OCPP-J, over a real connection: answered, booked or kept."""

import asyncio
import json
from typing import Any

import pytest

from tests.csmsd.charge_points.test_connection import deviations
from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site

START = {"connectorId": 1, "idTag": "A1B2C3", "meterStart": 1000, "timestamp": "2026-03-01T12:00:00.000Z"}


async def started(charge_point: RawChargePoint, **fields: object) -> int:
    answer = await charge_point.ask("StartTransaction", {**START, **fields})
    return int(answer[2]["transactionId"])


def stop(transaction: int, **fields: object) -> str:
    payload = {"transactionId": transaction, "meterStop": 1500, "timestamp": "2026-03-01T13:00:00.000Z", **fields}
    return json.dumps([2, "s1", "StopTransaction", payload], separators=(",", ":"))


async def transaction(site: Site, number: int) -> dict[str, Any]:
    return (await site.json("tx", "show", str(number)))["transactions"][0]


async def kept(site: Site) -> list[dict[str, Any]]:
    return (await site.json("tx", "orphans"))["orphans"]


@pytest.mark.parametrize(
    ("mend", "spoil"),
    [
        ("byte_order_mark", lambda text: b"\xef\xbb\xbf" + text.encode()),
        ("not_utf_8", lambda text: text.replace("NOTE", "Geh\xe4use ge\xf6ffnet").encode("latin-1")),
        ("control_character", lambda text: text.replace("NOTE", "a\x07b").encode()),
        ("control_character", lambda text: text.encode() + b"\0\0"),
        ("lone_surrogate", lambda text: text.replace("NOTE", r"\ud800").encode()),
        ("missing_value", lambda text: text.replace('"NOTE"', "").encode()),
        ("no_number", lambda text: text.replace('"NOTE"', "NaN").encode()),
        ("decimal_comma", lambda text: text.replace("1500", "1500,4").encode()),
        ("stray_comma", lambda text: text.replace("}]", ",}]").encode()),
        ("missing_comma", lambda text: text.replace(',"idTag"', ' "idTag"').encode()),
        ("single_quotes", lambda text: text.replace('"', "'").replace("'s1'", '"s1"').encode()),
        ("bad_escape", lambda text: text.replace("NOTE", r"C:\x").encode()),
        ("brackets", lambda text: text.removesuffix("]").encode()),
        ("trailing_bytes", lambda text: (text + "]").encode()),
    ],
)
async def test_a_stop_whose_meaning_is_certain_is_booked(site: Site, mend: str, spoil: Any) -> None:
    charge_point = await site.raw("CP1")
    number = await started(charge_point)

    answer = await charge_point.nearly("s1", "StopTransaction", spoil(stop(number, idTag="A1B2C3", vendorNote="NOTE")))

    assert answer[:2] == [3, "s1"]
    booked = await transaction(site, number)
    assert (booked["state"], booked["energy_wh"], booked["stop_time"]) == ("stopped", 500, "2026-03-01T13:00:00.000Z")
    assert (await deviations(site))[("StopTransaction", "frame", mend)] == 1
    assert await kept(site) == []
    await charge_point.disconnect()


@pytest.mark.parametrize("rest", ['e":"Local"}]', " and more"])
async def test_what_stands_behind_a_stop_is_kept(site: Site, rest: str) -> None:
    charge_point = await site.raw("CP1")
    number = await started(charge_point)
    text = stop(number) + rest

    assert (await charge_point.nearly("s1", "StopTransaction", text))[:2] == [3, "s1"]

    assert (await transaction(site, number))["energy_wh"] == 500
    (message,) = await kept(site)
    assert (message["action"], message["reason"]) == ("StopTransaction", "incomplete: trailing_bytes")
    assert text in json.dumps(message["payload"]).replace("\\", "")
    await charge_point.disconnect()


async def test_a_stop_that_is_cut_off_is_booked_when_its_figures_are_whole(site: Site) -> None:
    charge_point = await site.raw("CP1")
    number = await started(charge_point)
    text = stop(
        number, transactionData=[{"timestamp": "2026-03-01T12:30:00.000Z", "sampledValue": [{"value": "1200"}]}]
    )

    answer = await charge_point.nearly("s1", "StopTransaction", text[:-12])

    assert answer[:2] == [3, "s1"]
    assert (await transaction(site, number))["energy_wh"] == 500
    assert [message["reason"] for message in await kept(site)] == ["incomplete: truncated"]
    await charge_point.disconnect()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: text.index("00,")],  # the register may have had more digits
        lambda text: text[: text.index("03-01")],
        lambda text: text.replace(":1500", ":15;00"),
        lambda text: text.replace(":1500", ":abc"),
    ],
)
async def test_a_stop_whose_meaning_is_not_certain_is_refused_and_kept(site: Site, spoil: Any) -> None:
    charge_point = await site.raw("CP1")
    number = await started(charge_point)
    watcher = await site.watch("message.quarantined")
    text = spoil(stop(number))

    answer = await charge_point.nearly("s1", "StopTransaction", text)

    assert answer[:3] == [4, "s1", "FormationViolation"]
    assert (await watcher.event("message.quarantined"))["data"]["action"] == "StopTransaction"
    assert (await transaction(site, number))["state"] == "active"
    (message,) = await kept(site)
    assert message["reason"] == "refused: FormationViolation"
    # It comes again, under another id, and is kept once.
    assert (await charge_point.nearly("s1", "StopTransaction", text))[0] == 4
    assert len(await kept(site)) == 1
    await charge_point.disconnect()


async def test_readings_without_a_transaction_id_behind_the_colon(site: Site) -> None:
    charge_point = await site.raw("CP1")
    number = await started(charge_point)

    answer = await charge_point.nearly(
        "m1",
        "MeterValues",
        '[2,"m1","MeterValues",{"connectorId":1,"transactionId":,"meterValue":'
        '[{"timestamp":"2026-03-01T12:30:00Z","sampledValue":[{"value":"1400"}]}]}]',
    )

    assert answer == [3, "m1", {}]
    assert (await transaction(site, number))["energy_wh"] == 400
    assert (await deviations(site))[("MeterValues", "frame", "missing_value")] == 1
    await charge_point.disconnect()


async def test_of_readings_that_are_cut_off_the_whole_ones_count(site: Site) -> None:
    charge_point = await site.raw("CP1")
    number = await started(charge_point)

    answer = await charge_point.nearly(
        "m1",
        "MeterValues",
        f'[2,"m1","MeterValues",{{"connectorId":1,"transactionId":{number},"meterValue":'
        '[{"timestamp":"2026-03-01T12:30:00Z","sampledValue":[{"value":"1400"}]},'
        '{"timestamp":"2026-03-01T12:45:00Z","sampledValue":[{"value":"1',
    )

    assert answer == [3, "m1", {}]
    assert (await transaction(site, number))["energy_wh"] == 400
    assert [message["action"] for message in await kept(site)] == ["MeterValues"]
    await charge_point.disconnect()


async def test_two_requests_in_one_message_get_two_answers(site: Site) -> None:
    charge_point = await site.raw("CP1")
    number = await started(charge_point)

    both = stop(number) + '[2,"h1","Heartbeat",{}]\0'
    await charge_point.wire.send_bytes(both.encode(), s1="StopTransaction", h1="Heartbeat")

    assert (await charge_point.answer_to("s1"))[0] == 3
    assert (await charge_point.answer_to("h1"))[0] == 3
    assert (await transaction(site, number))["state"] == "stopped"
    assert await kept(site) == []
    await charge_point.disconnect()


@pytest.mark.parametrize("text", ['[2,"h1","Heartbeat"', '[2,"h1","Heartbeat",;', '[2,"h1","Heartbeat",{"a'])
async def test_what_needs_no_payload_is_answered_all_the_same(site: Site, text: str) -> None:
    charge_point = await site.raw("CP1")

    answer = await charge_point.nearly("h1", "Heartbeat", text)

    assert "currentTime" in answer[2]
    await charge_point.disconnect()


async def test_a_charge_point_boots_whatever_it_says(site: Site) -> None:
    charge_point = await site.raw("CP1")

    answer = await charge_point.nearly("b1", "BootNotification", '[2,"b1","BootNotification",{"chargePointVendor";')

    assert answer[2]["status"] == "Accepted"
    await charge_point.disconnect()


async def test_a_fault_with_a_degree_sign_of_latin_1_is_shown(site: Site) -> None:
    charge_point = await site.raw("CP1")

    await charge_point.nearly(
        "n1",
        "StatusNotification",
        '[2,"n1","StatusNotification",{"connectorId":1,"errorCode":"OtherError","status":"Faulted",'
        '"info":"K\xfchlung 80 \xb0C"}]'.encode("latin-1"),
    )

    (connector,) = (await site.json("cp", "show", "CP1"))["charge_points"][0]["connectors"]
    assert (connector["status"], connector["info"]) == ("Faulted", "Kühlung 80 °C")
    await charge_point.disconnect()


async def test_strict_takes_nothing_that_is_nearly_ocpp_j(site: Site) -> None:
    charge_point = await site.raw("CP1")
    number = await started(charge_point)
    assert (await site.csmsctl("cp", "set", "CP1", "--strict")).code == 0

    answer = await charge_point.nearly("s1", "StopTransaction", stop(number).replace("}]", ",}]"))

    assert answer[:3] == [4, "s1", "FormationViolation"]
    assert [message["action"] for message in await kept(site)] == ["StopTransaction"]
    await charge_point.disconnect()


async def asked(site: Site, charge_point: RawChargePoint, answer: str) -> dict[str, Any]:
    """What comes of GetConfiguration when it is answered with that text behind the unique id."""
    running = asyncio.create_task(site.csmsctl("--json", "get-configuration", "CP1"))
    request = await charge_point.asked("GetConfiguration")
    await charge_point.send(answer.replace("ID", json.dumps(request[1])))
    return (await running).json["results"][0]


async def test_an_answer_that_is_nearly_ocpp_j_is_taken_and_one_that_is_cut_off_ends_the_command(site: Site) -> None:
    charge_point = await site.raw("CP1")

    mended = await asked(
        site, charge_point, '\ufeff[3,ID,{"configurationKey":[{"key":"A","readonly":true,"value":"1",}]}]'
    )
    assert mended["response"]["configurationKey"] == [{"key": "A", "readonly": True, "value": "1"}]
    for text in ('[3,ID,{"configurationKey":[{"key":"A","readonly":true},{"key', "[3,ID,;", "[3,ID,"):
        cut = await asked(site, charge_point, text)
        assert cut["outcome"] == "call_error"
        assert "unreadable answer" in cut["error"]
    refused = await asked(site, charge_point, '[4,ID,"NotSupported","not h')
    assert refused["outcome"] == "call_error"
    assert ("GetConfiguration.conf", "frame", "byte_order_mark") in await deviations(site)
    await charge_point.disconnect()
