"""The list of what could not be booked: who has room on it, and what that costs."""

import json
from typing import Any

import pytest

from csmsd.control.problems.charge_points import problems_of_charge_point
from csmsd.ocpp import frames
from csmsd.ocpp.errors import OcppError
from csmsd.profiles import answering, incoming
from csmsd.profiles.action import Context
from csmsd.profiles.core import orphans
from csmsd.profiles.core.orphans import NO_FIT, Held, Orphans
from tests.csmsd.profiles.scene import NOON, Scene


def stop(number: int, **more: Any) -> dict[str, Any]:
    return {"transactionId": number, "meterStop": number, "timestamp": "2026-03-01T11:00:00Z", **more}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three of an action, and four at an address."""
    monkeypatch.setattr(orphans, "MOST", 3)
    monkeypatch.setattr(orphans, "MOST_AT_ADDRESS", 4)


def refusal(scene: Scene, action: str, payload: object, by: str = "CP1") -> str:
    with pytest.raises(OcppError) as caught:
        scene.send(action, payload, by=by)
    return caught.value.code


@pytest.mark.usefixtures("few")
class TestRoom:
    def test_what_has_no_room_is_not_confirmed_and_evicts_nothing(self) -> None:
        scene = Scene()
        for number in (7001, 7002, 7003):
            assert scene.send("StopTransaction", stop(number)).payload == {}

        assert refusal(scene, "StopTransaction", stop(7004)) == "InternalError"
        assert [orphan.number for orphan in scene.cp.orphans] == [1, 2, 3]
        # One of them that comes again is on the list.
        assert scene.send("StopTransaction", stop(7002)).payload == {}
        assert len(scene.cp.orphans) == 3

    def test_readings_do_not_take_the_room_of_stops(self) -> None:
        scene = Scene()
        for number in range(3):
            scene.send("MeterValues", {"connectorId": 1000 + number, "meterValue": []})

        assert refusal(scene, "MeterValues", {"connectorId": 2000, "meterValue": []}) == "InternalError"
        assert scene.send("StopTransaction", stop(7001)).payload == {}

    def test_it_is_a_problem_until_there_is_room(self) -> None:
        scene = Scene()
        scene.cp.connected_at = scene.cp.record.last_seen_at = NOON
        for number in (7001, 7002, 7003):
            scene.send("StopTransaction", stop(number))
        kinds = [problem.kind for problem in problems_of_charge_point(scene.cp, scene.site, scene.now)]
        assert "quarantine_full" not in kinds  # nothing was turned away yet
        refusal(scene, "StopTransaction", stop(7004))

        (problem,) = (
            one for one in problems_of_charge_point(scene.cp, scene.site, scene.now) if one.kind == "quarantine_full"
        )
        assert (problem.severity, problem.since) == ("critical", NOON)
        assert problem.text.startswith("StopTransaction ")

        scene.cp.orphans.settle(2)
        assert scene.cp.orphans.full_since is None
        assert scene.send("StopTransaction", stop(7004)).payload == {}

    def test_what_is_refused_anyhow_is_refused_without_being_kept(self) -> None:
        scene = Scene()
        at, error = Context(scene.site, scene.cp, NOON, []), OcppError("FormationViolation", "no")
        kept = [
            answering.refused(incoming()["StartTransaction"], b'{"connectorId":%d}' % n, error, at) for n in range(5)
        ]
        assert [message is not None for message in kept] == [True, True, True, False, False]

    def test_what_was_acknowledged_goes_back_on_the_list_of_one_that_is_full(self) -> None:
        scene = Scene()
        for number in range(3):
            scene.send("StopTransaction", stop(7000 + number))

        scene.site.set_aside(scene.cp, NOON, "StopTransaction", "taken for the end of another", "{}")

        assert len(scene.cp.orphans) == 4

    def test_charge_points_at_one_address_have_so_much_together(self) -> None:
        scene = Scene()
        for name in ("CP2", "CP3"):
            scene.register(name, boot_status="Accepted")
        for name in ("CP1", "CP2", "CP3"):
            state = scene.site.charge_points[name.casefold()]
            scene.site.count_orphans_at("192.0.2.9" if name == "CP3" else "192.0.2.1", state)
        for name, number in (("CP1", 7001), ("CP1", 7002), ("CP2", 7003), ("CP2", 7004)):
            scene.send("StopTransaction", stop(number), by=name)

        assert refusal(scene, "StopTransaction", stop(7005), by="CP2") == "InternalError"
        assert scene.send("StopTransaction", stop(7006), by="CP3").payload == {}

        # CP1 goes elsewhere, and what is kept of it with it.
        scene.site.count_orphans_at("192.0.2.9", scene.cp)
        assert scene.send("StopTransaction", stop(7005), by="CP2").payload == {}

    def test_where_it_comes_from_outlives_a_reload_of_memory(self) -> None:
        scene = Scene()
        scene.site.count_orphans_at("192.0.2.1", scene.cp)
        fresh = Scene()
        for number in range(4):
            fresh.cp.orphans.add(number, NOON, f"Action{number % 2}", NO_FIT, "{}")
        other = fresh.register("CP2", boot_status="Accepted")
        fresh.site.carry_over(scene.site)
        fresh.site.count_orphans_at("192.0.2.1", other)
        for number in (7001, 7002):
            other.orphans.add(number, NOON, "Action0", NO_FIT, "{}")

        assert not other.orphans.has_room("Action0", 2)


def test_bytes_count_as_well_as_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "MOST_BYTES", 1000)
    scene = Scene()
    readings = [{"timestamp": "2026-03-01T11:00:00Z", "sampledValue": [{"value": "ü" * 300}]}]
    scene.send("StopTransaction", stop(7001, transactionData=readings))
    assert refusal(scene, "StopTransaction", stop(7002, transactionData=readings)) == "InternalError"
    assert scene.send("StopTransaction", stop(7003)).payload == {}


def test_bytes_at_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "MOST_BYTES_AT_ADDRESS", 10)
    here, own = Held(), Orphans()
    own.count_with(here)
    own.add(1, NOON, "StopTransaction", NO_FIT, "123456")
    other = Orphans()
    other.count_with(here)
    assert other.has_room("StopTransaction", 4)
    assert not other.has_room("StopTransaction", 5)
    own.settle(1)
    assert other.has_room("StopTransaction", 10)


def test_memory_holds_only_what_may_wait_for_its_start_and_not_without_end() -> None:
    kept = Orphans()
    long, short = "x" * orphans.LONGEST_PAYLOAD, "y"
    kept.add(1, NOON, "StopTransaction", "unreadable", short)
    kept.add(2, NOON, "StopTransaction", NO_FIT, long + "x")
    for number in range(3, 20):
        kept.add(number, NOON, "StopTransaction", NO_FIT, long)
    most = orphans.MOST_IN_MEMORY // orphans.LONGEST_PAYLOAD
    assert [orphan.number for orphan in kept.stops()] == list(range(3, 3 + most))
    kept.settle(3)
    kept.add(20, NOON, "StopTransaction", NO_FIT, short)
    assert kept.stops()[-1].number == 20


def test_a_damaged_message_that_would_find_no_room_is_not_booked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "MOST", 0)
    scene = Scene()
    running = scene.started()
    sent = json.dumps({"transactionId": running.id, "meterStop": 900, "timestamp": "2026-03-01T12:00:00Z"})
    frame = frames.parse(f'[2,"1","StopTransaction",{sent[:-1]},"idTag":"TA')
    assert isinstance(frame, frames.DamagedFrame)
    assert isinstance(frame.frame, frames.Call)
    at = Context(scene.site, scene.cp, NOON, [])
    with pytest.raises(OcppError) as caught:
        answering.answer(incoming()["StopTransaction"], frame.frame.payload, at, frame.damage)
    assert caught.value.code == "InternalError"
    assert running.state == "active"


def test_origins_that_nobody_comes_from_are_forgotten() -> None:
    site = Scene().site
    (state,) = site.charge_points.values()
    for number in range(5):
        site.count_orphans_at(f"192.0.2.{number}", state)
    assert [*site._orphans_at] == ["192.0.2.4"]
