"""After a restart csmsd knows what it knew: the whole live state, built by messages and commands, before and after."""

from pathlib import Path
from typing import Any

from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles import operations
from csmsd.profiles.core.transaction_book import REMEMBERED
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.firmware_management.rollouts import Rollout, RolloutMember
from csmsd.profiles.milestone import Milestone
from csmsd.profiles.record import Deleted
from csmsd.profiles.reservation.reservations import LARGEST_OWN_ID, Reservation
from csmsd.profiles.reservation.reservations import REMEMBERED as REMEMBERED_RESERVATIONS
from csmsd.store.reader import Reader
from tests.csmsd.profiles.scene import DAY, HOUR, SECOND
from tests.csmsd.profiles.smart_charging.installing import set_profile
from tests.csmsd.profiles.smart_charging.profiles import profile
from tests.csmsd.store.restarting import Restarting, picture, restarted, told

KWH = {"value": "1.25", "unit": "kWh"}
POWER = {"value": "7360", "measurand": "Power.Active.Import", "unit": "W"}


def charging(scene: Restarting) -> None:
    """Transactions in all their states, on two charge points."""
    scene.register("Depot-7", labels=["yard"], time_zone="Europe/Berlin", strict=True, reassert=False)
    scene.tag("Fleet", max_transactions=2, expires_at=scene.now + DAY, labels=["yard"])
    ended, given_up, running = (scene.started(connectorId=connector) for connector in (1, 2, 3))
    for energy in ("1200", "1500"):
        scene.meter(energy, transactionId=ended.id)
    scene.stop(ended, transactionData=[{"timestamp": "2026-03-01T11:00:00Z", "sampledValue": [KWH]}])
    scene.meter("1700", connectorId=2, transactionId=given_up.id)
    scene.now += HOUR
    scene.started(connectorId=2, idTag="fleet", by="DEPOT-7")
    scene.started(connectorId=2, meterStart=1800, idTag="NOBODY")
    # The register is reset on the way; what is oldest comes last, which its times do not tell.
    for seconds, samples in ((9, ["1900"]), (8, ["5"]), (7, ["40", POWER]), (6, [KWH])):
        scene.now += seconds * SECOND
        scene.meter(*samples, connectorId=3, transactionId=running.id)
        scene.now -= seconds * SECOND
    scene.send("MeterValues", {"connectorId": 3, "meterValue": [backlog("100"), backlog("5000")]})
    scene.stop(-1, meterStop=1, timestamp="2026-03-01T01:00:00Z")  # fits nowhere
    given_up = scene.started(connectorId=4)
    scene.now += SECOND
    scene.stop(scene.started(connectorId=4))
    scene.stop(given_up)  # after all: it is booked once more, and its first number is nobody's


def backlog(energy: str) -> dict[str, object]:
    """A reading from before any transaction began."""
    return {"timestamp": "2026-02-01T00:00:00.000Z", "sampledValue": [{"value": energy}]}


async def test_transactions(tmp_path: Path) -> None:
    scene = Restarting()
    charging(scene)
    again = await restarted(scene, tmp_path)
    assert [known.state for known in again.cp.transactions.active()] == ["active"] * 2
    for number, stop in ((2, 1750), (3, 1300), (4, 2000), (5, 1850), (1, 9999), (6, 9999)):
        for by in ("CP1", "Depot-7"):
            assert told(again.stop(number, by=by, meterStop=stop)) == told(scene.stop(number, by=by, meterStop=stop))


async def test_numbers_go_on(tmp_path: Path) -> None:
    """An id, a booking and a shape that stand for something are not given to something else."""
    scene = Restarting()
    charging(scene)
    scene.reserve()
    again = await restarted(scene, tmp_path)
    samples: list[dict[str, object]] = [
        {"value": "3", "measurand": "Current.Import", "phase": phase} for phase in ("L1", "L2")
    ]
    for one in (scene, again):
        one.now += HOUR
    for sent in (
        lambda one: one.start(connectorId=3, meterStart=7),  # its predecessor is booked
        lambda one: one.meter(*samples, connectorId=3),
        lambda one: one.meter("1999", connectorId=3),
        lambda one: one.stop(8, meterStop=2000),
    ):
        assert told(sent(again)) == told(sent(scene))
    assert again.reserve(connector=2).id == scene.reserve(connector=2).id == 2


