"""What flags, outcomes and numbers are in words."""

import pytest

from csmsd.control.explanation.in_words import (
    REASONS,
    STATUSES,
    flag_in_words,
    kwh_in_words,
    outcome_in_words,
    span_in_words,
    who_in_words,
)
from csmsd.profiles.task import Task


def task(**fields: object) -> Task:
    return Task(id=1, created_at=0, action="Reset", charge_point="CP1", request="{}", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        ("start_time:missing", "The timestamp of its start was missing; the time of arrival was booked."),
        ("stop_time:in_the_future", "The timestamp of its stop lay in the future; the time of arrival was booked."),
        ("stop_time:before_start", "lies before that of its start"),
        ("id_tag:Blocked", "Its idTag was Blocked when it began, and the charge point was told so."),
        ("stop:matched_4711", "Its stop named transaction 4711, which there is not"),
        ("meter_start:unknown", "told no register"),
        ("stop:contradicted", "csmsctl tx orphans"),
        ("resumed", "went on with it"),
        ("meter_stop:estimated", "is an estimate"),
        ("abandoned_for:8", "transaction 8 began on its connector"),
        ("charge_point_removed", "Its charge point was removed while it ran."),
        ("start_time:strange", "It is flagged start_time:strange."),
        ("something:new", "It is flagged something:new."),
    ],
)
def test_flags(flag: str, says: str) -> None:
    assert says in flag_in_words(flag)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (-5, "0 s"),
        (999, "0 s"),
        (89_999, "89 s"),
        (90_000, "2 min"),
        (3_569_000, "59 min"),
        (3_570_000, "1 h 0 min"),
        (3_600_000, "1 h 0 min"),
        (11_100_000, "3 h 5 min"),
        (360_000_000, "100 h 0 min"),
    ],
)
def test_spans(milliseconds: int, text: str) -> None:
    assert span_in_words(milliseconds) == text


@pytest.mark.parametrize(
    ("wh", "text"), [(0, "0.000 kWh"), (1, "0.001 kWh"), (12_345, "12.345 kWh"), (-50, "-0.050 kWh")]
)
def test_energy(wh: float, text: str) -> None:
    assert kwh_in_words(wh) == text


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"status": "Rejected", "outcome": "rejected"}, "Rejected"),  # its own word
        ({}, "under way"),
        ({"outcome": "timeout"}, "no answer in time"),
        ({"outcome": "unknown"}, "whether it was carried out is not known"),
        ({"outcome": "accepted"}, "accepted"),
    ],
)
def test_outcomes(fields: dict[str, object], text: str) -> None:
    assert outcome_in_words(task(**fields)) == text


@pytest.mark.parametrize(
    ("fields", "text"),
    [({"user": "ada", "uid": 7}, "ada"), ({"uid": 7}, "uid 7"), ({"uid": 0}, "uid 0"), ({}, "csmsd")],
)
def test_who_gave_a_command(fields: dict[str, object], text: str) -> None:
    assert who_in_words(task(**fields)) == text


def test_every_status_and_reason_of_ocpp_has_words() -> None:
    """C 7.7 and C 7.37."""
    assert set(STATUSES) == {
        *("Available", "Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing", "Reserved"),
        *("Unavailable", "Faulted"),
    }
    assert set(REASONS) == {
        *("DeAuthorized", "EmergencyStop", "EVDisconnected", "HardReset", "Local", "Other", "PowerLoss", "Reboot"),
        *("Remote", "SoftReset", "UnlockCommand"),
    }
