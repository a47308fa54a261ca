"""StopTransaction (C 4.10): always confirmed, booked where it belongs, kept where it fits nowhere."""

import json
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles.core.stop_transaction import StopTransactionConf, StopTransactionReq
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import HOUR, NOON, SECOND, Scene, clock

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


class TestWithoutUsableId:
    @pytest.mark.parametrize("claimed", [-1, 0, 4711, 2**62])
    def test_it_is_matched_by_tag_time_and_register(self, claimed: int) -> None:
        scene = Scene()
        scene.tag("TAG2")
        meant, other = scene.started(), scene.started(connectorId=2, idTag="TAG2")

        answer = scene.stop(claimed, idTag="tag1")

        assert answer.payload == {"idTagInfo": {"status": "Accepted"}}
        assert (meant.state, other.state, meant.energy_wh) == ("stopped", "active", 500)
        assert meant.flags == [f"stop:matched_{claimed}"]
        assert ("transactionId", "unknown") in answer.deviations

    @pytest.mark.parametrize(
        ("fields", "why"),
        [
            ({"idTag": "TAG1"}, "two candidates"),
            ({}, "two candidates"),
            ({"idTag": "NOBODY"}, "no such tag charges"),
            ({"idTag": "TAG1", "meterStop": 900}, "the register was higher already"),
            ({"idTag": "TAG1", "timestamp": "2026-03-01T11:00:00Z"}, "before they began"),
        ],
    )
    def test_what_fits_no_transaction_or_two_is_kept_as_an_orphan(self, fields: dict[str, Any], why: str) -> None:
        scene = Scene()
        first, second = scene.started(), scene.started(connectorId=2)

        answer = scene.stop(-1, **fields)

        assert "idTagInfo" in answer.payload or "idTag" not in fields, why
        assert (first.state, second.state) == ("active", "active")
        (orphan,) = answer.quarantined
        assert (orphan.charge_point, orphan.action, orphan.received_at) == ("CP1", "StopTransaction", NOON)
        assert json.loads(orphan.payload)["transactionId"] == -1
        assert answer.event("transaction.orphaned")["claimed_transaction"] == -1

    def test_the_id_of_another_charge_points_transaction_is_no_usable_id(self) -> None:
        scene = Scene()
        scene.register("CP2")
        theirs = scene.started()

        answer = scene.stop(theirs.id, by="CP2", idTag="TAG1")

        assert theirs.state == "active"
        assert len(answer.quarantined) == 1
        assert answer.quarantined[0].charge_point == "CP2"


class TestCutOff:
    """A stop of which a part was kept comes again whole."""

    def kept(self, scene: Scene, transaction: int) -> int:
        at = format_timestamp(scene.now)
        text = f'[2,"c","StopTransaction",{{"transactionId":{transaction},"timestamp":"{at}","meterStop":40'
        return scene.site.quarantine(scene.cp, scene.now, "StopTransaction", "refused: X", json.dumps(text)).id

    @pytest.mark.parametrize("before", ["runs", "was guessed", "was stopped by it"])
    def test_the_part_is_settled(self, before: str) -> None:
        scene = Scene()
        transaction = scene.started()
        other, part = self.kept(scene, 4711), self.kept(scene, transaction.id)
        if before == "was guessed":
            scene.stop(8731, meterStop=3000)
        elif before == "was stopped by it":
            scene.stop(transaction, meterStop=4000)
            part = self.kept(scene, transaction.id)

        answer = scene.stop(transaction, meterStop=4000)

        assert transaction.energy_wh == 3000
        assert [(kept.id, kept.settlement) for kept in answer.quarantined if kept.settled_at is not None] == [
            (part, "came whole, and is booked on transaction 1")
        ]
        assert other in [orphan.number for orphan in scene.cp.orphans]
        assert part not in [orphan.number for orphan in scene.cp.orphans]

    def test_one_with_another_register_stays(self) -> None:
        scene = Scene()
        transaction = scene.started()
        part = self.kept(scene, transaction.id)
        assert scene.stop(transaction, meterStop=5000).quarantined == []
        assert [orphan.number for orphan in scene.cp.orphans] == [part]


