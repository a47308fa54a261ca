"""FIELD-NOTES "two clocks": statuses and readings by clocks that are wrong, over real connections."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.raw_charge_point import RawChargePoint
from tests.support.site import Site


def at(minutes: float) -> str:
    """So many minutes from now."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat(timespec="milliseconds")[:23] + "Z"


async def says(charge_point: RawChargePoint, status: str, timestamp: str | None) -> None:
    payload = {"connectorId": 1, "errorCode": "NoError", "status": status}
    await charge_point.ask("StatusNotification", payload if timestamp is None else {**payload, "timestamp": timestamp})


async def shown(site: Site) -> str:
    (connector,) = (await site.json("cp", "show", "CP1"))["charge_points"][0]["connectors"]
    return str(connector["status"])


async def counted(site: Site) -> set[tuple[str, str, str]]:
    found = (await site.json("cp", "show", "CP1"))["charge_points"][0]["deviations"]
    return {(one["action"], one["field"], one["kind"]) for one in found}


async def test_what_comes_last_is_so_whatever_the_clock_says(site: Site) -> None:
    charge_point = await site.raw("CP1")
    for status, timestamp in (
        ("Available", "1970-01-01T00:00:00.740Z"),
        ("Preparing", at(-0.1)),
        ("Charging", at(0)),
        ("Faulted", at(-60)),  # set back by an hour
        ("Available", at(-59.9)),
    ):
        await says(charge_point, status, timestamp)
        assert await shown(site) == status
    assert {kind for _, _, kind in await counted(site)} == {"before_2010", "before_the_last_one"}
    await charge_point.disconnect()


async def test_what_was_held_back_does_not_hide_the_present(site: Site) -> None:
    first = await site.raw("CP1")
    await says(first, "Charging", at(0))
    await first.disconnect()
    back = await site.raw("CP1", boot=False, register=False)

    await says(back, "Preparing", at(-30))
    assert await shown(site) == "Charging"

    await says(back, "Available", at(0))
    for minutes, status in ((-25, "Charging"), (-20, "Faulted"), (-15, "Finishing")):
        await says(back, status, at(minutes))
    assert await shown(site) == "Available"
    assert ("StatusNotification", "timestamp", "held_back") in await counted(site)
    await back.disconnect()


async def test_a_clock_that_boot_has_set_is_no_problem(site: Site) -> None:
    charge_point = await site.raw("CP1")
    await says(charge_point, "Available", "1970-01-01T00:00:03Z")

    problems = await site.json("status", "--problems")

    assert "suspect_clock" not in json.dumps(problems)
    await charge_point.disconnect()


async def test_what_is_told_by_a_clock_of_2018_is_in_the_report_of_now(site: Site) -> None:
    charge_point = await site.raw("CP1")
    begun = {"connectorId": 1, "idTag": "TAG1", "meterStart": 20000, "timestamp": "2018-01-01T00:00:10Z"}
    number = (await charge_point.ask("StartTransaction", begun))[2]["transactionId"]
    ended = {"transactionId": number, "meterStop": 25000, "timestamp": "2018-01-01T01:00:10Z"}
    await charge_point.ask("StopTransaction", ended)

    report = await site.json("report", "--since", at(-60), "--until", at(60))

    assert report["total"]["suspect_energy_wh"] == 5000
    ((kind, reason),) = [(gap["kind"], gap["reason"]) for gap in report["gaps"]]
    assert kind == "suspect"
    assert reason.startswith("start_clock, stop_clock")
    (shown,) = (await site.json("tx", "show", str(number)))["transactions"]
    assert shown["duration_s"] == 3600
    await charge_point.disconnect()


async def power(site: Site, number: int) -> Any:
    return (await site.json("tx", "show", str(number)))["transactions"][0]["power_w"]


async def test_readings_out_of_a_backlog_and_of_another_transaction_show_no_power(site: Site) -> None:
    charge_point = await site.raw("CP1")

    async def starts() -> int:
        payload = {"connectorId": 1, "idTag": "A1B2C3", "meterStart": 0, "timestamp": at(-200)}
        return int((await charge_point.ask("StartTransaction", payload))[2]["transactionId"])

    async def measures(kilowatts: float, minutes: float) -> None:
        samples = [
            {"value": str(kilowatts), "measurand": "Power.Active.Import", "unit": "kW", "phase": phase}
            for phase in ("L1-N", "L2-N")
        ]
        value = {"timestamp": at(minutes), "sampledValue": samples}
        await charge_point.ask("MeterValues", {"connectorId": 1, "meterValue": [value]})

    number = await starts()
    await measures(1.5, -1)
    await measures(5.5, -100)
    assert await power(site, number) == 3000

    await says(charge_point, "Available", at(0))
    assert await power(site, number) is None

    await says(charge_point, "Charging", at(0))
    stop = {"transactionId": number, "meterStop": 9, "timestamp": at(0)}
    await charge_point.ask("StopTransaction", stop)
    assert await power(site, await starts()) is None
    await charge_point.disconnect()


async def test_a_card_whose_reader_adds_blanks(site: Site) -> None:
    added = await site.csmsctl("tag", "add", " F6 CA 0C C5")
    assert added.code == 0, added
    assert [tag["id"] for tag in (await site.json("tag", "list"))["tags"]] == [" F6 CA 0C C5"]
    charge_point = await site.raw("CP1")

    async def authorized(id_tag: str) -> str:
        return str((await charge_point.ask("Authorize", {"idTag": id_tag}))[2]["idTagInfo"]["status"])

    assert [await authorized(tag) for tag in (" F6 CA 0C C5", "f6 ca 0c c5 ", "F6CA0CC5")] == [
        "Accepted", "Accepted", "Invalid"
    ]  # fmt: skip
    await charge_point.ask(
        "StartTransaction", {"connectorId": 1, "idTag": " f6 CA 0C C5", "meterStart": 0, "timestamp": at(0)}
    )
    for tag in ("F6 CA 0C C5", " F6 CA 0C C5 "):
        assert len((await site.json("tx", "list", "--tag", tag))["transactions"]) == 1
    await charge_point.disconnect()
