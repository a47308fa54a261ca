"""MeterValues (C 4.7): always confirmed, kept with the transaction or the connector they belong to."""

import json
from typing import Any

import msgspec
import pytest

from csmsd.profiles.core.charge_points import MAX_CONNECTORS, MAX_SAMPLES
from csmsd.profiles.core.meter_values import MeterValuesConf, MeterValuesReq
from csmsd.profiles.core.transactions import TransactionState
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import NOON, SECOND, Answer, Scene

SAMPLE = {"value": "1200"}
VALUE = {"timestamp": "2026-03-01T12:00:00.000Z", "sampledValue": [SAMPLE]}
METER = {"connectorId": 1, "meterValue": [VALUE]}
FULL = {
    "value": "7.2", "context": "Sample.Periodic", "format": "Raw", "measurand": "Power.Active.Import", "phase": "L1-N",
    "location": "Outlet", "unit": "kW",
}  # fmt: skip


@pytest.mark.parametrize(
    "payload",
    [
        METER,
        {**METER, "connectorId": 0, "transactionId": 7},
        {**METER, "meterValue": [VALUE, {**VALUE, "sampledValue": [SAMPLE, FULL]}]},
    ],
)
def test_valid(payload: dict[str, Any]) -> None:
    # The types have their fields in the specification's order; the payload of SAMPLE has but one.
    assert_valid(MeterValuesReq, payload)
    assert_valid(MeterValuesConf, {})


def belongs(answer: Answer) -> tuple[int, int | None]:
    (reading,) = answer.readings
    assert answer.event("meter_values")["transaction"] == reading.transaction_id
    return reading.connector, reading.transaction_id


class TestWhereTheyBelong:
    def test_to_the_transaction_they_name(self) -> None:
        scene = Scene()
        transaction = scene.started()

        assert belongs(scene.meter("1200", transactionId=transaction.id)) == (1, transaction.id)
        assert scene.cp.energy_wh(transaction) == 200

    def test_to_the_one_that_runs_on_their_connector(self) -> None:
        scene = Scene()
        transaction = scene.started()

        assert belongs(scene.meter("1200")) == (1, transaction.id)
        assert belongs(scene.meter("1200", connectorId=2)) == (2, None)
        assert belongs(scene.meter("1200", connectorId=0)) == (0, None)

    @pytest.mark.parametrize("claimed", [-1, 0, 4711])
    def test_to_the_one_that_runs_on_their_connector_when_the_id_is_unknown(self, claimed: int) -> None:
        scene = Scene()
        transaction = scene.started()

        answer = scene.meter("1200", transactionId=claimed)

        assert belongs(answer) == (1, transaction.id)
        assert answer.deviations == [("transactionId", "unknown")]

    def test_to_a_transaction_that_has_ended_without_changing_its_bill(self) -> None:
        scene = Scene()
        transaction = scene.started()
        scene.stop(transaction, meterStop=1500)

        assert belongs(scene.meter("1900", transactionId=transaction.id)) == (1, transaction.id)
        assert transaction.energy_wh == 500

    def test_to_the_ended_one_they_name_and_not_to_the_one_that_runs_now(self) -> None:
        scene = Scene()
        ended = scene.started()
        scene.stop(ended)
        scene.now += SECOND
        running = scene.started(meterStart=1500)

        assert belongs(scene.meter("1499", transactionId=ended.id)) == (1, ended.id)
        assert scene.cp.energy_wh(running) == 0

    def test_to_the_connector_when_nothing_runs_there(self) -> None:
        assert belongs(Scene().meter("1200", transactionId=4711)) == (1, None)

    def test_never_to_another_charge_points_transaction(self) -> None:
        scene = Scene()
        scene.register("CP2")
        theirs = scene.started()

        assert belongs(scene.meter("9999", by="CP2", transactionId=theirs.id)) == (1, None)
        assert scene.cp.energy_wh(theirs) == 0