async def test_a_booking_that_was_taken_back_is_not_given_again(tmp_path: Path) -> None:
    """An export may have read up to it: what ends next would be missing from the one after."""
    scene = Restarting()
    guessed = scene.started()
    scene.stop(-1, idTag="TAG1", meterStop=1100)
    assert (guessed.state, guessed.booking) == ("stopped", 1)
    scene.now += HOUR
    scene.meter("1200", transactionId=guessed.id)
    assert guessed.state == "active"
    again = await restarted(scene, tmp_path)
    reader = Reader(tmp_path / "csms.db")
    await reader.open()
    assert (await reader.booked(0, 10), await reader.last_booking()) == ([], 1)
    await reader.close()
    [ended] = again.stop(guessed.id).transactions
    assert (ended.booking, ended.revision) == (2, 2)


async def test_of_two_on_a_connector_the_one_that_is_gone_on_with(tmp_path: Path) -> None:
    """Also where its newest reading names none, and where what it named had no value."""
    scene = Restarting()
    older = scene.started(meterStart=500)
    newer = scene.started(timestamp=format_timestamp(scene.now - HOUR), meterStart=1000)
    scene.now += SECOND
    scene.meter("", transactionId=newer.id)
    names: list[dict[str, Any]] = [{}, {"transactionId": older.id}, {"transactionId": newer.id}, {}]
    for name in names:
        scene.now += SECOND
        scene.meter("1200", **name)
    again = await restarted(scene, tmp_path)
    assert told(again.meter("1300")) == told(scene.meter("1300"))
    assert again.cp.transactions.active_on(1) == newer


async def test_a_repeated_start_gets_its_first_answer(tmp_path: Path) -> None:
    scene = Restarting()
    scene.tag("CHILD", parent="FAMILY", max_transactions=1)
    first = scene.start(idTag="CHILD")
    again = await restarted(scene, tmp_path)
    for one in (scene, again):
        one.site.id_tags["child"].blocked = True
        answer = one.start(idTag="child")
        assert (answer.payload, [known.id for known in answer.transactions]) == (first.payload, [1])
        one.site.id_tags["child"].blocked = False
        assert one.start(idTag="CHILD", connectorId=2).payload["idTagInfo"]["status"] == "ConcurrentTx"


async def test_charge_points_as_they_reported_themselves(tmp_path: Path) -> None:
    scene = Restarting()
    scene.register("Depot-7", labels=["yard"], note="by the gate", security_profile=1, password_hash="x")
    boot = {"chargePointVendor": "ACME", "chargePointModel": "Wallbox", "firmwareVersion": "2.0", "iccid": "89"}
    scene.send("BootNotification", boot, by="Depot-7")
    scene.status(0, "Available", by="Depot-7")
    scene.status(2, "Faulted", by="Depot-7", errorCode="GroundFailure", info="wet", vendorErrorCode="E7")
    scene.status(2, "Charging")
    keys = [
        {"key": "ConnectionTimeOut", "readonly": False, "value": "60"},
        {"key": "Vendor.Odd", "readonly": True},
    ]
    scene.confirmed("GetConfiguration", {}, {"configurationKey": keys})
    scene.departs("StatusNotification", "info")
    scene.departs("StatusNotification", "info")
    scene.departs("MeterValues", "meterValue[3].timestamp", by="Depot-7")
    scene.keep([Milestone(name="export", at=scene.now, number=3, user="jo")], [])
    scene.site.milestones["export"] = Milestone(name="export", at=scene.now, number=3, user="jo")
    scene.site.refused.note("Stranger", "192.0.2.7", "unknown", scene.now, registered=False)
    scene.site.refused.note("Depot-7", "192.0.2.8", "origin", scene.now, registered=True, detail="http://x")
    scene.keep(scene.site.refused.housekeeping(), [])
    gone = scene.tag("GONE")
    del scene.site.id_tags["gone"]
    scene.keep([Deleted(gone)], [])
    again = await restarted(scene, tmp_path)
    assert again.cp.configured("connectiontimeout") == "60"


