"""StatusNotification (C 4.9)."""

from typing import Any

import pytest

from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles.core.charge_points import MAX_CONNECTORS
from csmsd.profiles.core.status_notification import StatusNotificationConf, StatusNotificationReq
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import HOUR, NOON, SECOND, Scene

AVAILABLE = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


@pytest.mark.parametrize(
    "payload",
    [
        AVAILABLE,
        {"connectorId": 0, "errorCode": "ConnectorLockFailure", "info": "i" * 50, "status": "Faulted",
         "timestamp": "2026-03-01T12:00:00Z", "vendorId": "v" * 255, "vendorErrorCode": "c" * 50},
    ],
)  # fmt: skip
def test_valid(payload: dict[str, Any]) -> None:
    assert_valid(StatusNotificationReq, payload)
    assert_valid(StatusNotificationConf, {})


@pytest.mark.parametrize("missing", ["connectorId", "errorCode", "status"])
def test_without_what_it_is_about_it_is_refused(missing: str) -> None:
    payload = {name: value for name, value in AVAILABLE.items() if name != missing}

    with pytest.raises(OcppError, match=f"OccurenceConstraintViolation: {missing}"):
        Scene().send("StatusNotification", payload)


def test_the_status_is_kept_and_told() -> None:
    scene = Scene()
    scene.status(1, "Available")

    answer = scene.status(1, "Faulted", errorCode="ConnectorLockFailure", info="jammed", vendorErrorCode="E7")

    assert answer.payload == {}
    (connector,) = answer.connectors
    assert scene.cp.connectors[1] is connector
    assert (connector.status, connector.error_code, connector.info, connector.vendor_error_code) == (
        "Faulted", "ConnectorLockFailure", "jammed", "E7"
    )  # fmt: skip
    assert answer.event("connector.status") == {
        "connector": 1, "status": "Faulted", "previous": "Available", "error_code": "ConnectorLockFailure",
        "info": "jammed", "status_at": format_timestamp(NOON),
    }  # fmt: skip


def test_connector_0_is_the_charge_point_itself() -> None:
    scene = Scene()
    scene.status(0, "Unavailable")
    scene.status(2, "Available")

    assert {number: connector.status for number, connector in scene.cp.connectors.items()} == {
        0: "Unavailable", 2: "Available"
    }  # fmt: skip


def shown(scene: Scene) -> tuple[str, int]:
    """The status of connector 1, and how many seconds before noon it began."""
    connector = scene.cp.connectors[1]
    return connector.status, (NOON - connector.status_at) // SECOND


def says(scene: Scene, status: str, *, ago: float | None, clock: float = 0) -> list[tuple[str, str]]:
    """A status of so many seconds ago by a clock that differs by so many seconds; what is counted of it."""
    scene.now += 100
    timestamp = {} if ago is None else {"timestamp": format_timestamp(scene.now - round((ago - clock) * SECOND))}
    return scene.status(1, status, **timestamp).deviations


