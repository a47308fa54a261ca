"""Load management when clocks are set, ours or those of charge points, while csmsd runs and while it does not."""

import pytest

from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles.load_management.load import LoadClock
from csmsd.profiles.load_management.manners import ANY_TIME_MS
from tests.csmsd.operations.garage import OBEY_S, A, Garage
from tests.csmsd.profiles.scene import SECOND


@pytest.mark.parametrize("by_s", [3600, -3600, 10**9])
async def test_a_clock_that_is_set_ends_no_lease_and_brings_the_next_one_at_once(garage: Garage, by_s: int) -> None:
    await garage.installed()
    garage.pass_time(OBEY_S + 1)
    number = garage.car_begins("CP1")
    (await garage.next()).confirm(status="Accepted")
    await garage.until(lambda: garage.has_accepted(number, 20))
    lent = garage.load.ledger.newest(("cp1", 1), "transaction", number)
    assert lent is not None
    ends = lent.latest - garage.engine.scene.now
    garage.set_clock(by_s)
    garage.stir()
    asked = [await garage.next() for _ in range(2)]
    assert sorted(one.identity for one in asked) == ["CP1", "CP2"], "by its clock a lease may be over, or last longer"
    assert lent.latest - garage.engine.scene.now >= ends, "by the clock of its charge point"
    assert lent.earliest - garage.engine.scene.now <= ends
    most = garage.load.ledger.most(("cp1", 1), garage.engine.scene.now)[0][1]
    assert most[0] == 32 * A, "nobody knows what it goes by"
    for one in asked:
        one.confirm(status="Accepted")
    await garage.until(lambda: garage.load.ledger.newest_accepted(("cp2", 1)) is not None)
    garage.engine.scene.now += SECOND
    garage.engine.scene.send("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}, by="CP2")
    await garage.until(lambda: garage.load.ledger.newest_accepted(("cp2", 1)) is None)


@pytest.mark.parametrize("boot", ["the same", "another"])
async def test_by_which_clock_leases_go_outlives_csmsd(garage: Garage, boot: str) -> None:
    await garage.installed()
    await garage.close()
    hold = garage.load.ledger.newest(("cp1", 1), "default")
    assert hold is not None
    latest, scene = hold.latest, garage.engine.scene
    set_by = 3600 * SECOND
    garage.load.clock = LoadClock(at=scene.now - set_by, steady=scene.now, boot="the same", others_known=True)
    scene.now += 5 * SECOND
    garage.begin(boot)
    told = "SELECT at - steady, boot FROM load_clock"
    await garage.until(lambda: garage.engine.rows(told) == [(0, boot)])
    assert hold.latest - latest == (set_by if boot == "the same" else 5 * SECOND), "or its full time once more"


async def test_that_clocks_are_not_known_outlives_csmsd_until_they_are_told(garage: Garage) -> None:
    await garage.installed()
    await garage.close()
    garage.set_clock(-3600)
    told = "SELECT boot, others_known FROM load_clock"
    garage.begin("another")
    await garage.until(lambda: garage.engine.rows(told) == [("another", 0)])
    await garage.close()

    garage.begin("another")

    def early() -> set[int]:
        steering = garage.manager._steering
        return set() if steering is None else {takes.early_ms for takes in steering.takes.values()}

    await garage.until(lambda: bool(early()))
    assert early() == {ANY_TIME_MS}
    assert garage.engine.rows(told) == [("another", 0)]
    time = format_timestamp(garage.engine.scene.now)
    for identity in ("CP1", "CP2"):
        for connector in (1, 2, 1, 2):
            body = {"connectorId": connector, "errorCode": "NoError", "status": "Available", "timestamp": time}
            garage.engine.scene.send("StatusNotification", body, by=identity)
    garage.stir()
    await garage.until(lambda: garage.engine.rows(told) == [("another", 1)])


async def test_a_clock_that_shows_less_than_it_has_shown_was_set_back(garage: Garage) -> None:
    await garage.installed()
    await garage.close()
    told = "SELECT boot, others_known FROM load_clock"
    garage.begin("another", garage.engine.scene.now + 1)
    await garage.until(lambda: garage.engine.rows(told) == [("another", 0)])