class TestGuessed:
    """Its own stop comes after one that was taken for it, or the charge point goes on with the transaction."""

    def test_its_own_stop_replaces_the_guess_which_is_kept(self) -> None:
        scene = Scene()
        transaction = scene.started()
        scene.stop(8731, meterStop=4000, timestamp="2026-03-01T12:00:00Z", reason="EVDisconnected")
        assert (transaction.state, transaction.energy_wh, transaction.booking) == ("stopped", 3000, 1)
        scene.now += HOUR

        answer = scene.stop(transaction, meterStop=11000)

        assert (transaction.energy_wh, transaction.meter_stop_wh, transaction.stop_reason) == (10000, 11000, "Local")
        assert (transaction.flags, transaction.booking, transaction.revision) == ([], 2, 2)
        (orphan,) = answer.quarantined
        assert orphan.reason == "taken for the end of transaction 1, whose own came later"
        assert json.loads(orphan.payload) == {
            "idTag": None, "meterStop": 4000, "timestamp": "2026-03-01T12:00:00Z", "transactionId": 8731,
            "reason": "EVDisconnected",
        }  # fmt: skip
        assert answer.event_types == ["transaction.stopped"]

    def test_its_own_stop_with_the_same_figures_was_that_stop(self) -> None:
        scene = Scene()
        transaction = scene.started()
        scene.stop(-1)

        answer = scene.stop(transaction)

        assert (transaction.energy_wh, transaction.flags, answer.quarantined) == (500, [], [])

    def test_its_own_stop_with_a_register_that_could_not_be_read_was_that_stop(self) -> None:
        scene = Scene()
        transaction = scene.started()
        at = format_timestamp(scene.now)
        scene.send("StopTransaction", {"idTag": "TAG1", "timestamp": at, "meterStop": "?", "transactionId": None})
        assert transaction.guessed

        answer = scene.stop(transaction, timestamp=at, meterStop=4000)

        assert (transaction.energy_wh, answer.quarantined) == (3000, [])

    def test_a_foreign_stop_ends_none_that_its_charge_point_names_by_its_id(self) -> None:
        scene = Scene()
        transaction = scene.started()
        scene.meter("3000", transactionId=transaction.id)

        answer = scene.stop(8731, meterStop=4000)

        assert (transaction.state, answer.event_types) == ("active", ["transaction.orphaned"])

    @pytest.mark.parametrize("named", [True, False])
    def test_one_that_goes_on_runs_again(self, named: bool) -> None:
        scene = Scene()
        transaction = scene.started()
        scene.status(1, "Charging")
        scene.now += HOUR
        scene.stop(8731, meterStop=4000)
        scene.now += HOUR

        fields: dict[str, Any] = {"transactionId": transaction.id} if named else {}
        answer = scene.meter("9000", **fields)

        assert (transaction.state, transaction.booking, transaction.stop_time) == ("active", 1, None)
        assert (transaction.flags, scene.cp.energy_wh(transaction)) == (["resumed"], 8000)
        assert answer.event_types == ["transaction.resumed", "meter_values"]
        assert answer.quarantined[0].reason == "taken for the end of transaction 1, which went on"
        assert scene.site.active_transactions_of("TAG1") == 1
        scene.stop(transaction, meterStop=11000)
        assert (transaction.energy_wh, transaction.revision) == (10000, 2)

    @pytest.mark.parametrize("reading", ["4000", "4009"])
    def test_a_reading_that_is_no_higher_does_not_say_that_it_goes_on(self, reading: str) -> None:
        scene = Scene()
        transaction = scene.started()
        scene.status(1, "Charging")
        scene.stop(-1, meterStop=4000)
        scene.now += SECOND

        scene.meter(reading)

        assert transaction.state == "stopped"

    def test_nor_does_one_of_a_connector_that_does_not_charge_or_of_before_the_stop(self) -> None:
        scene = Scene()
        transaction = scene.started()
        scene.stop(-1, meterStop=4000)
        backlog = {"timestamp": "2026-03-01T11:59:00Z", "sampledValue": [{"value": "3900"}]}
        scene.meter(transactionId=transaction.id, meterValue=[backlog])
        scene.status(1, "Finishing")
        scene.now += SECOND
        scene.meter("9000")

        assert transaction.state == "stopped"

    def test_nor_does_a_register_that_was_read_before_the_stop(self) -> None:
        """Its clock, or the order in which it sends, is not to be trusted then."""
        scene = Scene()
        transaction = scene.started()
        scene.status(1, "Charging")
        scene.now += HOUR
        scene.stop(-1, meterStop=4000)
        early = {"timestamp": "2026-03-01T12:59:59Z", "sampledValue": [{"value": "9000"}]}

        answer = scene.meter(meterValue=[early])

        assert (transaction.state, transaction.energy_wh) == ("stopped", 3000)
        assert answer.event_types == ["meter_values"]

    def test_one_that_comes_again_and_names_no_tag_was_booked_already(self) -> None:
        scene = Scene()
        transaction = scene.started()
        scene.stop(-1)

        answer = scene.stop(-1)

        assert (transaction.booking, transaction.revision, len(scene.cp.orphans)) == (1, 1, 0)
        assert answer.payload == {}


