"""FIELD-NOTES "Fields": read leniently, count every deviation, never lose a start, a stop or a boot for one."""

import pytest

from csmsd.ocpp.errors import OcppError
from tests.csmsd.profiles.scene import NOON, Scene

BOOT = {"chargePointVendor": "ACME", "chargePointModel": "One"}


@pytest.mark.parametrize(
    ("action", "payload", "deviation"),
    [
        ("BootNotification", {**BOOT, "chargePointModel": "M" * 34}, ("chargePointModel", "too_long")),
        ("BootNotification", {**BOOT, "chargeBoxSerialNumber": "S" * 26}, ("chargeBoxSerialNumber", "too_long")),
        ("BootNotification", {**BOOT, "firmwareVersion": 2}, ("firmwareVersion", "number_instead_of_text")),
        ("Authorize", {"idTag": "T" * 22}, ("idTag", "too_long")),
        ("Authorize", {"idTag": 12345678}, ("idTag", "number_instead_of_text")),
        ("Authorize", {"idtag": "TAG1"}, ("idTag", "name_in_another_case")),
        ("Heartbeat", {"status": "ok"}, ("status", "unknown_field")),
        ("StatusNotification", {"connectorId": "1", "errorCode": "NoError", "status": "Available"},
         ("connectorId", "not_an_integer")),
        ("StatusNotification", {"connectorId": 1, "errorCode": "noerror", "status": "Available"},
         ("errorCode", "value_in_another_case")),
        ("StatusNotification", {"connectorId": 1, "errorCode": "Vendor", "status": "Available"},
         ("errorCode", "unknown_value")),
        ("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available", "info": None},
         ("info", "null")),
        ("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": "now"},
         ("timestamp", "unreadable")),
    ],
)  # fmt: skip
def test_a_deviation_is_tolerated_and_counted_and_refused_by_a_strict_charge_point(
    action: str, payload: dict[str, object], deviation: tuple[str, str]
) -> None:
    scene = Scene()

    answer = scene.send(action, payload)

    assert answer.deviations == [deviation]
    scene.cp.record.strict = True
    if deviation[1] != "unreadable":  # which the specification leaves to the Central System
        with pytest.raises(OcppError, match=deviation[0]):
            scene.send(action, payload)


@pytest.mark.parametrize("id_tag", ["TAG1", "tag1", "Tag1", " TAG1", "TAG1  "])
def test_an_id_tag_in_another_case_or_with_blanks_around_it_is_the_same(id_tag: str) -> None:
    scene = Scene()
    assert scene.send("Authorize", {"idTag": id_tag}).payload["idTagInfo"]["status"] == "Accepted"
    transaction = scene.started(idTag=id_tag)

    scene.stop(-1, idTag="tAG1")

    assert transaction.state == "stopped"


@pytest.mark.parametrize("id_tag", ["T" * 21, "T" * 22, "TAG\x00", "\x1b[2J", "T AG1", "💥"])
def test_a_stop_is_confirmed_whatever_its_id_tag(id_tag: str) -> None:
    scene = Scene()
    transaction = scene.started()

    assert scene.stop(transaction, idTag=id_tag).payload == {"idTagInfo": {"status": "Invalid"}}
    assert transaction.state == "stopped"


def test_an_empty_id_tag_is_none() -> None:
    scene = Scene()
    transaction = scene.started()

    assert scene.stop(transaction, idTag="").payload == {}
    assert transaction.state == "stopped"


@pytest.mark.parametrize(
    ("sample", "wh"),
    [
        ({"value": 1.5, "unit": "kWh"}, 1500),
        ({"value": "1.5", "unit": "kWh"}, 1500),
        ({"value": 1500}, 1500),
        ({"value": "1500", "unit": "wh"}, 1500),
        ({"value": "1500", "measurand": "energy.active.import.register"}, 1500),
        ({"value": "1500", "measurand": None, "unit": None, "phase": None}, 1500),
        (
            {"value": "1500", "measurand": "", "unit": "", "phase": "", "location": "", "context": "", "format": ""},
            1500,
        ),
        ({"value": "1,5", "unit": "kWh"}, 1500),
        ({"value": "1500,6"}, 1501),
        ({"value": "1,500.6"}, 1501),
        ({"value": "1500", "phase": "L1"}, None),
        ({"value": "1500", "format": "SignedData"}, None),
        ({"value": "1500", "unit": "Hertz"}, None),
        ({"value": "", "unit": "Wh"}, None),
        ({"value": "NaN"}, None),
    ],
)
def test_samples_as_they_come(sample: dict[str, object], wh: int | None) -> None:
    scene = Scene()
    transaction = scene.started(meterStart=1000)

    answer = scene.meter(sample)

    assert answer.payload == {}
    assert scene.cp.energy_wh(transaction) == (round(wh - 1000) if wh is not None else 0)


