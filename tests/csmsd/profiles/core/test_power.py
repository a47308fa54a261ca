"""Power and state of charge as `status` shows them: of what runs, from its newest readings."""

from collections.abc import Mapping
from typing import Any

import pytest

from csmsd.control.views import charge_point_view, transaction_view
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles.core.transactions import Transaction
from tests.csmsd.profiles.scene import HOUR, SECOND, Scene

MINUTE = 60 * SECOND


def power(watts: float, phase: str | None = None, **more: object) -> dict[str, object]:
    named = {} if phase is None else {"phase": phase}
    return {"value": str(watts), "measurand": "Power.Active.Import", "unit": "W", **named, **more}


def soc(value: str, **more: object) -> dict[str, object]:
    return {"value": value, "measurand": "SoC", **more}


def measured(scene: Scene, *samples: Mapping[str, object], ago: int = 0, **fields: object) -> None:
    """Readings of so many milliseconds ago arrive now."""
    scene.now += 1
    value = {"timestamp": format_timestamp(scene.now - ago), "sampledValue": samples}
    scene.send("MeterValues", {"connectorId": 1, "meterValue": [value], **fields})


def shown(scene: Scene, transaction: Transaction) -> tuple[float | None, float | None]:
    """Power and state of charge, the same wherever they are shown."""
    view: dict[str, Any] = transaction_view(scene.site, transaction, scene.now)
    connectors = charge_point_view(scene.cp)["connectors"]
    row = next((row for row in connectors if row["transaction"] == transaction.id), None)
    if row is not None:
        assert (row["power_w"], row["soc_percent"]) == (view["power_w"], view["soc_percent"])
    return view["power_w"], view["soc_percent"]


@pytest.mark.parametrize(
    ("samples", "watts"),
    [
        ([power(7000)], 7000),
        ([power(3100, "L1-N"), power(3200, "L2-N"), power(3300, "L3-N"), power(40, "N")], 9600),
        ([{**power(3.1, "L1", location="Body"), "unit": "kW"}, power(3200, "L2", location="Body")], 6300),
        ([power(7000), power(3500, "L1"), power(3500, "L2")], 7000),
        ([power(7000), power(7500, location="Inlet")], 7000),
        ([power(7000, location="Outlet"), power(6500, location="EV")], 7000),
        ([power(7, unit="A")], None),
        ([power(7000, measurand="Power.Offered")], None),
    ],
)
def test_of_all_phases(samples: list[Mapping[str, object]], watts: float | None) -> None:
    scene = Scene()
    transaction = scene.started()

    measured(scene, *samples)

    assert shown(scene, transaction)[0] == watts


def test_phases_that_come_one_after_the_other_and_one_that_comes_no_more() -> None:
    scene = Scene()
    transaction = scene.started()
    for phase in ("L1", "L2", "L3"):
        scene.now += SECOND
        measured(scene, power(3000, phase))
    assert shown(scene, transaction)[0] == 9000

    scene.now += MINUTE
    measured(scene, power(3500, "L1"))

    assert shown(scene, transaction)[0] == 3500


def test_a_total_that_is_older_than_the_phases_counts_no_more() -> None:
    scene = Scene()
    transaction = scene.started()
    measured(scene, power(7000))
    scene.now += MINUTE

    measured(scene, power(0, "L1"), power(0, "L2"))

    assert shown(scene, transaction)[0] == 0