class TestBeforeItsStart:
    EARLY: ClassVar[dict[str, Any]] = {"meterStop": 1900, "timestamp": "2026-03-01T11:55:00Z", "idTag": "TAG1"}

    def test_it_waits_for_it(self) -> None:
        scene = Scene()
        scene.stop(-1, **self.EARLY)

        answer = scene.start(timestamp="2026-03-01T11:00:00Z", meterStart=1000)

        transaction = scene.transaction(1)
        assert (transaction.state, transaction.energy_wh, transaction.flags) == ("stopped", 900, ["stop:matched_-1"])
        assert (transaction.stop_time, transaction.stop_reason) == (clock("11:55"), "Local")
        assert answer.event_types == ["transaction.started", "transaction.stopped"]
        assert answer.quarantined[0].settlement == "booked on transaction 1, whose start came later"
        assert (len(scene.cp.orphans), answer.payload["transactionId"]) == (0, 1)

    @pytest.mark.parametrize(
        ("stop", "start"),
        [
            ({}, {"timestamp": "2026-03-01T11:56:00Z"}),  # begun later
            ({}, {"meterStart": 2000}),
            ({}, {"idTag": "TAG2"}),
            ({"timestamp": "then"}, {}),
        ],
    )
    def test_one_that_does_not_fit_waits_on(self, stop: dict[str, Any], start: dict[str, Any]) -> None:
        scene = Scene()
        scene.stop(-1, **{**self.EARLY, **stop})

        started = scene.started(**{"timestamp": "2026-03-01T11:00:00Z", **start})

        assert (started.state, len(scene.cp.orphans)) == ("active", 1)

    def test_one_that_names_its_number_is_its_own_whoever_stopped_it(self) -> None:
        scene = Scene()
        scene.stop(1, **self.EARLY | {"idTag": "TAG2"})

        started = scene.started(timestamp="2026-03-01T11:00:00Z")

        assert (started.id, started.state, started.energy_wh) == (1, "stopped", 900)
        assert (started.stop_id_tag, len(scene.cp.orphans)) == ("TAG2", 0)

    def test_of_two_that_fit_neither_is_taken(self) -> None:
        scene = Scene()
        scene.stop(-1, **self.EARLY)
        scene.stop(-1, **{**self.EARLY, "meterStop": 1901})

        assert scene.started(timestamp="2026-03-01T11:00:00Z").state == "active"

    def test_one_that_contradicted_another_transaction_is_for_no_later_one(self) -> None:
        scene = Scene()
        before = scene.started(timestamp="2026-03-01T10:00:00Z")
        scene.stop(before, timestamp="2026-03-01T10:30:00Z")
        scene.stop(before, **self.EARLY)

        assert scene.started(timestamp="2026-03-01T11:00:00Z").state == "active"


def test_the_id_of_the_transaction_before_ends_the_one_that_runs_now() -> None:
    scene = Scene()
    before = scene.started(timestamp="2026-03-01T10:00:00Z", meterStart=1000)
    scene.stop(before, meterStop=2000, timestamp="2026-03-01T10:30:00Z")
    running = scene.started(timestamp="2026-03-01T11:00:00Z", meterStart=2000)
    scene.meter("3500", transactionId=before.id)
    assert scene.cp.energy_wh(running) == 1500

    scene.stop(before, meterStop=6000, idTag="TAG1")

    assert (before.energy_wh, running.state, running.energy_wh) == (1000, "stopped", 4000)
    assert running.flags == [f"stop:matched_{before.id}"]


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


@pytest.mark.parametrize(
    ("timestamp", "flags"),
    [
        ("2026-03-01T12:00:00Z", []),
        ("2026-03-01T11:00:00Z", ["stop_time:before_start"]),
        ("1970-01-01T00:00:00Z", ["stop_time:before_2010"]),
        ("2036-01-01T00:00:00Z", ["stop_time:in_the_future"]),
        ("then", ["stop_time:unreadable"]),
        ("", ["stop_time:missing"]),
    ],
)
def test_no_time_is_worth_a_refusal(timestamp: str, flags: list[str]) -> None:
    scene = Scene()
    transaction = scene.started()

    scene.stop(transaction, timestamp=timestamp)

    assert (transaction.state, transaction.flags, transaction.stop_text) == ("stopped", flags, timestamp)


