"""Load management at work: real records and tasks, charge points that answer what a test tells them to."""

import asyncio

from csmsd.events import NumberedEvent
from csmsd.operations.load_manager import LoadManager
from csmsd.profiles.load_management.circuits import TemporaryLimit
from csmsd.profiles.load_management.habits import LimitHabits
from csmsd.profiles.load_management.holds import NEVER
from csmsd.profiles.load_management.manners import LoadManner
from csmsd.profiles.policies import LoadPolicies
from csmsd.profiles.record import Event
from tests.csmsd.operations.engine import Engine
from tests.csmsd.operations.garage import OBEY_S, A, Garage, limits
from tests.csmsd.profiles.scene import SECOND
from tests.csmsd.profiles.smart_charging.installing import configure


async def test_idle_members_may_draw_nothing_while_csmsd_lives_and_their_fallback_after_it(garage: Garage) -> None:
    asked = await garage.next()
    profile = asked.payload["csChargingProfiles"]
    assert (asked.identity, asked.action, asked.payload["connectorId"]) == ("CP1", "SetChargingProfile", 1)
    assert (profile["chargingProfilePurpose"], profile["chargingProfileKind"]) == ("TxDefaultProfile", "Absolute")
    assert limits(asked) == [(0, 0)], "a fallback does not fit beside what the other one may draw"
    asked.confirm(status="Accepted")
    other = await garage.next()
    assert other.identity == "CP2"
    other.confirm(status="Accepted")
    fallbacks = {asked.identity: limits(asked) for asked in (await garage.next(), await garage.next())}
    assert fallbacks == {name: [(0, 0), (10, 3600 + 1200)] for name in ("CP1", "CP2")}
    tasks = garage.engine.rows("SELECT DISTINCT user, uid, action, charge_point FROM task ORDER BY charge_point")
    assert tasks == [
        ("csmsd", None, "SetChargingProfile", "CP1"),
        ("csmsd", None, "SetChargingProfile", "CP2"),
    ]


async def test_what_is_sent_is_on_disk_before_it_leaves(garage: Garage) -> None:
    await garage.next()
    rows = garage.engine.rows(
        "SELECT slot, ma, fallback_ma, accepted_at FROM load_hold WHERE charge_point = 'CP1' ORDER BY serial"
    )
    assert rows == [("unknown", 32 * A, 32 * A, None), ("default", 0, 0, None)]


async def test_a_second_car_gets_its_share_when_the_first_has_obeyed(garage: Garage) -> None:
    await garage.installed()
    garage.pass_time(OBEY_S + 1)
    number = garage.car_begins("CP1")
    first = await garage.next()
    assert first.payload["csChargingProfiles"]["transactionId"] == number
    assert limits(first)[0] == (20, 0)
    first.confirm(status="Accepted")
    await garage.until(lambda: garage.has_accepted(number, 20))
    garage.car_begins("CP2")
    lower = await garage.next()
    assert (lower.identity, limits(lower)[0]) == ("CP1", (10, 0))
    lower.confirm(status="Accepted")
    await garage.until(lambda: garage.has_accepted(number, 10))
    garage.pass_time(OBEY_S + 1)
    raised = await garage.next()
    assert (raised.identity, limits(raised)[0]) == ("CP2", (10, 0))


async def test_one_that_refuses_counts_with_its_rating_and_is_asked_again_later(garage: Garage) -> None:
    for _ in range(2):
        asked = await garage.next()
        asked.confirm(status="Rejected" if asked.identity == "CP1" else "Accepted")
    await garage.all_answered()
    assert not garage.load.ledger.in_doubt(("cp2", 1))
    assert garage.load.ledger.in_doubt(("cp1", 1))
    garage.pass_time(OBEY_S + 20)
    garage.car_begins("CP2")
    garage.pass_time(31)
    again = await garage.next()
    assert again.identity == "CP1", "there is no room for the car on CP2 beside a rating of 32 A"