def test_signed_data_is_kept_as_it_is() -> None:
    signed = "OCMF|{" + "x" * 5000
    (reading,) = Scene().meter({"value": signed, "format": "SignedData"}).readings

    assert signed in reading.samples


def test_readings_of_the_neutral_never_overwrite_the_others() -> None:
    scene = Scene()
    current = {"measurand": "Current.Import", "unit": "A"}
    scene.meter({"value": "16", **current}, {"value": "16", "phase": "L1", **current})

    scene.meter({"value": "0.1", "phase": "N", **current})

    assert {name: sample.value for name, sample in scene.cp.samples[1].items()} == {
        "Current.Import": 16, "Current.Import.L1": 16
    }  # fmt: skip


@pytest.mark.parametrize(
    ("timestamp", "zone", "time"),
    [
        ("2026-03-01T11:59:00", None, NOON - 60_000),
        ("2026-03-01T12:59:00", "Europe/Berlin", NOON - 60_000),
        ("2026-03-01T13:59:00+02", None, NOON - 60_000),
        ("2026-03-01 11:59:00.1234567 UTC", "Europe/Berlin", NOON - 60_000 + 123),
        (
            "2026-03-01T13:00:00Z",
            None,
            NOON + 3_600_000,
        ),  # local time that calls itself UTC: within a day it is believed
        ("0001-01-01T00:00:00Z", None, NOON),
        ("1970-01-01T00:00:12Z", None, NOON),
        ("2106-02-07T06:28:15Z", None, NOON),
        ("", None, NOON),
        ("garbage", None, NOON),
    ],
)
def test_a_start_at_any_time_is_taken_and_its_text_kept(timestamp: str, zone: str | None, time: int) -> None:
    scene = Scene()
    scene.cp.record.time_zone = zone

    transaction = scene.started(timestamp=timestamp)

    assert (transaction.start_time, transaction.start_text, transaction.start_received_at) == (time, timestamp, NOON)


@pytest.mark.parametrize("missing", ["connectorId", "meterValue"])
def test_required_fields_of_meter_values_may_be_missing_or_null(missing: str) -> None:
    payload = {
        "connectorId": 1,
        "meterValue": [{"timestamp": "2026-03-01T12:00:00Z", "sampledValue": [{"value": "1"}]}],
    }
    for broken in ({name: value for name, value in payload.items() if name != missing}, {**payload, missing: None}):
        answer = Scene().send("MeterValues", broken)
        assert (answer.payload, len(answer.quarantined)) == ({}, 1)


@pytest.mark.parametrize("missing", ["transactionId", "meterStop", "timestamp"])
def test_required_fields_of_a_stop_may_be_missing_or_null(missing: str) -> None:
    payload = {"transactionId": 1, "meterStop": 1500, "timestamp": "2026-03-01T12:00:00Z"}
    for broken in ({name: value for name, value in payload.items() if name != missing}, {**payload, missing: None}):
        scene = Scene()
        transaction = scene.started()
        answer = scene.send("StopTransaction", broken)
        assert (answer.payload, len(answer.quarantined)) == ({}, 1)
        assert (transaction.state, transaction.guessed) == ("stopped", missing == "transactionId")


@pytest.mark.parametrize("action", ["Authorize", "StartTransaction", "StatusNotification"])
def test_required_fields_of_other_requests_may_not(action: str) -> None:
    with pytest.raises(OcppError, match="OccurenceConstraintViolation"):
        Scene().send(action, {})
