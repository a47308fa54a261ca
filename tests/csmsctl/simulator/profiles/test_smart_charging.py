"""Charging profiles at a simulated charge point (C 3.13, 5.5, 5.7, 5.16)."""

from typing import Any

import msgspec
import pytest

from csmsctl.simulator.car import Car
from csmsd.ocpp.timestamps import format_timestamp
from tests.csmsctl.simulator.central_system import NOON, CentralSystem, booted, charging

CAR = Car(capacity_wh=100_000, soc=20, most_a=16, phases=3, ramp_s=0)


def charging_profile(limit: float = 6, **fields: Any) -> dict[str, Any]:
    """A flat one in A, from noon on, unless the fields say otherwise; `schedule` changes its schedule."""
    schedule = {
        "startSchedule": format_timestamp(NOON),
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
        **fields.pop("schedule", {}),
    }
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {name: value for name, value in schedule.items() if value is not None},
        **fields,
    }
    return {name: value for name, value in profile.items() if value is not None}


def send(central_system: CentralSystem, connector: int = 1, limit: float = 6, **fields: Any) -> str:
    """SetChargingProfile"""
    profile = charging_profile(limit, **fields)
    return str(central_system.call("SetChargingProfile", connectorId=connector, csChargingProfiles=profile)["status"])


def tx_profile(central_system: CentralSystem, limit: float = 6, **fields: Any) -> str:
    fields = {"transactionId": central_system.transaction_id(), "chargingProfilePurpose": "TxProfile", **fields}
    return send(central_system, 1, limit, **fields)


def clear(central_system: CentralSystem, **criteria: Any) -> str:
    return str(central_system.call("ClearChargingProfile", **criteria)["status"])