class TestWhateverTheyAre:
    @pytest.mark.parametrize("named", [True, False])
    @pytest.mark.parametrize("state", ["active", "stopped", "abandoned"])
    def test_an_empty_list_is_confirmed_and_changes_nothing(self, named: bool, state: TransactionState) -> None:
        scene = Scene()
        transaction = scene.started()
        transaction.state = state
        before = msgspec.to_builtins(transaction)
        payload = {"connectorId": 1, "meterValue": []} | ({"transactionId": transaction.id} if named else {})

        answer = scene.send("MeterValues", payload)

        assert (answer.payload, answer.readings) == ({}, [])
        assert msgspec.to_builtins(transaction) == before

    @pytest.mark.parametrize(
        ("sampled", "kept", "deviations"),
        [
            ([], None, [("meterValue[0].sampledValue", "too_few_elements")]),
            ([{"value": ""}], None, [("meterValue.sampledValue.value", "no_value")]),
            ([{"value": "NaN"}], None, [("meterValue.sampledValue.value", "no_value")]),
            ([{}], None, [("meterValue[0].sampledValue[0]", "dropped")]),
            ([{"value": None}], None, [("meterValue[0].sampledValue[0]", "dropped")]),
            ([{}, SAMPLE], ["1200"], [("meterValue[0].sampledValue[0]", "dropped")]),
            ([{"value": ""}, SAMPLE], ["1200"], [("meterValue.sampledValue.value", "no_value")]),
            ([{"value": 1200}], ["1200"], [("meterValue[0].sampledValue[0].value", "number_instead_of_text")]),
            ([{"value": 12.5}], ["12.5"], [("meterValue[0].sampledValue[0].value", "number_instead_of_text")]),
            (SAMPLE, ["1200"], [("meterValue[0].sampledValue", "object_instead_of_list")]),
            ([{"value": "1", "unit": "Hertz"}], ["1"], [("meterValue[0].sampledValue[0].unit", "unknown_value")]),
            ([{"value": "1", "unit": "kwh"}], ["1"], [("meterValue[0].sampledValue[0].unit", "value_in_another_case")]),
            ([{"value": "1", "measurand": "X.Y"}], ["1"],
             [("meterValue[0].sampledValue[0].measurand", "unknown_value")]),
            ([{"value": "1", "phase": None}], ["1"], [("meterValue[0].sampledValue[0].phase", "null")]),
            ([{"value": "1", "accuracy": 2}], ["1"], [("meterValue[0].sampledValue[0].accuracy", "unknown_field")]),
            ([{"value": "-12"}], ["-12"], []),
            ([{"value": "12,5"}], ["12,5"], [("meterValue.sampledValue.value", "decimal_comma")]),
            ([{"value": "much"}, SAMPLE], ["much", "1200"], [("meterValue.sampledValue.value", "not_a_number")]),
            ([{"value": "1e308", "unit": "kWh"}], ["1e308"], []),
            ([{"value": "OBIS…", "format": "SignedData"}], ["OBIS…"], []),
        ],
    )  # fmt: skip
    def test_they_are_confirmed_and_what_has_a_value_is_kept(
        self, sampled: object, kept: list[str] | None, deviations: list[tuple[str, str]]
    ) -> None:
        answer = Scene().send("MeterValues", {"connectorId": 1, "meterValue": [{**VALUE, "sampledValue": sampled}]})

        assert answer.payload == {}
        assert [json.loads(reading.samples) for reading in answer.readings] == ([] if kept is None else [kept])
        assert answer.deviations == deviations

    @pytest.mark.parametrize(
        "payload",
        [
            {},
            [],
            None,
            {"connectorId": 1},
            {"meterValue": [VALUE]},
            {"connectorId": None, "meterValue": [VALUE]},
            {"connectorId": 10**30, "meterValue": [VALUE]},
            {"connectorId": 1, "meterValue": [{"timestamp": "2026-03-01T12:00:00Z"}]},
            {"connectorId": 1, "meterValue": [{"timestamp": None, "sampledValue": "none"}, None]},
            {"connectorId": 1, "meterValue": "none"},
        ],
    )
    def test_what_cannot_be_read_is_confirmed_and_kept(self, payload: object) -> None:
        answer = Scene().send("MeterValues", payload)

        assert answer.payload == {}
        assert [json.loads(kept.payload) for kept in answer.quarantined] == [payload]
        assert answer.event_types == ["message.quarantined"]

    @pytest.mark.parametrize(
        ("timestamps", "minutes"),
        [
            (["11:10", None, "11:30"], [10, 10, 30]),
            ([None, "11:20", "11:30"], [20, 20, 30]),
            (["11:10", "when?", None], [10, 10, 10]),
            ([None, None, None], [60, 60, 60]),
        ],
    )
    def test_one_without_a_usable_timestamp_is_kept_beside_the_others(
        self, timestamps: list[str | None], minutes: list[int]
    ) -> None:
        scene = Scene()
        values = [
            {"sampledValue": [SAMPLE]}
            if text is None
            else {"timestamp": f"2026-03-01T{text}:00Z" if ":" in text else text, "sampledValue": [SAMPLE]}
            for text in timestamps
        ]

        answer = scene.send("MeterValues", {"connectorId": 1, "meterValue": values})

        assert [reading.time for reading in answer.readings] == [NOON + (minute - 60) * 60_000 for minute in minutes]
        assert answer.quarantined == []
        assert {kind for _, kind in answer.deviations} <= {"missing", "unreadable"}
        assert len(answer.deviations) >= timestamps.count(None)

    def test_one_that_is_no_reading_at_all_costs_itself_alone(self) -> None:
        values = [VALUE, None, {"timestamp": "2026-03-01T12:00:00Z"}, VALUE]

        answer = Scene().send("MeterValues", {"connectorId": 1, "meterValue": values})

        assert len(answer.readings) == 2
        assert answer.deviations == [("meterValue[1]", "dropped"), ("meterValue[2]", "dropped")]

    @pytest.mark.parametrize("connector", [-1, MAX_CONNECTORS + 1, 10**6, 2**63 - 1])
    def test_a_connector_that_cannot_be_is_confirmed_and_kept(self, connector: int) -> None:
        scene = Scene()

        answer = scene.meter("1200", connectorId=connector)

        assert answer.payload == {}
        assert [kept.reason for kept in answer.quarantined] == ["connectorId out of range"]
        assert scene.cp.samples == {}

    def test_one_without_a_meter_value_is_confirmed_and_kept(self) -> None:
        scene = Scene()
        transaction = scene.started()

        answer = scene.send("MeterValues", {"connectorId": 1, "transactionId": transaction.id, "meterValue": []})

        assert answer.payload == {}
        assert [kept.reason for kept in answer.quarantined] == ["without a meter value"]

    def test_a_transaction_id_beyond_any_database_is_left_out(self) -> None:
        scene = Scene()
        transaction = scene.started()

        answer = scene.meter("1200", transactionId=10**30)

        assert belongs(answer) == (1, transaction.id)

    @pytest.mark.parametrize("timestamp", ["", "1970-01-01T00:00:00Z", "2036-01-01T00:00:00Z", "whenever"])
    def test_a_time_that_cannot_be_used_is_the_time_of_arrival(self, timestamp: str) -> None:
        answer = Scene().send("MeterValues", {"connectorId": 1, "meterValue": [{**VALUE, "timestamp": timestamp}]})

        (reading,) = answer.readings
        assert (reading.time, reading.text) == (NOON, timestamp)
        assert [field for field, _ in answer.deviations] == ["meterValue.timestamp"]

    def test_a_time_without_zone_is_in_the_charge_points_zone(self) -> None:
        scene = Scene()
        scene.cp.record.time_zone = "Europe/Berlin"
        values = [{**VALUE, "timestamp": "2026-03-01T13:00:00"}]

        (reading,) = scene.send("MeterValues", {"connectorId": 1, "meterValue": values}).readings

        assert reading.time == NOON


