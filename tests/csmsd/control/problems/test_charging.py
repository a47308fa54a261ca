"""What is odd about transactions, and about connectors without one: a scene, and its problems."""

from collections.abc import Callable
from typing import Any

import pytest

from csmsd.ocpp.payloads import read_payload_value
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.ocpp.types import ChargingProfile
from csmsd.profiles.reservation.reservations import Terms
from csmsd.profiles.smart_charging.installed_profiles import profile_installed_now
from tests.csmsd.control.problems.test_charge_points import MINUTE, connected, found, later, only
from tests.csmsd.profiles.scene import HOUR, SECOND, Scene


def charging_without(scene: Scene) -> None:
    scene.status(1, "Charging")
    scene.meter({"value": "7000", "measurand": "Power.Active.Import", "unit": "W"})
    later(scene, MINUTE)


def over_and_free(scene: Scene) -> None:
    scene.start()
    later(scene, MINUTE)
    scene.status(1, "Available")


def reservation(scene: Scene, number: int, tag: str, *, connector: int = 1, parent: str | None = None) -> None:
    """One that the charge point has accepted."""
    terms = Terms(connector, tag, parent, scene.now + 8 * HOUR)
    scene.site.reservations.request("CP1", number, terms, scene.now)
    scene.site.reservations.accepted("CP1", number, terms, scene.now)


def names_the_reservation_of_another(scene: Scene) -> None:
    scene.tag("TAG2")
    reservation(scene, 4, "TAG2")
    scene.start(reservationId=4)


def runs_in_spite_of_a_reservation(scene: Scene) -> None:
    reservation(scene, 4, "TAG2")
    later(scene, SECOND)
    scene.start()


def limit(scene: Scene, amperes: float, connector: int = 1) -> None:
    profile, _ = read_payload_value(
        ChargingProfile,
        {
            "chargingProfileId": 3,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": amperes}],
            },
        },
    )
    scene.site.smart_charging.installed.add(profile_installed_now("CP1", connector, profile, scene.now, name="eight"))


def current(amperes: float, phase: str = "L1") -> dict[str, Any]:
    return {"value": str(amperes), "measurand": "Current.Import", "unit": "A", "phase": phase}


def draws_too_much(scene: Scene) -> None:
    limit(scene, 8)
    scene.start()
    later(scene, 2 * MINUTE)
    scene.meter(current(8), current(16, "L2"))


@pytest.mark.parametrize(
    ("happens", "kind", "severity", "words", "settles"),
    [
        (
            charging_without,
            "charging_without_transaction",
            "critical",
            "Charging without a transaction, 7.0 kW: nothing of it is billed",
            "csmsctl log CP1",
        ),
        (
            over_and_free,
            "running_on_free_connector",
            "warning",
            "transaction 1 was never stopped, and its connector is Available",
            "csmsctl tx close 1 --reason TEXT",
        ),
        (
            names_the_reservation_of_another,
            "reservation_of_another",
            "warning",
            "transaction 1 of idTag TAG1 uses reservation 4, which is for TAG2",
            "csmsctl remote-stop --transaction 1",
        ),
        (
            runs_in_spite_of_a_reservation,
            "reservation_of_another",
            "warning",
            "transaction 1 of idTag TAG1 runs in spite of reservation 4, which is for TAG2",
            "csmsctl remote-stop --transaction 1",
        ),
        (
            draws_too_much,
            "limit_exceeded",
            "critical",
            "16.0 A are drawn, and 8 A are allowed by eight",
            "csmsctl profile verify CP1 --connector 1",
        ),
    ],
)
def test_each_is_told_with_what_settles_it(
    happens: Callable[[Scene], None], kind: str, severity: str, words: str, settles: str
) -> None:
    scene = Scene()
    connected(scene)
    happens(scene)
    problem = only(scene)
    assert (problem.kind, problem.severity, problem.connector) == (kind, severity, 1)
    assert (problem.text, problem.next) == (words, settles)


def says_charging_before_its_start(scene: Scene) -> None:
    scene.status(1, "Charging")
    later(scene, 10 * SECOND - 1)


def said_so_before_its_start(scene: Scene) -> None:
    scene.status(1, "Charging")
    later(scene, 2 * MINUTE)
    scene.start()


def was_free_before_it_began(scene: Scene) -> None:
    scene.status(1, "Available")
    scene.start()
    later(scene, 2 * MINUTE)


def is_reserved_for_its_group(scene: Scene) -> None:
    scene.tag("TAG1", parent="FAMILY")
    reservation(scene, 4, "TAG2", parent="family")
    scene.start(reservationId=4)


def is_reserved_elsewhere(scene: Scene) -> None:
    reservation(scene, 4, "TAG2", connector=2)
    scene.start()


