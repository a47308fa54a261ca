"""StopTransaction (C 4.10): always confirmed, booked where it belongs, kept where it fits nowhere."""

from typing import Any

import pytest

from csmsd.profiles.core.stop_transaction import StopTransactionConf, StopTransactionReq
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import HOUR, NOON, Scene, clock

STOP: dict[str, Any] = {"meterStop": 1500, "timestamp": "2026-03-01T12:00:00.000Z", "transactionId": 1}
DATA = [{"timestamp": "2026-03-01T11:30:00Z", "sampledValue": [{"value": "1200", "unit": "Wh"}]}]


@pytest.mark.parametrize(
    "payload",
    [
        STOP,
        {"idTag": "TAG1", **STOP, "reason": "EVDisconnected", "transactionData": DATA},
        {**STOP, "transactionId": -1, "transactionData": []},
        {"idTag": "", **STOP, "meterStop": -5},
    ],
)
def test_valid_requests(payload: dict[str, Any]) -> None:
    assert_valid(StopTransactionReq, payload)


@pytest.mark.parametrize("payload", [{}, {"idTagInfo": {"status": "Accepted"}}])
def test_valid_confirmations(payload: dict[str, Any]) -> None:
    assert_valid(StopTransactionConf, payload)


def test_a_transaction_ends() -> None:
    scene = Scene()
    transaction = scene.started(meterStart=1000)
    scene.now += HOUR

    answer = scene.stop(
        transaction, meterStop=8200, timestamp="2026-03-01T12:59:00Z", reason="EVDisconnected", idTag="tag1"
    )

    assert answer.payload == {"idTagInfo": {"status": "Accepted"}}
    assert answer.changes == [transaction]
    assert (transaction.state, transaction.energy_wh, transaction.energy_suspect) == ("stopped", 7200, False)
    assert (transaction.meter_stop_wh, transaction.stop_reason, transaction.stop_id_tag) == (
        8200, "EVDisconnected", "tag1"
    )  # fmt: skip
    assert (transaction.stop_time, transaction.stop_received_at) == (clock("12:59"), NOON + HOUR)
    assert transaction.flags == []
    assert answer.event("transaction.stopped") == {
        "transaction": 1, "connector": 1, "id_tag": "TAG1", "reason": "EVDisconnected", "energy_wh": 7200
    }  # fmt: skip
    assert scene.cp.transactions.active() == []


@pytest.mark.parametrize(
    ("fields", "payload"),
    [
        ({}, {}),
        ({"idTag": "TAG1"}, {"idTagInfo": {"status": "Accepted"}}),
        ({"idTag": "NOBODY"}, {"idTagInfo": {"status": "Invalid"}}),
        ({"idTag": "NOBODY\x07 with more than twenty"}, {"idTagInfo": {"status": "Invalid"}}),
    ],
)
def test_who_stopped_it_is_told_of(fields: dict[str, Any], payload: dict[str, object]) -> None:
    scene = Scene()
    transaction = scene.started()

    assert scene.stop(transaction, **fields).payload == payload
    assert transaction.state == "stopped"


@pytest.mark.parametrize(
    ("reason", "kept"),
    [(None, "Local"), ("Remote", "Remote"), ("evdisconnected", "EVDisconnected"), ("Bored", "Bored")],
)
def test_an_absent_reason_means_local(reason: str | None, kept: str) -> None:
    scene = Scene()
    transaction = scene.started()
    scene.stop(transaction, **({} if reason is None else {"reason": reason}))

    assert transaction.stop_reason == kept


def test_transaction_data_is_kept_with_the_transaction_and_not_summed_again() -> None:
    scene = Scene()
    transaction = scene.started()
    scene.meter("1200", transactionId=transaction.id)
    scene.meter("1400", transactionId=transaction.id)

    answer = scene.stop(transaction, transactionData=DATA)

    (reading,) = answer.readings
    assert (reading.transaction_id, reading.connector, reading.samples) == (1, 1, '["1200"]')
    assert (transaction.energy_wh, transaction.energy_suspect) == (500, False)


