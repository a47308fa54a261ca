"""FIELD-NOTES "Transactions", as the stories that they come from."""

from tests.csmsd.profiles.scene import HOUR, SECOND, Scene, clock


def test_an_offline_transaction_arrives_in_one_go() -> None:
    """TC_039: start, readings and stop were queued for hours; the id is not known until the start is answered."""
    scene = Scene()
    scene.now += 5 * HOUR

    transaction = scene.started(meterStart=1000, timestamp="2026-03-01T12:00:00Z")
    for minute in (15, 30, 45):
        scene.send(
            "MeterValues",
            {
                "connectorId": 1,
                "transactionId": transaction.id,
                "meterValue": [
                    {"timestamp": f"2026-03-01T12:{minute}:00Z", "sampledValue": [{"value": str(1000 + 10 * minute)}]}
                ],
            },
        )
    scene.stop(transaction, meterStop=1600, timestamp="2026-03-01T13:00:00Z", reason="EVDisconnected")

    assert (transaction.start_time, transaction.stop_time) == (clock("12:00"), clock("13:00"))
    assert (transaction.energy_wh, transaction.flags) == (600, [])


def test_an_offline_start_with_an_unknown_tag() -> None:
    """TC_037_3: the answer is Invalid, the charge point stops with DeAuthorized, and the energy is on record."""
    scene = Scene()

    answer = scene.start(idTag="STRANGER", timestamp="2026-03-01T11:00:00Z")
    transaction = scene.transaction(answer.payload["transactionId"])
    scene.stop(transaction, idTag="STRANGER", reason="DeAuthorized", meterStop=1100)

    assert answer.payload["idTagInfo"] == {"status": "Invalid"}
    assert (transaction.state, transaction.energy_wh, transaction.flags) == ("stopped", 100, ["id_tag:Invalid"])


def test_the_answer_to_a_start_is_lost_and_the_charge_point_goes_on_with_minus_one() -> None:
    """CE 3.18: no transactionId ever arrived; readings and the stop carry -1."""
    scene = Scene()
    transaction = scene.started(meterStart=1000)
    for register in ("1200", "1400"):
        assert scene.meter(register, transactionId=-1).readings[0].transaction_id == transaction.id

    scene.stop(-1, idTag="TAG1", meterStop=1500)

    assert (transaction.state, transaction.energy_wh) == ("stopped", 500)
    assert transaction.flags == ["stop:matched_-1"]


def test_a_start_that_never_arrived_and_its_stop_with_minus_one() -> None:
    """CE 3.18: the stop is answered as if it were valid; nothing of it is lost."""
    scene = Scene()

    answer = scene.stop(-1, idTag="TAG1", meterStop=1500)

    assert answer.payload == {"idTagInfo": {"status": "Accepted"}}
    assert '"meterStop":1500' in answer.quarantined[0].payload


def test_a_start_is_retried_with_a_new_message_id_after_the_transaction_has_ended() -> None:
    scene = Scene()
    transaction = scene.started()
    scene.stop(transaction)
    scene.now += HOUR

    assert scene.started(timestamp=transaction.start_text) is transaction
    assert transaction.state == "stopped"


def test_power_fails_in_a_transaction_and_the_stop_comes_after_the_boot() -> None:
    """TC_032_1"""
    scene = Scene()
    transaction = scene.started()
    scene.now += HOUR
    scene.send("BootNotification", {"chargePointVendor": "ACME", "chargePointModel": "One"})
    assert transaction.state == "active"

    scene.stop(transaction, reason="PowerLoss", timestamp="2026-03-01T12:30:00Z")

    assert (transaction.state, transaction.stop_reason) == ("stopped", "PowerLoss")
    assert transaction.stop_time == clock("12:30")


def test_a_transaction_that_is_never_stopped_and_the_next_car() -> None:
    scene = Scene()
    scene.tag("TAG2")
    first = scene.started()
    scene.meter("1800", transactionId=first.id)
    scene.now += HOUR

    second = scene.started(idTag="TAG2", meterStart=1900)
    scene.meter("2500", transactionId=second.id)
    scene.stop(second, meterStop=2900)

    assert (first.state, first.energy_wh) == ("abandoned", 800)
    assert (second.state, second.energy_wh) == ("stopped", 1000)
    assert scene.site.active_transactions_of("TAG1") == 0


def test_readings_that_come_after_the_stop_go_to_the_transaction_and_leave_the_bill() -> None:
    scene = Scene()
    transaction = scene.started()
    scene.stop(transaction, meterStop=1500)

    answer = scene.meter("1500", transactionId=transaction.id)

    assert answer.readings[0].transaction_id == transaction.id
    assert transaction.energy_wh == 500


def test_the_register_is_reset_in_the_middle() -> None:
    scene = Scene()
    transaction = scene.started(meterStart=50_000)
    for register in ("52000", "55000", "0", "1000"):
        scene.now += 1800 * SECOND
        scene.meter(register, transactionId=transaction.id)

    answer = scene.stop(transaction, meterStop=2500)

    assert answer.payload == {}
    assert (transaction.energy_wh, transaction.energy_suspect) == (7500, True)


def test_ids_that_another_charge_point_uses() -> None:
    """Every look-up is by charge point and id: a stop never ends somebody else's transaction."""
    scene = Scene()
    scene.register("CP2")
    theirs = scene.started()
    ours = scene.started(by="CP2")

    scene.meter("99999", by="CP2", transactionId=theirs.id)
    scene.stop(theirs.id, by="CP2", idTag="TAG1", meterStop=1100)

    assert theirs.state == "active"
    assert scene.cp.energy_wh(theirs) == 0
    assert (ours.state, ours.flags) == ("stopped", ["stop:matched_1"])


def test_two_connectors_two_cars_one_tag_and_a_backlog_in_disorder() -> None:
    scene = Scene()
    left = scene.started(connectorId=1, timestamp="2026-03-01T10:00:00Z", meterStart=100)
    right = scene.started(connectorId=2, timestamp="2026-03-01T10:05:00Z", meterStart=9000)
    scene.now += 60 * SECOND

    scene.stop(right, meterStop=9500, timestamp="2026-03-01T11:00:00Z")
    scene.stop(left, meterStop=400, timestamp="2026-03-01T10:30:00Z")

    assert [(t.state, t.energy_wh, t.energy_suspect) for t in (left, right)] == [
        ("stopped", 300, False), ("stopped", 500, False)
    ]  # fmt: skip
