"""What the daemon knows of a charge point."""

from zoneinfo import ZoneInfo

import pytest

from csmsd.ocpp.leniency import Deviation
from csmsd.profiles.core.charge_points import MAX_DEVIATION_KINDS, ConfigurationKey, DeviationCount
from tests.csmsd.profiles.scene import NOON, SECOND, Scene


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (None, None),
        ("", None),
        ("Nowhere/Atlantis", None),
        ("Europe", None),
        ("../../etc/passwd", None),
        ("\0", None),
        ("x" * 300, None),
    ],
)
def test_the_zone_of_times_that_name_none_is_utc_unless_it_is_known(name: str | None, key: str | None) -> None:
    scene = Scene()
    scene.cp.record.time_zone = name

    zone = scene.cp.zone

    assert (zone.key if isinstance(zone, ZoneInfo) else None) == key
    assert scene.cp.zone is zone


def test_deviations_are_counted_by_place_whatever_the_index() -> None:
    scene = Scene()
    seen = [
        Deviation("meterValue[0].sampledValue[3].value", "number_instead_of_text", "TypeConstraintViolation"),
        Deviation("meterValue[1].sampledValue[0].value", "number_instead_of_text", "TypeConstraintViolation"),
        Deviation("meterValue[1].timestamp", "too_long", "PropertyConstraintViolation"),
    ]

    scene.cp.count_deviations("MeterValues", seen, NOON)
    scene.cp.count_deviations("MeterValues", seen[:1], NOON + 1)

    assert {(count.field, count.kind): (count.count, count.last_at) for count in scene.cp.deviations.values()} == {
        ("meterValue.sampledValue.value", "number_instead_of_text"): (3, NOON + 1),
        ("meterValue.timestamp", "too_long"): (1, NOON),
    }


def test_kinds_of_deviations_are_bounded() -> None:
    scene = Scene()
    for number in range(MAX_DEVIATION_KINDS + 50):
        scene.cp.count_deviations("X", [Deviation(f"field{number}", "unknown_field", "FormationViolation")], NOON)

    assert len(scene.cp.deviations) == MAX_DEVIATION_KINDS


def test_housekeeping_writes_what_moved_once() -> None:
    scene = Scene()
    assert scene.cp.housekeeping() == []

    scene.cp.count_deviations("X", [Deviation("a", "null", "TypeConstraintViolation")], NOON)

    record, count = scene.cp.housekeeping()
    assert record is scene.cp.record
    assert isinstance(count, DeviationCount)
    assert scene.cp.housekeeping() == []


def test_configuration_is_looked_up_in_any_case() -> None:
    scene = Scene()
    scene.confirmed(
        "GetConfiguration", {}, {"configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}]}
    )

    assert scene.cp.configured("heartbeatinterval") == "300"
    assert scene.cp.configured("Other") is None


@pytest.mark.parametrize(
    ("value", "number", "words"),
    [
        (None, None, None),
        ("", None, None),
        ("30", 30, {"30"}),
        (" 30 ", 30, {"30"}),
        ("-1", -1, {"-1"}),
        ("0", 0, {"0"}),
        ("many", None, {"many"}),
        ("FTP, HTTP,,ftp ", None, {"ftp", "http"}),
        (" , ", None, None),
    ],
)
def test_configuration_keys_as_numbers_and_lists(value: str | None, number: int | None, words: set[str] | None) -> None:
    scene = Scene()
    key = ConfigurationKey(charge_point="CP1", name="Some", value=value, readonly=False, reported_at=NOON)
    scene.cp.configuration["some"] = key
    assert scene.cp.configured_number("SOME") == number
    assert scene.cp.configured_words("SOME") == words
    assert (scene.cp.configured_number("Other"), scene.cp.configured_words("Other")) == (None, None)


def test_what_was_read_of_a_transaction_is_not_shown_for_the_next_one() -> None:
    scene = Scene()
    scene.started()
    scene.now += SECOND
    scene.meter({"value": "230", "measurand": "Voltage"})
    scene.now += SECOND
    scene.started(meterStart=2000)
    scene.meter("2000")
    assert "Voltage" not in scene.cp.samples_on(1)