def limits(central_system: CentralSystem, connector: int = 1, duration: int = 3600, unit: str = "A") -> Any:
    """GetCompositeSchedule as (startPeriod, limit); None for no schedule."""
    answer = central_system.call(
        "GetCompositeSchedule", connectorId=connector, duration=duration, chargingRateUnit=unit
    )
    assert (answer["status"], answer["connectorId"]) == ("Accepted", connector)
    assert answer["scheduleStart"] == format_timestamp(central_system.charge_point.clock // 1000 * 1000)
    schedule = answer.get("chargingSchedule")
    if schedule is None:
        return None
    assert schedule["chargingRateUnit"] == unit
    return [(period["startPeriod"], period["limit"]) for period in schedule["chargingSchedulePeriod"]]


def power(central_system: CentralSystem, connector: int = 1) -> int:
    return round(central_system.charge_point.connectors[connector].meter.power_w)


@pytest.fixture(autouse=True)
def one_kind_of_car(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "csmsctl.simulator.charge_point.new_car_at_connector",
        lambda chance: msgspec.structs.replace(CAR),
    )


def test_it_is_among_the_feature_profiles() -> None:
    keys = ["SupportedFeatureProfiles", "MaxChargingProfilesInstalled"]
    answer = booted().call("GetConfiguration", key=keys)["configurationKey"]
    assert "SmartCharging" in answer[0]["value"].split(",")
    assert answer[1]["readonly"]


# --- the power


def test_the_power_is_limited() -> None:
    central_system = charging()
    central_system.run(60)
    assert power(central_system) == 11_040
    assert send(central_system, limit=6) == "Accepted"
    assert power(central_system) == 6 * 230 * 3
    before = central_system.charge_point.connectors[1].meter.wh
    central_system.run(3600)
    assert central_system.charge_point.connectors[1].meter.wh - before == pytest.approx(4140, abs=2)
    assert clear(central_system, id=1) == "Accepted"
    assert power(central_system) == 11_040


def test_nothing_is_suspended_evse() -> None:
    """The schedule has 10 A, from minute 2 on nothing, from minute 3 on 8 A."""
    central_system = charging()
    periods = [{"startPeriod": start, "limit": limit} for start, limit in ((0, 10), (120, 0), (180, 8))]
    assert send(central_system, schedule={"chargingSchedulePeriod": periods}) == "Accepted"
    assert limits(central_system) == [(0, 10), (120, 0), (180, 8)]
    central_system.run(119)
    assert power(central_system) == 6900
    central_system.run(1)
    assert (power(central_system), central_system.statuses(1)) == (0, ["SuspendedEVSE"])
    central_system.run(60)
    assert (power(central_system), central_system.statuses(1)) == (5520, ["Charging"])


def test_a_default_holds_from_the_start() -> None:
    central_system = booted()
    assert send(central_system, 0, limit=0) == "Accepted"
    connector = central_system.charge_point.connectors[2]
    central_system.act(connector.plug)
    central_system.act(lambda: connector.present("TAG"))
    assert central_system.statuses(2) == ["Preparing", "SuspendedEVSE"]
    assert clear(central_system) == "Accepted"
    assert central_system.statuses(2) == ["Charging"]


def test_less_than_the_minimum_charging_rate_is_nothing() -> None:
    central_system = charging()
    send(central_system, limit=7, schedule={"minChargingRate": 8})
    assert central_system.status() == "SuspendedEVSE"


@pytest.mark.parametrize(
    ("phases", "unit", "limit", "number_phases", "expected"),
    [
        (3, "A", 10, 1, 2300),
        (3, "W", 4600, None, 4600),
        (1, "A", 10, None, 2300),
        (1, "W", 3000, None, 3000),
        (1, "A", 10, 3, 2300),  # CE 3.34
    ],
)
def test_phases(
    phases: int, unit: str, limit: float, number_phases: int | None, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CAR, "phases", phases)
    central_system = charging(MeterValuesSampledData="Current.Offered,Current.Import")
    period = {"startPeriod": 0, "limit": limit} | ({"numberPhases": number_phases} if number_phases else {})
    send(central_system, schedule={"chargingRateUnit": unit, "chargingSchedulePeriod": [period]})
    central_system.run(60)
    assert power(central_system) == expected
    values = central_system.taken("MeterValues")[0][1]["meterValue"][0]["sampledValue"]
    offered, *imported = [float(value["value"]) for value in values]
    assert imported[0] == pytest.approx(offered, rel=0.02)


def test_the_connectors_share_the_maximum() -> None:
    central_system = charging()
    connector = central_system.charge_point.connectors[2]
    assert send(central_system, 0, 16, chargingProfilePurpose="ChargePointMaxProfile") == "Accepted"
    central_system.run(60)
    assert power(central_system) == 11_040
    central_system.act(connector.plug)
    central_system.act(lambda: connector.present("OTHER"))
    central_system.run(60)
    assert (power(central_system, 1), power(central_system, 2)) == (5520, 5520)
    send(central_system, 2, 6, chargingProfileId=2)
    assert (power(central_system, 1), power(central_system, 2)) == (6900, 4140)
    central_system.act(connector.unplug)
    assert power(central_system) == 11_040


def test_a_refused_tag_gets_nothing_whatever_the_profiles_say() -> None:
    central_system = booted(StopTransactionOnInvalidId="false", AllowOfflineTxForUnknownId="true")
    central_system.id_tag_info = {"status": "Invalid"}
    start = {"connectorId": 1, "idTag": "TAG", "chargingProfile": None}
    central_system.act(central_system.charge_point.connectors[1].plug)
    central_system.call("RemoteStartTransaction", **{name: value for name, value in start.items() if value})
    assert central_system.status() == "SuspendedEVSE"
    send(central_system)
    assert central_system.status() == "SuspendedEVSE"


# --- TxProfile


def test_a_tx_profile_overrules_and_ends_with_its_transaction() -> None:
    central_system = charging()
    send(central_system, limit=6)
    assert tx_profile(central_system, 16, chargingProfileId=2) == "Accepted"
    assert limits(central_system) == [(0, 16)]
    central_system.act(lambda: central_system.charge_point.connectors[1].present("TAG"))
    assert limits(central_system) == [(0, 6)]
    assert clear(central_system, id=2) == "Unknown"


def test_a_tx_profile_needs_its_transaction() -> None:
    central_system = booted()
    assert send(central_system, chargingProfilePurpose="TxProfile", transactionId=1) == "Rejected"
    central_system = charging()
    assert tx_profile(central_system, transactionId=99) == "Rejected"
    assert tx_profile(central_system, transactionId=None) == "Accepted"


def test_a_remote_start_with_a_profile() -> None:
    central_system = booted()
    profile = charging_profile(8, chargingProfilePurpose="TxProfile", chargingProfileKind="Relative",
                               schedule={"startSchedule": None, "duration": 600})  # fmt: skip
    start = {"connectorId": 1, "idTag": "TAG", "chargingProfile": profile}
    assert central_system.call("RemoteStartTransaction", **start) == {"status": "Accepted"}
    assert limits(central_system) is None
    central_system.act(central_system.charge_point.connectors[1].plug)
    central_system.run(100)
    assert power(central_system) == 5520
    assert limits(central_system) == [(0, 8)]
    assert tx_profile(central_system, 10, chargingProfileId=2) == "Accepted"  # in its place (C 5.16.2)
    assert limits(central_system) == [(0, 10)]
    assert clear(central_system, id=1) == "Unknown"


def test_a_remote_start_that_nobody_came_for_leaves_no_profile() -> None:
    central_system = booted(ConnectionTimeOut="10")
    profile = charging_profile(chargingProfilePurpose="TxProfile")
    central_system.call("RemoteStartTransaction", connectorId=1, idTag="TAG", chargingProfile=profile)
    central_system.run(11)
    connector = central_system.charge_point.connectors[1]
    central_system.act(connector.plug)
    central_system.act(lambda: connector.present("TAG"))
    assert limits(central_system) is None


@pytest.mark.parametrize("fields", [{"chargingProfilePurpose": "TxDefaultProfile"}, {"transactionId": 1}])
def test_a_remote_start_with_a_wrong_profile(fields: dict[str, Any]) -> None:
    central_system = booted()
    profile = charging_profile(**{"chargingProfilePurpose": "TxProfile", **fields})
    start = {"connectorId": 1, "idTag": "TAG", "chargingProfile": profile}
    assert central_system.call("RemoteStartTransaction", **start) == {"status": "Rejected"}


# --- what is refused


@pytest.mark.parametrize(
    ("connector", "fields"),
    [
        (1, {"chargingProfilePurpose": "ChargePointMaxProfile"}),
        (0, {"chargingProfilePurpose": "TxProfile"}),
        (1, {"transactionId": 1}),
        (1, {"stackLevel": 10}),
        (1, {"chargingProfileKind": "Recurring"}),
        (1, {"recurrencyKind": "Daily"}),
        (1, {"chargingProfileKind": "Relative"}),
        (1, {"validFrom": "2026-02-01T00:00:00Z", "validTo": "2026-01-01T00:00:00Z"}),
        (1, {"limit": 6.25}),
        (1, {"schedule": {"chargingSchedulePeriod": [{"startPeriod": 60, "limit": 6}]}}),
        (1, {"schedule": {"chargingSchedulePeriod": [{"startPeriod": n, "limit": 6} for n in (0, 9, 9)]}}),
        (1, {"schedule": {"chargingSchedulePeriod": [{"startPeriod": n, "limit": 6} for n in range(25)]}}),
    ],
)
def test_what_is_refused(connector: int, fields: dict[str, Any]) -> None:
    central_system = booted()
    assert send(central_system, connector, **fields) == "Rejected"
    assert clear(central_system) == "Unknown"


def test_a_connector_that_is_not_there() -> None:
    central_system = booted()
    answer = central_system.call("SetChargingProfile", connectorId=9, csChargingProfiles=charging_profile())
    assert answer[0] == "PropertyConstraintViolation"  # CE 3.39
    assert central_system.call("GetCompositeSchedule", connectorId=9, duration=60) == {"status": "Rejected"}


def test_a_unit_that_is_not_allowed() -> None:
    central_system = booted()
    central_system.charge_point.configuration.put("ChargingScheduleAllowedChargingRateUnit", "Current")
    assert send(central_system, schedule={"chargingRateUnit": "W"}) == "Rejected"
    asked = {"connectorId": 1, "duration": 60, "chargingRateUnit": "W"}
    assert central_system.call("GetCompositeSchedule", **asked) == {"status": "Rejected"}
    assert send(central_system) == "Accepted"


def test_there_is_room_for_so_many() -> None:
    central_system = booted()
    for number in range(20):
        place = {"chargingProfileId": number, "stackLevel": number % 10}
        assert send(central_system, 1 + number // 10, **place) == "Accepted"
    assert send(central_system, 0, chargingProfileId=20) == "Rejected"
    assert send(central_system, 0, chargingProfileId=7) == "Accepted"  # replaces


# --- what is kept


def test_replaced() -> None:
    central_system = booted()
    send(central_system, 1, 6, chargingProfileId=1)
    send(central_system, 1, 8, chargingProfileId=2)
    assert limits(central_system) == [(0, 8)]
    assert clear(central_system, id=1) == "Unknown"
    send(central_system, 2, 10, chargingProfileId=2)
    assert (limits(central_system, 1), limits(central_system, 2)) == (None, [(0, 10)])


def test_cleared_by_criteria() -> None:
    central_system = booted()
    for number, (connector, level) in enumerate([(0, 0), (1, 0), (1, 1), (2, 1)]):
        send(central_system, connector, chargingProfileId=number, stackLevel=level)
    assert clear(central_system, connectorId=1, stackLevel=7) == "Unknown"
    assert clear(central_system, chargingProfilePurpose="TxProfile") == "Unknown"
    assert clear(central_system, connectorId=1, stackLevel=1) == "Accepted"
    assert clear(central_system, id=2) == "Unknown"
    assert clear(central_system, id=3, connectorId=1) == "Accepted"  # CE 3.25
    assert clear(central_system, connectorId=0) == "Accepted"
    assert clear(central_system, chargingProfilePurpose="TxDefaultProfile") == "Accepted"
    assert clear(central_system) == "Unknown"


def test_profiles_outlive_a_reboot_but_not_those_of_transactions() -> None:
    """CE 3.37"""
    central_system = charging()
    send(central_system, limit=6)
    tx_profile(central_system, 16, chargingProfileId=2)
    central_system.call("Reset", type="Hard")
    central_system.run(30)
    assert limits(central_system) == [(0, 6)]


# --- the composite schedule


def test_the_composite_schedule() -> None:
    central_system = booted()
    assert limits(central_system) is None
    send(central_system, 0, 11_000, chargingProfileId=1, chargingProfilePurpose="ChargePointMaxProfile",
         schedule={"chargingRateUnit": "W", "duration": 1800})  # fmt: skip
    assert limits(central_system, 1) == [(0, 15.9)]
    later = format_timestamp(NOON + 3_000_000)
    send(central_system, 1, 10, chargingProfileId=2, schedule={"startSchedule": later})
    assert limits(central_system, 1) == [(0, 15.9), (1800, 31.8), (3000, 10)]
    assert limits(central_system, 1, unit="W") == [(0, 11_000), (1800, 22_000), (3000, 6900)]
    assert limits(central_system, 0) == [(0, 15.9)]
    answer = central_system.call("GetCompositeSchedule", connectorId=0, duration=3600)
    assert answer["chargingSchedule"]["duration"] == 1800