class TestUnreadable:
    @pytest.mark.parametrize(
        ("spoilt", "energy", "flags"),
        [
            ({"meterStop": None}, 200, ["meter_stop:estimated"]),
            ({"meterStop": "many"}, 200, ["meter_stop:estimated"]),
            ({"meterStop": 10**30}, 200, ["meter_stop:estimated"]),
            ({"timestamp": None}, 500, ["stop_time:missing"]),
            ({"timestamp": None, "meterStop": "1500"}, 500, ["stop_time:missing"]),
            ({"timestamp": None, "transactionId": "1"}, 500, ["stop_time:missing"]),
            ({"timestamp": {}, "reason": 7, "idTag": []}, 500, ["stop_time:missing"]),
            ({"transactionData": "none"}, 500, []),
            ({"transactionData": [{"timestamp": None, "sampledValue": "none"}]}, 500, []),
        ],
    )
    def test_with_a_known_id_it_is_booked_with_what_can_be_read_and_kept(
        self, spoilt: dict[str, object], energy: int, flags: list[str]
    ) -> None:
        scene = Scene()
        transaction = scene.started()
        scene.meter("1200", transactionId=transaction.id)
        sent = {**STOP, "reason": "Remote", **spoilt}

        answer = scene.send("StopTransaction", sent)

        assert answer.payload == {}
        assert (transaction.state, transaction.energy_wh, transaction.flags) == ("stopped", energy, flags)
        assert transaction.stop_reason == ("Local" if "reason" in spoilt else "Remote")
        assert [json.loads(kept.payload) for kept in answer.quarantined] == [sent]
        assert answer.quarantined[0].settlement == "booked as far as it could be read"
        assert (answer.event_types, len(scene.cp.orphans)) == (["transaction.stopped"], 0)

    def test_an_estimated_register_is_the_last_reading_even_after_a_reset(self) -> None:
        scene = Scene()
        transaction = scene.started()
        for reading in ("1200", "1400", "0", "70"):
            scene.now += HOUR
            scene.meter(reading, transactionId=transaction.id)

        scene.send("StopTransaction", {**STOP, "meterStop": None, "timestamp": format_timestamp(scene.now)})

        assert (transaction.meter_stop_wh, transaction.energy_wh) == (70, 470)

    @pytest.mark.parametrize("reading", ["12345678901234567890", "-1e300", "1e308"])
    @pytest.mark.parametrize("minutes", [1, -1])
    def test_an_estimated_register_is_no_reading_that_cannot_be_one(self, reading: str, minutes: int) -> None:
        """No database holds such a number: the stop could never be stored."""
        scene = Scene()
        transaction = scene.started()
        scene.meter("1200", transactionId=transaction.id)
        told = {"timestamp": format_timestamp(scene.now + minutes * 60_000), "sampledValue": [{"value": reading}]}
        scene.send("MeterValues", {"connectorId": 1, "transactionId": transaction.id, "meterValue": [told]})

        scene.send("StopTransaction", {**STOP, "meterStop": None})

        assert (transaction.state, transaction.meter_stop_wh) == ("stopped", 1200)

    @pytest.mark.parametrize(
        "payload",
        [
            {},
            {"transactionId": True},  # which Python takes for 1
            {"timestamp": "2026-03-01T12:00:00Z"},
            [],
            None,
            "stop",
        ],
    )
    def test_what_says_nothing_is_kept(self, payload: object) -> None:
        scene = Scene()
        transaction = scene.started()

        answer = scene.send("StopTransaction", payload)

        assert answer.payload == {}
        assert transaction.state == "active"
        assert [json.loads(kept.payload) for kept in answer.quarantined] == [payload]
        assert [kept.reason for kept in answer.quarantined] == ["unreadable"]
        assert answer.event_types == ["message.quarantined"]

    @pytest.mark.parametrize(
        "spoilt", [{"transactionId": None}, {"transactionId": ""}, {"transactionId": 2**70}, {"transactionId": []}, {}]
    )
    @pytest.mark.parametrize("tag", [{}, {"idTag": ""}, {"idTag": None}, {"idTag": "tag1"}])
    def test_without_an_id_it_is_booked_where_it_can_mean_one_transaction(
        self, spoilt: dict[str, object], tag: dict[str, object]
    ) -> None:
        scene = Scene()
        transaction = scene.started()
        sent = {"meterStop": 1500, "timestamp": "2026-03-01T12:00:00.000Z", **spoilt, **tag}

        answer = scene.send("StopTransaction", sent)

        assert (transaction.state, transaction.energy_wh, transaction.flags) == ("stopped", 500, ["stop:matched_no_id"])
        assert answer.event_types == ["transaction.stopped"]

    def test_without_an_id_it_is_kept_where_it_can_mean_two(self) -> None:
        scene = Scene()
        scene.start()
        scene.start(connectorId=2)

        answer = scene.send("StopTransaction", {"meterStop": 1500, "timestamp": "2026-03-01T12:00:00.000Z"})

        assert (answer.event_types, answer.quarantined[0].reason) == (
            ["transaction.orphaned"],
            "no running transaction fits it",
        )

    def test_what_was_stopped_already_stays_as_it_was(self) -> None:
        scene = Scene()
        transaction = scene.started()
        scene.stop(transaction)
        scene.now += SECOND

        answer = scene.send("StopTransaction", {"transactionId": 1, "meterStop": 9999})

        assert transaction.energy_wh == 500
        assert len(answer.quarantined) == 1

    def test_a_strict_charge_point_is_told(self) -> None:
        scene = Scene()
        scene.cp.record.strict = True

        with pytest.raises(OcppError, match="TypeConstraintViolation: meterStop"):
            scene.send("StopTransaction", {**STOP, "meterStop": "1500"})


