"""Records as operators see them: the keys of `csmsctl --json` are a promise."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from csmsd.control import views
from csmsd.control.problems.problem import Problem
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.ocpp.types import SampledValue
from csmsd.profiles.core.charge_points import (
    ChargePoint,
    ChargePointState,
    ConfigurationKey,
    Connector,
    DeviationCount,
)
from csmsd.profiles.core.id_tags import IdTag
from csmsd.profiles.core.transactions import Transaction
from csmsd.profiles.milestone import Milestone
from csmsd.profiles.task import QueuedCommand, Task
from tests.csmsd.control.filled import all_shown, filled
from tests.csmsd.profiles.scene import HOUR, NOON, SECOND, Scene


def test_a_time() -> None:
    assert views.time_text(None) is None
    assert views.time_text(0) == "1970-01-01T00:00:00.000Z"


# --- charge points


def of_record(record: ChargePoint) -> dict[str, Any]:
    return views.charge_point_view(ChargePointState(record))


def test_a_charge_point() -> None:
    view = of_record(filled(ChargePoint))
    live = {"connected", "connected_at", "address", "connectors", "used_profile", "tls"}
    assert set(view) - all_shown(ChargePoint, of_record) == live
    assert (view["connected"], view["connected_at"], view["address"], view["connectors"]) == (False, None, None, [])
    assert not {"password_hash", "password_hash_next"} & set(view)


def test_one_that_is_there() -> None:
    state = ChargePointState(filled(ChargePoint))
    state.connected_at, state.address = NOON, "10.0.0.7"
    view = views.charge_point_view(state)
    assert (view["connected"], view["connected_at"], view["address"]) == (True, format_timestamp(NOON), "10.0.0.7")


def test_connectors_are_those_that_said_anything_or_charge() -> None:
    scene = Scene()
    scene.cp.connectors[2] = filled(Connector, connector=2)
    scene.cp.connectors[0] = filled(Connector, connector=0)
    transaction = scene.started(connectorId=1)
    scene.meter(
        {"value": "1700"},
        {"value": "7.2", "measurand": "Power.Active.Import", "unit": "kW"},
        {"value": "42", "measurand": "SoC", "unit": "Percent"},
        transactionId=transaction.id,
    )
    whole, charging, idle = views.charge_point_view(scene.cp)["connectors"]

    assert [one["connector"] for one in (whole, charging, idle)] == [0, 1, 2]
    running = {"transaction", "id_tag", "power_w", "energy_wh", "basis", "soc_percent"}
    for key in {*idle} - {*running, "connector", "status_at"}:
        assert idle[key] == getattr(scene.cp.connectors[2], key), key
        assert charging[key] is None, key
    assert idle["status_at"] == format_timestamp(scene.cp.connectors[2].status_at)
    assert charging["status_at"] is None
    assert {idle[key] for key in running} == {None}
    assert {key: charging[key] for key in running} == {
        "transaction": transaction.id,
        "id_tag": "TAG1",
        "power_w": 7200,
        "energy_wh": 1700 - transaction.meter_start_wh,
        "basis": "readings",
        "soc_percent": 42,
    }


def test_what_cp_show_tells_beyond_that() -> None:
    state = ChargePointState(filled(ChargePoint))
    for action, field, kind in (
        ("StartTransaction", "a", "x"),
        ("BootNotification", "b", "y"),
        ("BootNotification", "b", "x"),
    ):
        state.deviations[action, field, kind] = DeviationCount(
            charge_point="CP1", action=action, field=field, kind=kind, count=len(state.deviations) + 1, last_at=NOON
        )
    for name in ("beta", "Alpha"):
        state.configuration[name.casefold()] = filled(ConfigurationKey, name=name, readonly=name == "beta")
    view = views.charge_point_details_view(state, Scene().site)

    assert view | views.charge_point_view(state) == view
    assert view["refused"] == []
    at = format_timestamp(NOON)
    assert view["deviations"] == [
        {"action": "BootNotification", "field": "b", "kind": "x", "count": 3, "last_at": at},
        {"action": "BootNotification", "field": "b", "kind": "y", "count": 2, "last_at": at},
        {"action": "StartTransaction", "field": "a", "kind": "x", "count": 1, "last_at": at},
    ]
    assert [(key["key"], key["value"], key["readonly"]) for key in view["configuration"]] == [
        ("Alpha", "value", False),
        ("beta", "value", True),
    ]
    reported = state.configuration["beta"].reported_at
    assert {key["reported_at"] for key in view["configuration"]} == {format_timestamp(reported)}


# --- idTags


def test_an_id_tag() -> None:
    scene = Scene()

    def view(tag: IdTag) -> dict[str, Any]:
        return views.tag_view(scene.site, tag, NOON)

    found = view(scene.tag("TAG1", expires_at=NOON + 1))
    assert set(found) - all_shown(IdTag, view) == {"status", "active_transactions"}
    assert (found["status"], found["active_transactions"]) == ("Accepted", 0)
    scene.started()
    scene.started(connectorId=2)
    assert view(scene.tag("TAG1"))["active_transactions"] == 2


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"blocked": True}, "Blocked"), ({"expires_at": NOON}, "Expired"), ({"expires_at": NOON + 1}, "Accepted")],
)
def test_what_an_id_tag_would_be_answered_with_now(fields: dict[str, Any], status: str) -> None:
    scene = Scene()
    assert views.tag_view(scene.site, scene.tag("X", **fields), NOON)["status"] == status


# --- transactions

OTHERWISE = {"duration_s", "power_w", "soc_percent", "energy_suspect"}


def test_a_transaction() -> None:
    scene = Scene()

    def view(transaction: Transaction) -> dict[str, Any]:
        return views.transaction_view(scene.site, transaction, NOON)

    given: dict[str, Any] = {"state": "stopped", "start_time": NOON, "stop_time": NOON + 90 * SECOND}
    found = view(filled(Transaction, **given))
    assert set(found) - all_shown(Transaction, view, **given) == OTHERWISE
    assert (found["duration_s"], found["power_w"], found["soc_percent"]) == (90, None, None)


@pytest.mark.parametrize(
    ("fields", "suspect"),
    [
        ({"doubts": []}, False),
        ({"doubts": ["unit"], "settled_at": None}, True),
        ({"doubts": ["unit"], "settled_at": NOON, "stop_received_at": NOON}, False),
    ],
)
def test_a_figure_in_doubt(fields: dict[str, Any], suspect: bool) -> None:
    transaction = filled(Transaction, state="stopped", **fields)
    assert views.transaction_view(Scene().site, transaction, NOON)["energy_suspect"] is suspect


def test_one_that_runs_since_years_by_its_clock_lasts_since_it_was_told() -> None:
    scene = Scene()
    transaction = scene.started(timestamp="2018-05-01T00:00:00Z")

    assert views.transaction_view(scene.site, transaction, NOON + HOUR)["duration_s"] == 3600


def test_one_that_runs_shows_what_is_so_now() -> None:
    scene = Scene()
    transaction = scene.started()
    bare = views.transaction_view(scene.site, transaction, NOON + HOUR)
    assert (bare["duration_s"], bare["power_w"], bare["energy_wh"], bare["stop_time"]) == (3600, None, 0, None)
    assert (bare["basis"], bare["at_most_wh"]) == ("nothing", None)
    scene.meter(
        {"value": "1700"},
        {"value": "7200", "measurand": "Power.Active.Import", "unit": "W"},
        {"value": "42", "measurand": "SoC", "unit": "Percent"},
        transactionId=transaction.id,
    )
    view = views.transaction_view(scene.site, transaction, NOON + HOUR)
    energy = 1700 - transaction.meter_start_wh
    assert (view["energy_wh"], view["at_least_wh"], view["at_most_wh"]) == (energy, energy, energy)
    assert (view["power_w"], view["soc_percent"]) == (7200, 42)
    assert (view["doubts"], view["energy_suspect"], view["basis"]) == ([], False, "readings")


def test_one_that_runs_and_is_in_doubt() -> None:
    scene = Scene()
    transaction = scene.started(meterStart=1000)
    for value in ("1100", "900000000", "1150"):
        scene.now += HOUR
        scene.meter(value, transactionId=transaction.id)
    view = views.transaction_view(scene.site, transaction, scene.now)
    assert view["doubts"] == ["readings_disagree"]
    assert view["energy_suspect"]
    assert view["at_least_wh"] <= view["energy_wh"] == 150 <= view["at_most_wh"]


def test_one_whose_charge_point_was_removed_shows_its_record() -> None:
    scene = Scene()
    running = filled(Transaction, charge_point="GONE", state="active", stop_time=None, start_time=NOON)
    view = views.transaction_view(scene.site, running, NOON + 1999)
    assert (view["duration_s"], view["energy_wh"], view["power_w"]) == (1, running.energy_wh, None)
    given_up = filled(Transaction, charge_point="GONE", state="abandoned", stop_time=None)
    assert views.transaction_view(scene.site, given_up, NOON + HOUR)["duration_s"] is None


def test_nothing_lasts_less_than_no_time() -> None:
    odd = filled(Transaction, state="stopped", start_time=NOON, stop_time=NOON - HOUR)
    assert views.transaction_view(Scene().site, odd, NOON)["duration_s"] == 0


def test_memory_is_ahead_of_the_disk() -> None:
    scene = Scene()
    transaction = scene.started()
    stored = filled(Transaction, id=transaction.id, charge_point="CP1", state="active")
    gone = filled(Transaction, id=99, charge_point="CP1")
    elsewhere = filled(Transaction, id=transaction.id, charge_point="CP9")
    assert views.live(scene.site, stored) is views.certain(scene.site, stored) is transaction
    assert views.live(scene.site, gone) is gone
    assert views.live(scene.site, elsewhere) is elsewhere


def test_an_end_that_is_not_on_disk_yet_is_not_certain() -> None:
    scene = Scene()
    transaction = scene.started()
    stored = filled(Transaction, id=transaction.id, charge_point="CP1", state="active")
    scene.stop(transaction)
    assert views.live(scene.site, stored).state == "stopped"
    assert views.certain(scene.site, stored) is stored


# --- the store, commands, and the rest


@pytest.mark.parametrize(
    ("failure", "slow_ms", "state"), [(None, None, "ok"), (None, 1200, "slow"), ("disk full", 1200, "failing")]
)
def test_how_the_store_does(failure: str | None, slow_ms: int | None, state: str) -> None:
    assert views.store_state_view(SimpleNamespace(failure=failure, slow_ms=slow_ms)) == state


def test_a_task() -> None:
    given = {"request": '{"type":"Soft"}', "response": '{"status":"Accepted"}'}
    view = views.task_view(filled(Task, **given))
    assert set(view) - all_shown(Task, views.task_view, "request", "response", **given) == {"request", "response"}
    assert (view["request"], view["response"]) == ({"type": "Soft"}, {"status": "Accepted"})
    assert views.task_view(filled(Task, request="{}", response=None))["response"] is None


def test_an_open_task_in_short() -> None:
    assert all_shown(Task, views.open_task_view) == set(views.open_task_view(filled(Task)))


def test_a_queued_command() -> None:
    task = filled(Task, id=8, request='{"type":"Soft"}')
    command = filled(QueuedCommand, task=8, idle_connector=0, expires_at=NOON + HOUR)
    assert views.queued_view(command, task) == {
        "task": 8,
        "action": "action",
        "request": {"type": "Soft"},
        "user": "user",
        "created_at": format_timestamp(task.created_at),
        "expires_at": format_timestamp(task.expires_at or 0),
        "unless_transaction": True,
    }
    assert not views.queued_view(filled(QueuedCommand, idle_connector=None), task)["unless_transaction"]


def test_a_problem() -> None:
    view = views.problem_view(filled(Problem))
    assert set(view) - all_shown(Problem, views.problem_view) == {"last_at"}
    assert views.problem_view(filled(Problem, last=NOON))["last_at"] == format_timestamp(NOON)


def test_a_milestone() -> None:
    assert views.milestone_view(None) is None
    assert views.milestone_view(filled(Milestone, at=NOON, number=7, user="jo")) == {
        "at": format_timestamp(NOON),
        "number": 7,
        "user": "jo",
    }


def test_a_message() -> None:
    message = SimpleNamespace(id=7, time=NOON, charge_point="CP1", direction="in", text="[2]")
    assert views.message_view(message) == vars(message) | {"time": format_timestamp(NOON)}


def test_a_stored_event() -> None:
    event = SimpleNamespace(number=7, time=NOON, type="store.failed", charge_point=None, data='{"error": "full"}')
    assert views.stored_event_view(event) == vars(event) | {"time": format_timestamp(NOON), "data": {"error": "full"}}


def sampled(**fields: Any) -> dict[str, Any]:
    reading = SimpleNamespace(id=7, time=NOON, samples=[SampledValue(value="5", **fields)])
    view = views.meter_view(reading)
    assert (view["id"], view["time"]) == (7, format_timestamp(NOON))
    (sample,) = view["samples"]
    return dict(sample)


def test_a_meter_value() -> None:
    said: dict[str, Any] = {
        "measurand": "Voltage",
        "phase": "L1-N",
        "unit": "V",
        "context": "Trigger",
        "location": "Inlet",
        "format": "Raw",
    }
    assert sampled(**said) == said | {"value": "5"}
    assert json.loads(json.dumps(sampled())) == sampled()


@pytest.mark.parametrize(
    ("fields", "measurand", "unit"),
    [
        ({}, "Energy.Active.Import.Register", "Wh"),
        ({"unit": "kWh"}, "Energy.Active.Import.Register", "kWh"),
        ({"measurand": "Energy.Reactive.Export.Interval"}, "Energy.Reactive.Export.Interval", "Wh"),
        ({"measurand": "Voltage"}, "Voltage", None),
        ({"format": "SignedData"}, "Energy.Active.Import.Register", None),
    ],
)
def test_what_a_sample_leaves_out(fields: dict[str, Any], measurand: str, unit: str | None) -> None:
    assert (sampled(**fields)["measurand"], sampled(**fields)["unit"]) == (measurand, unit)


def test_the_length_of_a_transaction_whose_start_has_a_doubted_clock_counts_from_its_arrival() -> None:
    scene = Scene()
    scene.now += SECOND
    transaction = scene.started(timestamp="2018-01-01T00:00:00Z")
    scene.now += HOUR
    scene.stop(transaction)
    assert "start_clock" in transaction.doubts
    assert views.transaction_view(scene.site, transaction, scene.now)["duration_s"] == 3600