def is_reserved_for_after_it(scene: Scene) -> None:
    scene.start()
    later(scene, SECOND)
    reservation(scene, 4, "TAG2")


def keeps_its_limit(scene: Scene) -> None:
    limit(scene, 16)
    scene.start()
    later(scene, 2 * MINUTE)
    scene.meter(current(16.9))


def has_only_now_been_limited(scene: Scene) -> None:
    scene.start()
    limit(scene, 8)
    later(scene, 89 * SECOND)
    scene.meter(current(16))


def was_measured_long_ago(scene: Scene) -> None:
    limit(scene, 8)
    scene.start()
    scene.meter(current(16))
    later(scene, 6 * MINUTE)


@pytest.mark.parametrize(
    "happens",
    [
        says_charging_before_its_start,
        said_so_before_its_start,
        was_free_before_it_began,
        is_reserved_for_its_group,
        is_reserved_elsewhere,
        is_reserved_for_after_it,
        keeps_its_limit,
        has_only_now_been_limited,
        was_measured_long_ago,
    ],
)
def test_what_is_as_it_should_be_is_no_problem(happens: Callable[[Scene], None]) -> None:
    scene = Scene()
    connected(scene)
    happens(scene)
    assert found(scene) == []


def test_what_flows_without_a_transaction_is_told_at_once() -> None:
    scene = Scene()
    connected(scene)
    scene.status(1, "Charging")
    scene.meter({"value": "7000", "measurand": "Power.Active.Import", "unit": "W"})
    assert only(scene).kind == "charging_without_transaction"


def test_two_at_once_on_a_connector() -> None:
    """A start from a backlog gives nothing up that began after it."""
    scene = Scene()
    connected(scene)
    scene.start()
    later(scene, SECOND)
    scene.start(timestamp="2026-03-01T11:00:00.000Z", meterStart=500)
    problem = only(scene)
    assert (problem.kind, problem.text) == ("two_starts", "transactions 1, 2 run at once on one connector")
    assert problem.next == "csmsctl tx list --charge-point CP1 --state active"


def register(wh: int) -> dict[str, Any]:
    return {"value": str(wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}


def power(watts: int) -> dict[str, Any]:
    return {"value": str(watts), "measurand": "Power.Active.Import", "unit": "W"}


@pytest.mark.parametrize("claimed", [None, 4712, 1], ids=["no id", "an unknown id", "a stopped one"])
@pytest.mark.parametrize("status", ["Available", None])
def test_what_is_measured_without_a_transaction(status: str | None, claimed: int | None) -> None:
    named: dict[str, Any] = {} if claimed is None else {"transactionId": claimed}
    scene = Scene()
    connected(scene)
    scene.start()
    scene.stop(1)
    later(scene, 2 * MINUTE)
    if status is not None:
        scene.status(1, status)
    for count in range(3):
        scene.meter(register(5000 + 900 * count), power(7000), **named)
        later(scene, MINUTE)
    problem = only(scene)
    assert (problem.kind, problem.severity, problem.connector) == ("charging_without_transaction", "critical", 1)
    assert problem.text == (
        f"7.0 kW and 1.8 kWh measured without a transaction, while it is {status or 'without a status'}: "
        "nothing of it is billed"
    )
    later(scene, 16 * MINUTE)
    assert found(scene) == []


@pytest.mark.parametrize("samples", [[register(0)], [power(7000)]], ids=["a register", "power"])
def test_either_is_enough(samples: list[dict[str, Any]]) -> None:
    scene = Scene()
    connected(scene)
    for count in range(2):
        scene.meter(*[{**sample, "value": str(int(sample["value"]) + 900 * count)} for sample in samples])
        later(scene, MINUTE)
    assert only(scene).kind == "charging_without_transaction"


def test_a_backlog_of_readings_is_nothing_that_flows() -> None:
    scene = Scene()
    connected(scene)
    for count in range(3):
        at = format_timestamp(scene.now - 2 * HOUR + count * MINUTE)
        scene.meter(meterValue=[{"timestamp": at, "sampledValue": [register(900 * count), power(7000)]}])
    assert found(scene) == []


def test_a_register_that_stands_and_the_last_readings_of_a_transaction_are_nothing() -> None:
    scene = Scene()
    connected(scene)
    scene.start()
    later(scene, MINUTE)
    scene.stop(1)
    scene.meter(register(5000), power(7000))
    later(scene, 30 * SECOND)
    scene.meter(register(5900), power(7000), transactionId=1)
    for _ in range(3):
        later(scene, MINUTE)
        scene.meter(register(5900), power(20))
    assert found(scene) == []