async def test_after_a_boot_limits_are_sent_again(garage: Garage) -> None:
    await garage.installed()
    garage.pass_time(60)
    garage.engine.scene.send("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    garage.stir()
    asked = await garage.next()
    assert (asked.identity, limits(asked)[0]) == ("CP1", (0, 0))
    assert garage.load.ledger.in_doubt(("cp1", 1))


async def test_limits_that_an_operator_has_cleared_are_sent_again(garage: Garage) -> None:
    await garage.installed()
    clearing = garage.engine.run("clear-charging-profile", "CP1")
    (await garage.next()).confirm(status="Accepted")
    await clearing
    asked = await garage.next()
    assert (asked.identity, asked.action, limits(asked)[0]) == ("CP1", "SetChargingProfile", (0, 0))


async def test_what_an_operator_has_sent_counts_although_nobody_answers(garage: Garage) -> None:
    await garage.installed()
    clearing = garage.engine.run("clear-charging-profile", "CP1")
    asked = await garage.next()
    doubts = f"SELECT slot FROM load_hold WHERE charge_point = 'CP1' AND slot = 'unknown' AND gone_at = {NEVER}"
    assert garage.engine.rows(doubts) == [("unknown",)], "before it left"
    asked.comes_to("timeout")
    await clearing
    garage.stir()
    again = await garage.next()
    assert (again.identity, again.action, limits(again)[0]) == ("CP1", "SetChargingProfile", (0, 0))
    again.confirm(status="Accepted")
    await garage.until(lambda: not garage.load.ledger.in_doubt(("cp1", 1)))


async def test_a_profile_of_others_on_a_higher_level_is_capped(garage: Garage) -> None:
    await garage.installed()
    higher = {"chargingProfileId": 5, "stackLevel": 11, "chargingProfilePurpose": "TxDefaultProfile"}
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 32}]}
    higher |= {"chargingProfileKind": "Relative", "chargingSchedule": schedule}
    setting = garage.engine.run("set-charging-profile", "CP1", connector=1, profile=higher)
    (await garage.next()).confirm(status="Accepted")
    await setting
    while (asked := await garage.next()).payload["csChargingProfiles"]["stackLevel"] != 12:
        asked.confirm(status="Accepted")
    assert garage.load.ledger.in_doubt(("cp1", 1))
    asked.confirm(status="Accepted")
    await garage.until(lambda: not garage.load.ledger.in_doubt(("cp1", 1)))


async def test_an_unanswered_limit_is_sent_again_and_pays_for_nothing(garage: Garage) -> None:
    await garage.installed()
    garage.pass_time(OBEY_S + 1)
    number = garage.car_begins("CP1")
    (await garage.next()).confirm(status="Accepted")
    await garage.until(lambda: garage.has_accepted(number, 20))
    garage.car_begins("CP2")
    (await garage.next()).comes_to("timeout")
    await garage.all_answered()
    garage.pass_time(31)
    again = await garage.next()
    assert (again.identity, limits(again)[0]) == ("CP1", (10, 0))


async def test_what_comes_of_limits_is_told_when_it_is_news(garage: Garage) -> None:
    told: list[tuple[str, str | None, dict[str, object]]] = []

    def hear(event: NumberedEvent) -> None:
        told.append((event.type, event.charge_point, dict(event.data)))

    garage.engine.bus.subscribe(hear, ("load.lent", "load.refused", "load.unmanaged", "load.managed"))
    for _ in range(2):
        asked = await garage.next()
        asked.confirm(status="Rejected" if asked.identity == "CP1" else "Accepted")
    await garage.all_answered()
    lent = {"connector": 1, "transaction": None, "limit_a": 0.0, "fallback_a": 10.0}
    assert sorted(told) == [
        ("load.lent", "CP2", lent | {"fallback_a": 0.0}),
        ("load.refused", "CP1", lent | {"why": "Rejected", "fallback_a": 0.0}),
    ]
    assert garage.manager.outcomes == {"accepted": 1, "refused": 1, "unanswered": 0, "not_sent": 0}
    told.clear()
    garage.pass_time(61)
    (await garage.next()).confirm(status="Accepted")
    await garage.until(lambda: len(told) == 2)
    assert told == [
        ("load.unmanaged", "CP1", {"circuit": "garage", "connector": 1, "why": "unknown", "counts_a": 32.0}),
        ("load.lent", "CP1", lent),
    ]
    told.clear()
    (await garage.next()).confirm(status="Accepted")
    await garage.until(lambda: bool(told))
    assert told == [("load.lent", "CP2", lent)], "now its fallback fits"
    told.clear()
    garage.pass_time(OBEY_S + 1)
    await garage.until(lambda: bool(told))
    assert told == [("load.managed", "CP1", {"circuit": "garage", "connector": 1})]
    garage.pass_time(700)
    for _ in range(2):
        (await garage.next()).confirm(status="Accepted")
    await garage.all_answered()
    assert len(told) == 1, "a renewal is no news"