def comes_back(scene: Scene, *, boots: bool = False) -> None:
    """The connection was lost, and there is one again."""
    scene.now += SECOND
    scene.cp.away_since = scene.now - SECOND
    scene.cp.connected_at = scene.now
    if boots:
        scene.now += 100
        scene.send("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})


class TestWhatWasHeldBack:
    """A backlog does not replace the present."""

    @pytest.mark.parametrize("boots", [False, True])
    def test_after_the_present(self, boots: bool) -> None:
        scene = Scene()
        comes_back(scene, boots=boots)
        says(scene, "Available", ago=0)

        older = scene.status(1, "Preparing", timestamp=format_timestamp(scene.now - HOUR))

        assert (older.payload, older.changes, older.events) == ({}, [], [])
        assert older.deviations == [("timestamp", "held_back")]
        assert says(scene, "Charging", ago=1800) == [("timestamp", "held_back")]
        assert shown(scene)[0] == "Available"
        assert says(scene, "Preparing", ago=0) == []
        assert shown(scene)[0] == "Preparing"

    def test_before_the_present_of_the_new_connection_is_told(self) -> None:
        scene = Scene()
        scene.cp.connected_at = scene.now
        says(scene, "Charging", ago=0)
        comes_back(scene)

        says(scene, "Preparing", ago=1800)

        assert shown(scene)[0] == "Charging"

    def test_by_a_clock_that_is_always_behind(self) -> None:
        scene = Scene()
        comes_back(scene)
        says(scene, "Available", ago=0, clock=-3600)

        says(scene, "Charging", ago=1800, clock=-3600)

        assert shown(scene)[0] == "Available"

    def test_in_its_order_before_the_present(self) -> None:
        scene = Scene()
        comes_back(scene)
        for ago, status in ((1800, "Preparing"), (1700, "Charging"), (0, "Finishing")):
            assert says(scene, status, ago=ago) == []
            assert shown(scene)[0] == status

    def test_a_fault_is_shown_until_its_end_comes_out_of_the_backlog(self) -> None:
        scene = Scene()
        comes_back(scene)
        says(scene, "Charging", ago=0)

        assert says(scene, "Faulted", ago=1800) == [("timestamp", "held_back")]
        assert shown(scene)[0] == "Faulted"
        assert says(scene, "Faulted", ago=1750) == [("timestamp", "held_back")]
        assert says(scene, "Available", ago=1700) == [("timestamp", "held_back")]
        assert shown(scene)[0] == "Charging"

    def test_news_end_a_fault_of_the_backlog(self) -> None:
        scene = Scene()
        comes_back(scene)
        says(scene, "Charging", ago=0)
        says(scene, "Faulted", ago=1800)

        says(scene, "Finishing", ago=0)
        says(scene, "Available", ago=1700)

        assert shown(scene)[0] == "Finishing"

    def test_of_a_short_absence_by_a_clock_that_is_known(self) -> None:
        scene = Scene()
        scene.cp.connected_at = scene.now
        says(scene, "Charging", ago=0)
        scene.cp.away_since = scene.now
        scene.now += 3 * SECOND
        scene.cp.connected_at = scene.now
        says(scene, "Available", ago=0)

        assert says(scene, "SuspendedEV", ago=2.5) == [("timestamp", "held_back")]
        assert says(scene, "Finishing", ago=2) == [("timestamp", "held_back")]
        assert shown(scene)[0] == "Available"


class TestABacklogOnAFirstConnection:
    """No clock that was set back tells of many minutes within one second."""

    @pytest.mark.parametrize("present", ["Available", "Faulted"])
    @pytest.mark.parametrize("times", [(1800, 1200, 600), (600, 1200, 1800)], ids=["in its order", "newest first"])
    def test_the_present_stays(self, present: str, times: tuple[int, int, int]) -> None:
        scene = Scene()
        scene.cp.connected_at = scene.now
        says(scene, present, ago=0)
        for ago, status in zip(times, ("Charging", "Finishing", "Preparing"), strict=True):
            says(scene, status, ago=ago)
            assert present != "Faulted" or shown(scene)[0] == "Faulted"
        assert shown(scene)[0] == present

    def test_of_several_connectors(self) -> None:
        scene = Scene()
        scene.cp.connected_at = scene.now
        for number in (1, 2):
            scene.status(number, "Available", timestamp=format_timestamp(scene.now))
        scene.status(1, "Charging", timestamp=format_timestamp(scene.now - HOUR))
        last = scene.status(2, "Preparing", timestamp=format_timestamp(scene.now - HOUR // 2))

        assert {number: connector.status for number, connector in scene.cp.connectors.items()} == {
            1: "Available", 2: "Available"
        }  # fmt: skip
        assert [connector.connector for connector in last.connectors] == [1]
        assert last.event("connector.status")["status"] == "Available"

    def test_a_fault_in_it_stays_shown_until_its_end_comes(self) -> None:
        scene = Scene()
        scene.cp.connected_at = scene.now
        says(scene, "Available", ago=0)
        says(scene, "Faulted", ago=1800)
        says(scene, "Faulted", ago=1500)
        assert shown(scene)[0] == "Faulted"

        says(scene, "Available", ago=1200)

        assert shown(scene)[0] == "Available"
        assert says(scene, "Charging", ago=600) == [("timestamp", "held_back")]

    def test_a_clock_that_was_set_back_and_goes_on_is_believed(self) -> None:
        scene = Scene()
        scene.cp.connected_at = scene.now
        says(scene, "Available", ago=0)
        for status in ("Preparing", "Charging", "SuspendedEV"):
            says(scene, status, ago=0, clock=-3600)
            assert shown(scene)[0] == status

    @pytest.mark.parametrize(("later", "clock"), [(0, -3540), (60 * SECOND, -1800)], ids=["by a little", "later"])
    def test_a_clock_that_is_set_once_more_is_believed(self, later: int, clock: int) -> None:
        scene = Scene()
        scene.cp.connected_at = scene.now
        says(scene, "Available", ago=0)
        says(scene, "Preparing", ago=0, clock=-3600)
        scene.now += later

        says(scene, "Charging", ago=0, clock=clock)

        assert shown(scene)[0] == "Charging"

    def test_only_what_came_at_once_is_taken_back(self) -> None:
        scene = Scene()
        scene.cp.connected_at = scene.now
        says(scene, "Available", ago=0)
        says(scene, "Charging", ago=0, clock=-3600)
        scene.now += 60 * SECOND
        says(scene, "Preparing", ago=0, clock=-3600)

        says(scene, "Finishing", ago=1800, clock=-3600)

        assert shown(scene)[0] == "Charging"

    def test_a_fault_of_a_while_ago_is_over_by_a_clock_that_was_set_back(self) -> None:
        scene = Scene()
        scene.cp.connected_at = scene.now
        says(scene, "Faulted", ago=0)
        scene.now += 10 * SECOND
        says(scene, "Available", ago=0, clock=-3600)
        assert shown(scene)[0] == "Available"


class TestAWrongClock:
    """What comes last is so now."""

    @pytest.mark.parametrize(
        ("first", "second", "doubted"),
        [
            (None, 3, False),  # an untimed one, then one of a clock three seconds behind
            (0, 3, False),
            (0, 0.2, False),
            (0, 3600, True),  # set back by an hour
            (None, 3600, True),
        ],
    )
    @pytest.mark.parametrize("status", ["Available", "Faulted"])
    def test_that_is_behind(self, first: float | None, second: float, doubted: bool, status: str) -> None:
        scene = Scene()
        scene.cp.connected_at = scene.now
        says(scene, "Charging", ago=0, clock=-first) if first is not None else says(scene, "Charging", ago=None)

        deviations = says(scene, status, ago=0, clock=-second)

        assert shown(scene)[0] == status
        assert deviations == ([("timestamp", "before_the_last_one")] if doubted else [])
        assert scene.now - scene.cp.connectors[1].status_at <= 200

    def test_that_was_set_back_stays_believed_after_a_reconnect(self) -> None:
        scene = Scene()
        scene.cp.connected_at = scene.now
        says(scene, "Preparing", ago=0)
        says(scene, "Charging", ago=0, clock=-3600)
        comes_back(scene)
        says(scene, "Finishing", ago=None)

        says(scene, "Available", ago=0, clock=-3600)

        assert shown(scene)[0] == "Available"

    @pytest.mark.parametrize("status", ["Available", "Faulted"])
    def test_of_a_charge_point_that_has_booted_anew(self, status: str) -> None:
        scene = Scene()
        scene.cp.connected_at = scene.now
        says(scene, "Charging", ago=0)
        comes_back(scene, boots=True)

        says(scene, status, ago=0, clock=-3600)
        assert shown(scene)[0] == status
        says(scene, "Preparing", ago=0, clock=-3600)
        assert shown(scene)[0] == "Preparing"

    def test_long_after_a_reconnect_nothing_is_held_back_any_more(self) -> None:
        scene = Scene()
        comes_back(scene)
        says(scene, "Charging", ago=0)
        scene.now += HOUR
        says(scene, "Charging", ago=0)

        says(scene, "Available", ago=0, clock=-7200)

        assert shown(scene)[0] == "Available"

    def test_of_1970_and_then_a_few_seconds_behind(self) -> None:
        scene = Scene()
        scene.cp.connected_at = scene.now
        scene.status(1, "Available", timestamp="1970-01-01T00:00:00.740Z")

        says(scene, "Faulted", ago=0, clock=-5)

        assert shown(scene)[0] == "Faulted"


def test_of_two_in_one_second_the_later_counts() -> None:
    scene = Scene()
    scene.status(1, "SuspendedEVSE", timestamp="2026-03-01T11:30:00Z")

    assert scene.status(1, "Charging", timestamp="2026-03-01T11:30:00Z").deviations == []
    assert scene.cp.connectors[1].status == "Charging"


@pytest.mark.parametrize("timestamp", [None, "", "yesterday", "1970-01-01T00:00:00Z", "2036-01-01T00:00:00Z"])
def test_a_status_without_a_usable_time_is_of_now(timestamp: str | None) -> None:
    scene = Scene()
    scene.status(1, "Charging", timestamp="2026-03-01T12:00:00Z")
    scene.now += SECOND

    scene.status(1, "Available", timestamp=timestamp)

    assert (scene.cp.connectors[1].status, scene.cp.connectors[1].status_at) == ("Available", NOON + SECOND)


def test_a_clock_that_was_ahead_does_not_hide_what_comes_after_it_was_set_right() -> None:
    scene = Scene()
    scene.status(1, "Charging", timestamp="2026-03-01T14:00:00Z")  # local time that calls itself UTC
    scene.now += HOUR

    scene.status(1, "Available", timestamp="2026-03-01T13:00:00Z")

    assert scene.cp.connectors[1].status == "Available"


@pytest.mark.parametrize("connector", [-1, MAX_CONNECTORS + 1, 10**6, 2**63 - 1])
def test_a_connector_that_cannot_be_is_confirmed_and_not_kept(connector: int) -> None:
    scene = Scene()

    answer = scene.status(connector, "Available")

    assert (answer.payload, answer.changes) == ({}, [])
    assert ("connectorId", "out_of_range") in answer.deviations
    assert scene.cp.connectors == {}


@pytest.mark.parametrize(
    ("sent", "kept", "kind"),
    [
        ("charging", "Charging", "value_in_another_case"),
        ("Occupied", "Occupied", "unknown_value"),
        ("X" * 5000, "X" * 100, "unknown_value"),
    ],
)
def test_a_status_that_ocpp_does_not_know(sent: str, kept: str, kind: str) -> None:
    scene = Scene()

    answer = scene.status(1, sent)

    assert scene.cp.connectors[1].status == kept
    assert answer.deviations == [("status", kind)]


def test_endless_text_is_cut() -> None:
    scene = Scene()

    scene.status(1, "Faulted", info="i" * 60_000, vendorId="v" * 60_000)

    connector = scene.cp.connectors[1]
    assert (connector.info, connector.vendor_id) == ("i" * 500, "v" * 500)


def test_a_time_that_cannot_be_read_is_noted_and_none_at_all_is_not() -> None:
    scene = Scene()
    assert scene.status(1, "Available", timestamp="noon").deviations == [("timestamp", "unreadable")]
    assert scene.status(1, "Preparing").deviations == []