def test_a_stop_in_the_moment_of_the_start_and_at_its_register_can_mean_it() -> None:
    scene = Scene()
    transaction = scene.started()
    scene.stop(-1, idTag="TAG1", meterStop=1000)
    assert (transaction.state, transaction.energy_wh, transaction.flags) == ("stopped", 0, ["stop:matched_-1"])


class TestOfLostBooks:
    """After a backup was put back: ids that only the books in whose place it stands can have given."""

    LATE: ClassVar[dict[str, Any]] = {"meterStop": 1900, "timestamp": "2026-03-01T11:55:00Z", "idTag": "TAG1"}

    @pytest.mark.parametrize(
        ("claimed", "state"), [(500, "active"), (501, "stopped"), (99, "stopped"), (-1, "stopped")]
    )
    def test_it_is_nobody_elses_however_well_it_would_fit(self, claimed: int, state: str) -> None:
        scene = Scene()
        scene.site.lost_transaction_ids = [range(100, 501)]
        transaction = scene.started(timestamp="2026-03-01T11:00:00Z", meterStart=1000)

        scene.stop(claimed, **self.LATE)

        assert transaction.state == state
        assert len(scene.cp.orphans) == (state == "active")

    def test_it_does_not_wait_for_a_start(self) -> None:
        scene = Scene()
        scene.site.lost_transaction_ids = [range(100, 501)]
        scene.stop(100, **self.LATE)

        scene.start(timestamp="2026-03-01T11:00:00Z", meterStart=1000)

        assert scene.transaction(1).state == "active"
        assert len(scene.cp.orphans) == 1


# What a charge point may send besides: (what, minute, register, id as an offset from that of the transaction).
NOISE = st.lists(
    st.tuples(
        st.sampled_from(["stop", "meter", "start", "start elsewhere", "boot", "stop with its tag"]),
        st.integers(-60, 60),
        st.integers(0, 20_000),
        st.sampled_from([None, -8, 1, 2, 8731, 0]),
    ),
    max_size=8,
)


@given(NOISE)
def test_its_own_stop_counts_whatever_else_was_sent(noise: list[tuple[str, int, int, int | None]]) -> None:
    scene = Scene()
    transaction = scene.started(timestamp=format_timestamp(NOON - HOUR), meterStart=1000)
    for what, minute, register, other in noise:
        at = format_timestamp(NOON + minute * 60 * SECOND)
        named = {} if other is None else {"transactionId": transaction.id + other if other else transaction.id}
        if what.startswith("stop"):
            tag = {"idTag": "TAG1"} if what == "stop with its tag" else {}
            foreign = named if named.get("transactionId") != transaction.id else {}
            scene.send("StopTransaction", {"meterStop": register, "timestamp": at, **foreign, **tag})
        elif what == "meter":
            value = {"timestamp": at, "sampledValue": [{"value": str(register)}]}
            scene.send("MeterValues", {"connectorId": 1, "meterValue": [value], **named})
        elif what == "boot":
            scene.send("BootNotification", {"chargePointVendor": "A", "chargePointModel": "B"})
        else:
            scene.start(connectorId=1 if what == "start" else 2, timestamp=at, meterStart=register)

    scene.stop(transaction, meterStop=5000, timestamp=format_timestamp(NOON + HOUR), reason="Remote")

    assert (transaction.state, transaction.meter_stop_wh, transaction.stop_reason) == ("stopped", 5000, "Remote")
    assert not transaction.guessed
    assert transaction.energy_wh >= 0
    assert transaction.booking is not None
    running = scene.cp.transactions.active()
    assert transaction not in running
    assert scene.site.active_transactions_of("TAG1") == len(running)