def test_the_newest_readings_are_known_per_connector() -> None:
    scene = Scene()
    power = {"value": "7.2", "measurand": "Power.Active.Import", "unit": "kW"}
    scene.meter("1100", power)
    scene.now += SECOND
    scene.meter("1200")
    scene.meter("5", connectorId=2)

    assert {
        connector: {name: (sample.value, sample.unit, sample.time) for name, sample in samples.items()}
        for connector, samples in scene.cp.samples.items()
    } == {
        1: {"Energy.Active.Import.Register": (1200, "Wh", NOON + SECOND), "Power.Active.Import": (7200, "W", NOON)},
        2: {"Energy.Active.Import.Register": (5, "Wh", NOON + SECOND)},
    }


def test_endless_measurands_do_not_fill_the_memory() -> None:
    scene = Scene()
    for number in range(2 * MAX_SAMPLES):
        scene.meter({"value": "1", "measurand": f"made.up.{number}"})
    scene.meter({"value": "2", "measurand": "made.up.0"})

    assert len(scene.cp.samples[1]) == MAX_SAMPLES
    assert scene.cp.samples[1]["made.up.0"].value == 2


def test_one_message_may_hold_several_moments() -> None:
    scene = Scene()
    transaction = scene.started()
    values = [
        {"timestamp": f"2026-03-01T12:0{minute}:00.000Z", "sampledValue": [{"value": str(1000 + 100 * minute)}]}
        for minute in (1, 2, 3)
    ]
    scene.now += 600 * SECOND

    answer = scene.send("MeterValues", {"connectorId": 1, "transactionId": transaction.id, "meterValue": values})

    assert [reading.time for reading in answer.readings] == [NOON + minute * 60 * SECOND for minute in (1, 2, 3)]
    assert len({reading.shape for reading in answer.readings}) == 1
    assert scene.cp.energy_wh(transaction) == 300


def test_readings_from_before_the_transaction_are_kept_and_not_billed() -> None:
    """A backlog that is booked on the running transaction, for want of a usable id, moves no register."""
    scene = Scene()
    transaction = scene.started(meterStart=10_000)
    before = [
        {"timestamp": "2020-03-01T10:00:00.000Z", "sampledValue": [{"value": value}]} for value in ("4000", "9000")
    ]
    answer = scene.send("MeterValues", {"connectorId": 1, "transactionId": -1, "meterValue": before})
    assert [reading.transaction_id for reading in answer.readings] == [transaction.id] * 2
    scene.stop(transaction, meterStop=10_000)
    assert (transaction.energy_wh, transaction.energy_suspect) == (0, False)


@pytest.mark.parametrize(
    ("values", "samples", "bulky"), [(1, 20, False), (10, 2, False), (11, 1, True), (1, 300, True)]
)
def test_only_what_is_as_short_as_readings_are_is_to_be_remembered(values: int, samples: int, bulky: bool) -> None:
    value = {"timestamp": "2026-03-01T12:00:00Z", "sampledValue": [{"value": "12345678"}] * samples}
    answer = Scene().send("MeterValues", {"connectorId": 1, "meterValue": [value] * values})
    assert [event.bulky for event in answer.events if event.type == "meter_values"] == [bulky]