async def test_reservations(tmp_path: Path) -> None:
    scene = Restarting()
    depot = scene.register("Depot-7")
    held, used, refused = scene.reserve(), scene.reserve(connector=2), scene.reserve(connector=3, answer="Occupied")
    cancelled = scene.reserve(connector=4, tag="TAG2")
    scene.cancel(cancelled.id)
    scene.now += SECOND
    scene.start(connectorId=2, reservationId=used.id)
    scene.now += SECOND
    scene.reserve(connector=5, id=4711)
    scene.reserve(connector=6, id=LARGEST_OWN_ID + 5)
    scene.now += SECOND
    scene.reserve(connector=7, id=4000)
    scene.now += SECOND
    scene.reserve(connector=4, id=cancelled.id)
    theirs = scene.ask(of="Depot-7")
    scene.answer(theirs, "Accepted", of="Depot-7")
    del scene.site.charge_points["depot-7"]
    failed, events = scene.site.reservations.forget("Depot-7", scene.now)
    scene.keep([*failed, Deleted(depot.record)], events)
    assert [known.state for known in (held, used, refused, cancelled)] == ["reserved", "used", "failed", "cancelled"]
    again = await restarted(scene, tmp_path)
    starts: list[dict[str, Any]] = [
        {"reservationId": held.id},
        {"connectorId": 5},
        {"connectorId": 3, "reservationId": cancelled.id},
    ]
    for fields in starts:
        assert told(again.start(**fields)) == told(scene.start(**fields))
    assert again.reserve().id == scene.reserve().id == 4713


async def test_a_request_to_reserve_that_waited_for_its_answer(tmp_path: Path) -> None:
    """Nobody waits for it any more, and the charge point may have accepted it (C 5.13)."""
    scene = Restarting()
    scene.reserve()
    asked = scene.ask(connector=2, tag="TAG2")
    again = scene.on(await scene.restarted(tmp_path / "csms.db"), tmp_path / "csms.db")
    number = asked.reservation_id
    assert scene.reservation(number).asked[0].lost is False
    assert again.reservation(number).asked[0].lost is True
    assert again.started(connectorId=2, idTag="TAG2").reservation == number


async def test_firmware_and_diagnostics(tmp_path: Path) -> None:
    scene = Restarting()
    scene.register("Depot-7")
    update, diagnostics = operations()["update-firmware"], operations()["get-diagnostics"]
    scene.command(update(file="acme-2.1.bin"))
    scene.send("FirmwareStatusNotification", {"status": "DownloadFailed"})
    scene.command(update(file="acme-2.1.bin"), fails="not_connected")  # reports are about the one before
    scene.command(diagnostics(), {"fileName": "a.log"})
    upload = scene.upload
    upload.stored, upload.name, upload.received_at, upload.state = "a" * 32, "a.log", scene.now, "uploaded"
    scene.keep([upload], [])
    scene.command(diagnostics(), {"fileName": "b.log"})
    scene.command(diagnostics(), fails="timeout")
    scene.command(diagnostics(), fails="not_connected")
    scene.send("DiagnosticsStatusNotification", {"status": "Uploading"})
    rollout = Rollout(id=1, created_at=scene.now, user="jo", file="acme-2.1.bin", window="01:00-05:00")
    member = RolloutMember(rollout=1, charge_point="Depot-7", position=0)
    scene.site.firmware.rollouts.add(rollout)
    scene.site.firmware.rollouts.add_member(member)
    scene.keep([rollout, member], [])
    again = await restarted(scene, tmp_path)
    again.site.firmware.hosting = scene.site.firmware.hosting
    for action, status in (
        ("FirmwareStatusNotification", "Installed"),
        ("DiagnosticsStatusNotification", "UploadFailed"),
    ):
        assert told(again.send(action, {"status": status})) == told(scene.send(action, {"status": status}))


async def test_local_lists_and_charging_profiles(tmp_path: Path) -> None:
    scene = Restarting()
    scene.profile("Night", profile((0, 16), start=scene.now - DAY))
    scene.profile("slow", profile((0, 6), purpose="TxProfile", kind="Relative", start=None))
    scene.run(operations()["send-local-list"]().steps(scene.target()))
    running = scene.started()
    set_profile(scene, "slow")
    set_profile(scene, "night", connector=0)
    [request] = scene.asks(operations()["remote-start"](tag="TAG1", connector=2, profile="slow"))
    scene.confirmed("RemoteStartTransaction", request, {"status": "Accepted"})
    dropped = scene.site.smart_charging.library.find("night")
    assert dropped is not None
    scene.site.smart_charging.library.drop(dropped)
    scene.keep([Deleted(dropped)], [])
    again = await restarted(scene, tmp_path)
    assert again.known.version == 1
    assert told(again.stop(running)) == told(scene.stop(running))
    for one in (scene, again):
        one.profile("another", profile((0, 8)))
        assert [known.name for known in one.site.smart_charging.library] == ["another", "slow"]
    assert picture(again.site.smart_charging.library) == picture(scene.site.smart_charging.library)
    assert picture(again.site.smart_charging.installed) == picture(scene.site.smart_charging.installed)