async def test_one_that_refuses_0_amperes_is_paused_in_the_way_that_it_understands(garage: Garage) -> None:
    asked = await garage.next()
    assert (asked.identity, limits(asked)[0][0]) == ("CP1", 0)
    asked.confirm(status="Rejected")
    (await garage.next()).confirm(status="Accepted")
    await garage.all_answered()
    garage.pass_time(31)
    (await garage.next()).confirm(status="Rejected")
    await garage.all_answered()
    garage.pass_time(31)
    other = await garage.next()
    assert (other.identity, limits(other)[0][0]) == ("CP1", 1)
    other.confirm(status="Accepted")
    await garage.all_answered()
    assert garage.engine.rows("SELECT charge_point, unit, pause, found_by FROM load_manner") == [
        ("CP1", "A", "one_ampere", "answers")
    ]
    garage.pass_time(OBEY_S + 1)
    await garage.until(lambda: not garage.load.ledger.in_doubt(("cp1", 1)))


async def test_a_charge_point_with_room_for_one_profile_gets_one_for_all_of_it(garage: Garage) -> None:
    await garage.installed()
    configure(garage.engine.scene, MaxChargingProfilesInstalled="1", NumberOfConnectors="1")
    garage.pass_time(OBEY_S + 1)
    garage.car_begins("CP1")
    clearing = await garage.next()
    assert clearing.action == "ClearChargingProfile", "there is no room for both"
    clearing.confirm(status="Accepted")
    asked = await garage.next()
    profile = asked.payload["csChargingProfiles"]
    assert (asked.payload["connectorId"], profile["chargingProfilePurpose"], limits(asked)[0]) == (
        0,
        "ChargePointMaxProfile",
        (20, 0),
    )
    assert "transactionId" not in profile


async def test_while_a_limit_is_lowered_fallbacks_fit_below_it_too(garage: Garage) -> None:
    await garage.installed()
    garage.pass_time(OBEY_S + 1)
    circuit, now = garage.load.circuits["garage"], garage.engine.scene.now
    limit = TemporaryLimit(circuit="garage", ma=12 * A, until=now + 3600 * SECOND)
    await garage.engine.live.keep(garage.load.limit(circuit, limit), [Event("circuit.limited", None, {})])
    for _ in range(2):
        asked = await garage.next()
        assert [amperes for amperes, _ in limits(asked)] == [0, 6]
        asked.confirm(status="Accepted")
    await garage.all_answered()
    garage.pass_time(3601)
    assert [amperes for amperes, _ in limits(await garage.next())] == [0, 10]


async def test_it_rests_where_there_are_no_members(engine: Engine) -> None:
    manager = LoadManager(
        engine.live,
        engine.runner,
        engine.links,
        engine.bus,
        engine.scene.site.policies,
        LoadPolicies(),
        lambda at: 0,
    )
    task = asyncio.create_task(manager.run())
    engine.bus.publish(Event("charge_point.connected", "CP1", {}))
    await asyncio.sleep(0)
    assert manager._steering is None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_who_does_not_end_leases_is_sent_none_and_counts_with_its_rating(garage: Garage) -> None:
    await garage.installed()
    await garage.engine.live.keep(
        garage.load.found(LimitHabits(charge_point="CP1", lease_ends=False, found_at=garage.engine.scene.now)), []
    )
    await garage.until(lambda: [hold.slot for hold in garage.load.ledger.of(("cp1", 1))][-1:] == ["unknown"])
    garage.pass_time(OBEY_S + 1)
    garage.car_begins("CP1")
    garage.car_begins("CP2")
    garage.pass_time(15 * 60)
    assert (await garage.next()).identity == "CP2"  # its default again; CP1 would have been first
    assert garage.load.ledger.most(("cp1", 1), garage.engine.scene.now)[-1][1][0] == 32 * A


