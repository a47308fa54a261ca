"""Stops that come cut off, or are unreadable in parts, and what times they tell."""

import json
from typing import Any

import pytest

from csmsd.ocpp.errors import OcppError
from csmsd.ocpp.timestamps import format_timestamp
from tests.csmsd.profiles.scene import HOUR, SECOND, Scene

STOP: dict[str, Any] = {"meterStop": 1500, "timestamp": "2026-03-01T12:00:00.000Z", "transactionId": 1}


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


@pytest.mark.parametrize(
    ("timestamp", "flags"),
    [
        ("2026-03-01T12:00:00Z", []),
        ("2026-03-01T11:59:30Z", ["stop_time:before_start"]),
        ("2026-03-01T11:00:00Z", ["stop_time:told_2026-03-01T11:00:00.000Z"]),
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