def measured_and_given_up(scene: Restarting) -> Transaction:
    """A transaction that was measured once, and never stopped before the next one on its connector, which is over."""
    given_up = scene.started()
    scene.now += HOUR
    scene.meter("2500", transactionId=given_up.id)
    scene.now += HOUR
    scene.stop(scene.started(meterStart=3000), meterStop=3500)
    return given_up


async def test_what_was_given_up_is_booked_with_what_was_measured_of_it(tmp_path: Path) -> None:
    """A start loads nothing of it: it is looked up when a stop may mean it."""
    scene = Restarting()
    measured_and_given_up(scene)
    again = scene.on(await scene.restarted(tmp_path / "csms.db"), tmp_path / "csms.db")
    unnamed = {"transactionId": -1, "meterStop": 2400, "timestamp": format_timestamp(scene.now - HOUR - HOUR // 2)}
    for one in (scene, again):
        assert one.send("StopTransaction", {"idTag": "TAG1", **unnamed}).event_types == ["transaction.orphaned"]


async def test_a_boot_of_what_was_given_up_comes_after_what_was_measured_of_it(tmp_path: Path) -> None:
    scene = Restarting()
    given_up = measured_and_given_up(scene)
    again = scene.on(await scene.restarted(tmp_path / "csms.db"), tmp_path / "csms.db")
    for one in (scene, again):
        one.now += HOUR
        one.send("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    boots = [one.transaction(given_up.id).boots for one in (scene, again)]
    assert boots[0] == boots[1] != []


async def test_a_late_reading_of_what_was_given_up_long_ago_does_not_bring_it_back(tmp_path: Path) -> None:
    """Its successor, too, is on disk alone."""
    scene = Restarting()
    given_up = scene.started()
    measured_at = format_timestamp(scene.now + HOUR)
    scene.now += 2 * HOUR
    successor = scene.started(meterStart=3000)
    scene.stop(successor, meterStop=3500)
    again = scene.on(await scene.restarted(tmp_path / "csms.db"), tmp_path / "csms.db")
    again.cp.transactions.forget(given_up.id)
    again.cp.transactions.forget(successor.id)
    late = [{"timestamp": measured_at, "sampledValue": [{"value": "2500"}]}]
    for one in (scene, again):
        payload = {"connectorId": 1, "transactionId": given_up.id, "meterValue": late}
        assert "transaction.resumed" not in one.send("MeterValues", payload).event_types
        assert one.transaction(given_up.id).state == "abandoned"


async def test_the_newest_transactions_are_remembered_and_whatever_runs(tmp_path: Path) -> None:
    scene = Restarting()
    scene.register("Depot-7")
    running = scene.started(connectorId=9)
    theirs = scene.start(by="Depot-7")
    starts = [format_timestamp(scene.now + SECOND * number) for number in range(REMEMBERED + 5)]
    scene.now += HOUR
    for timestamp in starts:
        scene.stop(scene.started(timestamp=timestamp))
    again = scene.on(await scene.restarted(tmp_path / "csms.db"), tmp_path / "csms.db")
    newest = [scene.start(timestamp=timestamp).payload["transactionId"] for timestamp in starts[-100:]]
    assert [again.start(timestamp=timestamp).payload["transactionId"] for timestamp in starts[-100:]] == newest
    assert newest[-1] == REMEMBERED + 7
    assert again.site.find_transaction(4) is None
    assert again.cp.transactions.active() == [running]
    again_theirs = again.start(by="Depot-7", timestamp=theirs.transactions[0].start_text)
    assert (again_theirs.payload, again_theirs.events) == (theirs.payload, [])


async def test_each_charge_points_own_reservations_are_remembered(tmp_path: Path) -> None:
    """However many another one has had since: a start that waited in a queue still names its own (C 4.8)."""
    scene = Restarting()
    scene.register("Depot-7")
    slow = Reservation(
        id=1, charge_point="Depot-7", connector=1, id_tag="TAG1", created_at=scene.now, expires_at=scene.now + HOUR
    )
    slow.move("expired", scene.now)
    scene.site.reservations.add(slow)
    scene.keep([slow], [])
    for _ in range(2 * REMEMBERED_RESERVATIONS + 50):
        scene.now += SECOND
        scene.cancel(scene.reserve().id)
    again = scene.on(await scene.restarted(tmp_path / "csms.db"), tmp_path / "csms.db")
    assert again.site.reservations.get("CP1", 1) is None
    assert again.reservation(2 * REMEMBERED_RESERVATIONS + 49).state == "cancelled"
    for one in (scene, again):
        assert one.start(by="Depot-7", reservationId=1).event("reservation.used")["reservation"] == 1


# --- whatever they send
