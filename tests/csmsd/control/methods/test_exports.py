"""Exports: how far they have come, and how the energy of a transaction came over time."""

import pytest

from tests.support.control import ControlError
from tests.support.site import Site


def samples(time: str, energy: str, measurand: str = "Energy.Active.Import.Register") -> dict[str, object]:
    return {"timestamp": f"2026-03-01T{time}:00.000Z", "sampledValue": [{"value": energy, "measurand": measurand}]}


async def test_what_was_delivered_is_taken_down_and_never_goes_back(site: Site) -> None:
    charge_point = await site.raw("CP1")
    for register in (1000, 2000):
        start = {"connectorId": 1, "idTag": "A1", "meterStart": register, "timestamp": "2026-03-01T12:00:00.000Z"}
        number = (await charge_point.ask("StartTransaction", start))[2]["transactionId"]
        stop = {"transactionId": number, "meterStop": register + 500, "timestamp": "2026-03-01T13:00:00.000Z"}
        await charge_point.ask("StopTransaction", stop)
    with pytest.raises(ControlError, match="There is no booking 3; the last one is 2") as refused:
        await site.call("export.delivered", booking=3)
    assert refused.value.code == 2
    assert await site.call("export.delivered", booking=2) == {"changed": True}
    assert await site.call("export.delivered", booking=1) == {"changed": False}
    assert site.stored("SELECT number FROM milestone WHERE name = 'export'") == [(2,)]
    with pytest.raises(ControlError, match="was a backup restored"):
        await site.call("export.transactions", after=2, transaction=1, start_time="2026-03-01T12:00:00.000Z")


async def test_energy_over_time_is_that_of_readings_within_the_transaction(site: Site) -> None:
    charge_point = await site.raw("CP1")
    start = {"connectorId": 1, "idTag": "A1", "meterStart": 1000, "timestamp": "2026-03-01T12:00:00.000Z"}
    number = (await charge_point.ask("StartTransaction", start))[2]["transactionId"]
    values = [samples("11:59", "900"), samples("12:20", "1300"), samples("12:10", "1100")]
    values += [samples("12:15", "16", "Current.Import"), samples("13:01", "9000")]
    sent = {"connectorId": 1, "transactionId": number, "meterValue": values}
    await charge_point.ask("MeterValues", sent)
    stop = {"transactionId": number, "meterStop": 1500, "timestamp": "2026-03-01T13:00:00.000Z"}
    await charge_point.ask("StopTransaction", stop)
    points = (await site.call("transaction.energy", id=number))["energy"]
    assert [(point["time"][11:16], point["energy_wh"]) for point in points] == [("12:10", 100), ("12:20", 300)]