class TestOlderReadings:
    def test_of_a_backlog_do_not_replace_what_is_newer(self) -> None:
        scene = Scene()
        transaction = scene.started()
        measured(scene, power(3700), ago=2 * MINUTE)
        measured(scene, power(3700), ago=MINUTE)
        for minutes in (190, 180, 100):
            measured(scene, power(11000), soc("20"), ago=minutes * MINUTE)

        assert shown(scene, transaction) == (3700, 20)

    def test_newest_first_in_one_message(self) -> None:
        scene = Scene()
        transaction = scene.started()
        values = [
            {"timestamp": format_timestamp(scene.now - ago), "sampledValue": [power(watts), soc(charge)]}
            for ago, watts, charge in ((0, 3700, "50"), (MINUTE, 11000, "40"))
        ]

        scene.send("MeterValues", {"connectorId": 1, "meterValue": values})

        assert shown(scene, transaction) == (3700, 50)

    def test_are_of_now_when_no_newer_ones_come_for_minutes(self) -> None:
        """A clock that was set back by an hour."""
        scene = Scene()
        transaction = scene.started()
        measured(scene, power(7000))
        for _ in range(6):
            scene.now += MINUTE
            measured(scene, power(3000), ago=HOUR)

        assert shown(scene, transaction)[0] == 3000

    @pytest.mark.parametrize(("hours", "watts"), [(13, 7000), (15, None), (8000, None), (8 * 8766, 7000)])
    def test_of_yesterday_are_of_another_transaction(self, hours: int, watts: int | None) -> None:
        """Of a clock that is off by a zone, or has lost the time, they are of now."""
        scene = Scene()
        transaction = scene.started()

        measured(scene, power(7000), ago=hours * HOUR)

        assert shown(scene, transaction)[0] == watts

    def test_after_a_clock_that_was_ahead(self) -> None:
        scene = Scene()
        transaction = scene.started()
        measured(scene, power(7000), ago=-2 * HOUR)
        scene.now += MINUTE

        measured(scene, power(3000))

        assert shown(scene, transaction)[0] == 3000


class TestWhatRuns:
    def test_nothing_is_shown_after_the_stop(self) -> None:
        scene = Scene()
        transaction = scene.started()
        measured(scene, power(7000), soc("80"))
        scene.stop(transaction)

        assert shown(scene, transaction) == (None, None)
        assert (scene.cp.power_w(1), scene.cp.soc_percent(1)) == (None, None)

    def test_nothing_of_the_one_before(self) -> None:
        scene = Scene()
        first = scene.started()
        measured(scene, power(7000), soc("80"))
        assert shown(scene, first) == (7000, 80)
        scene.stop(first)
        scene.now += SECOND
        second = scene.started(meterStart=1500)
        assert shown(scene, second) == (None, None)

        measured(scene, {"value": "1600"})
        assert shown(scene, second) == (None, None)
        measured(scene, power(5000), transactionId=second.id)
        assert shown(scene, second)[0] == 5000

    def test_nothing_flows_from_a_connector_that_is_available(self) -> None:
        scene = Scene()
        transaction = scene.started()
        measured(scene, power(7000))
        scene.status(1, "Available")
        assert shown(scene, transaction)[0] is None

        scene.status(1, "Charging")
        assert shown(scene, transaction)[0] == 7000

    def test_what_flows_without_a_transaction_is_known_of_the_connector(self) -> None:
        scene = Scene()
        scene.status(1, "Charging")

        measured(scene, power(7000))

        assert scene.cp.power_w(1) == 7000


@pytest.mark.parametrize(
    ("sample", "percent"),
    [
        (soc("55"), 55),
        (soc("55,5", unit="Percent"), 55.5),
        (soc("55", unit="%"), 55),
        (soc("230.4", unit="V"), None),
        (soc("101"), None),
        (soc("-1"), None),
        (soc(""), None),
    ],
)
def test_a_state_of_charge_is_in_percent(sample: Mapping[str, object], percent: float | None) -> None:
    scene = Scene()
    transaction = scene.started()

    measured(scene, sample)

    assert shown(scene, transaction)[1] == percent


@pytest.mark.parametrize(("watts", "shown_w"), [("459000", 459_000), ("461000", None), ("-3000", -3000)])
def test_what_no_connector_delivers_is_not_shown(watts: str, shown_w: float | None) -> None:
    """W that are called kW."""
    scene = Scene()
    scene.started()
    scene.meter({"value": watts, "measurand": "Power.Active.Import"})

    assert scene.cp.power_w(1) == shown_w