class TestRepeatedStop:
    def test_the_first_one_counts(self) -> None:
        scene = Scene()
        transaction = scene.started()
        scene.stop(transaction, meterStop=1500, reason="Local")
        scene.now += HOUR

        answer = scene.stop(transaction, meterStop=1500, reason="Remote")

        assert answer.payload == {}
        assert answer.events == []
        assert (transaction.energy_wh, transaction.stop_reason, transaction.stop_time) == (500, "Local", NOON)
        assert answer.deviations == [("transactionId", "repeated_stop")]

    def test_one_with_other_figures_is_no_repeat_and_is_kept(self) -> None:
        scene = Scene()
        transaction = scene.started()
        scene.stop(transaction, meterStop=1500)
        scene.now += HOUR

        answer = scene.stop(transaction, meterStop=9000)

        assert (answer.payload, transaction.energy_wh, transaction.meter_stop_wh) == ({}, 500, 1500)
        assert answer.quarantined[0].reason == "transaction 1 was stopped before, with other figures"
        assert answer.event_types == ["transaction.orphaned"]

    def test_what_was_kept_is_kept_once_however_often_it_comes(self) -> None:
        scene = Scene()
        first, again = (scene.stop(-1, timestamp="2026-03-01T12:00:00Z") for _ in range(2))

        assert first.quarantined[0].id == again.quarantined[0].id
        assert (again.events, len(scene.cp.orphans)) == ([], 1)

    def test_its_answer_waits_for_the_disk_like_the_first_one(self) -> None:
        scene = Scene()
        transaction = scene.started()
        first = scene.stop(transaction)

        assert scene.stop(transaction).changes == first.changes == [transaction]

    def test_without_a_usable_id_it_is_recognised_by_its_content(self) -> None:
        scene = Scene()
        transaction = scene.started()
        scene.stop(-1, idTag="TAG1", meterStop=1500)
        other = scene.started(connectorId=2)

        again = scene.stop(-1, idTag="tag1", meterStop=1500, timestamp=transaction.stop_text)

        assert again.changes == [transaction]
        assert (again.events, other.state) == ([], "active")


class TestEnergy:
    @pytest.mark.parametrize(
        ("what", "readings", "stop", "energy", "suspect"),
        [
            ("no readings", [], 1500, 500, False),
            ("nothing drawn", [], 1000, 0, False),
            ("steady", ["1100", "1400"], 1500, 500, False),
            ("less at the stop than at the start", [], 400, 0, True),
            ("a little less at the stop than at the start", [], 998, 0, False),
            ("reset on the way", ["1400", "1600", "0", "50"], 80, 680, True),
            ("reset at the stop", ["1400", "1600"], 0, 600, True),
            ("misread too high on the way", ["1100", "999999", "1200"], 1500, 500, True),
            ("misread too low on the way", ["1100", "0", "1200"], 1500, 500, True),
            ("less at the stop than the last reading", ["1100", "1400"], 1300, 300, True),
            ("rounded up on the way", ["1240"], 1235, 235, False),
            ("absurd on the way", ["1e300", "1100"], 1500, 500, True),
            ("absurd at the stop", ["1100"], 2**62, 100, True),
            ("unreadable on the way", ["", "NaN", "n/a", "1100"], 1500, 500, False),
        ],
    )
    def test_what_is_billed(self, what: str, readings: list[str], stop: int, energy: int, suspect: bool) -> None:
        scene = Scene()
        transaction = scene.started(meterStart=1000)
        for reading in readings:
            scene.now += HOUR
            scene.meter(reading, transactionId=transaction.id)
        scene.now += HOUR

        scene.stop(transaction, meterStop=stop)

        assert (transaction.energy_wh, transaction.energy_suspect) == (energy, suspect), what
        assert transaction.meter_stop_wh == stop

    def test_absurd_registers_neither_break_nor_overflow(self) -> None:
        scene = Scene()
        transaction = scene.started(meterStart=-(2**63) + 1)

        scene.stop(transaction, meterStop=2**63 - 1)

        assert transaction.energy_suspect
        assert 0 <= transaction.energy_wh < 2**63


class TestAfterwards:
    def test_an_abandoned_transaction_may_still_be_stopped(self) -> None:
        scene = Scene()
        first = scene.started()
        scene.now += HOUR
        scene.start(meterStart=1800)

        answer = scene.stop(first, meterStop=1700)

        assert (first.state, first.energy_wh) == ("stopped", 700)
        assert answer.event("transaction.stopped")["transaction"] == first.id
        assert (first.flags, first.revision) == (["abandoned_for:2"], 2)

    def test_what_the_operator_closed_stays_as_it_was_closed_and_the_stop_is_kept(self) -> None:
        scene = Scene()
        transaction = scene.started()
        transaction.state, transaction.energy_wh, transaction.stop_text = "closed", 123, None
        scene.cp.transactions.update(transaction)

        answer = scene.stop(transaction)

        assert answer.payload == {}
        assert (transaction.state, transaction.energy_wh) == ("closed", 123)
        assert len(answer.quarantined) == 1
        assert "closed" in str(answer.event("transaction.orphaned")["reason"])

    def test_a_tag_may_charge_elsewhere_after_the_stop(self) -> None:
        scene = Scene()
        scene.stop(scene.started())

        assert scene.site.active_transactions_of("TAG1") == 0