async def test_who_was_found_to_obey_slowly_has_that_long_before_others_get_what_it_gave(garage: Garage) -> None:
    garage.load.found(LimitHabits(charge_point="CP1", reaction_ms=20 * SECOND, found_at=0))
    await garage.installed()
    garage.pass_time(30)
    number = garage.car_begins("CP1")
    (await garage.next()).confirm(status="Accepted")
    await garage.until(lambda: garage.has_accepted(number, 20))
    garage.car_begins("CP2")
    (await garage.next()).confirm(status="Accepted")
    await garage.until(lambda: garage.has_accepted(number, 10))
    before = garage.load.ledger.of(("cp1", 1))[-2]
    assert (before.ma, before.gone_at - garage.engine.scene.now) == (20 * A, 22 * SECOND)


async def test_a_car_that_is_plugged_in_is_lent_its_minimum_before_it_begins(garage: Garage) -> None:
    await garage.installed()
    garage.pass_time(OBEY_S + 1)
    garage.engine.scene.status(1, "Preparing", by="CP2")
    garage.engine.bus.publish(Event("connector.status", "CP2", {"connector": 1, "status": "Preparing"}))
    asked = await garage.next()
    profile = asked.payload["csChargingProfiles"]
    assert (asked.identity, profile["chargingProfilePurpose"], limits(asked)[0]) == ("CP2", "TxDefaultProfile", (6, 0))
    asked.confirm(status="Accepted")
    await garage.all_answered()
    garage.car_begins("CP2")
    own = await garage.next()
    assert own.payload["csChargingProfiles"]["chargingProfilePurpose"] == "TxProfile"
    own.confirm(status="Accepted")
    lowered = await garage.next()
    profile = lowered.payload["csChargingProfiles"]
    assert (profile["chargingProfilePurpose"], limits(lowered)[0]) == ("TxDefaultProfile", (0, 0))


async def test_one_idle_connector_of_a_circuit_may_begin_with_its_minimum_at_once(garage: Garage) -> None:
    await garage.installed()
    garage.settings.arrival_reserve = 1
    garage.pass_time(OBEY_S + 1)
    asked = await garage.next()
    assert (asked.identity, limits(asked)[0]) == ("CP1", (6, 0))
    asked.confirm(status="Accepted")
    await garage.all_answered()
    garage.pass_time(OBEY_S + 1)
    garage.settings.arrival_reserve = 0
    garage.stir()
    taken_back = await garage.next()
    assert (taken_back.identity, limits(taken_back)[0]) == ("CP1", (0, 0)), "and CP2 had none"


async def test_one_that_refuses_limits_of_a_transaction_has_those_for_all_raised_for_it(garage: Garage) -> None:
    await garage.installed()
    garage.pass_time(OBEY_S + 1)
    number = garage.car_begins("CP1")
    for _ in range(2):
        refused = await garage.next()
        assert refused.payload["csChargingProfiles"]["transactionId"] == number
        refused.confirm(status="Rejected")
        await garage.all_answered()
        garage.pass_time(61)
    asked = await garage.next()
    profile = asked.payload["csChargingProfiles"]
    assert (profile["chargingProfilePurpose"], limits(asked)[0]) == ("TxDefaultProfile", (20, 0))
    assert "transactionId" not in profile
    asked.confirm(status="Accepted")
    await garage.all_answered()
    assert garage.engine.rows("SELECT charge_point, purpose, found_by FROM load_manner") == [
        ("CP1", "TxDefaultProfile", "answers")
    ]
    garage.car_begins("CP2")
    lower = await garage.next()
    assert (lower.identity, limits(lower)[0]) == ("CP1", (10, 0)), "it is lowered in the same way"
    lower.confirm(status="Accepted")
    await garage.all_answered()
    most = garage.load.ledger.most(("cp1", 1), garage.engine.scene.now + OBEY_S * SECOND)
    assert most[0][1][0] == 20 * A, "what it refused counts until it would be over"


async def test_one_that_refuses_to_raise_what_is_for_all_is_tried_by_another_profile(garage: Garage) -> None:
    await garage.installed()
    garage.pass_time(OBEY_S + 1)
    garage.load.note_manner(LoadManner(charge_point="CP1", purpose="TxDefaultProfile"))
    garage.car_begins("CP1")
    for _ in range(2):
        refused = await garage.next()
        assert refused.payload["csChargingProfiles"]["chargingProfilePurpose"] == "TxDefaultProfile"
        refused.confirm(status="Rejected")
        await garage.all_answered()
        garage.pass_time(61)
    assert garage.load.manner("CP1").purpose == "ChargePointMaxProfile"
