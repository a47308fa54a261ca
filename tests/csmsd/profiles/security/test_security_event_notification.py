"""SecurityEventNotification (whitepaper 5.15, A04; TC_077, TC_078)."""

import pytest

from csmsd.ocpp.timestamps import format_timestamp, parse_timestamp
from csmsd.profiles.security.security_event_notification import SecurityEventNotificationReq
from csmsd.profiles.security.security_events import SecurityEvent
from tests.csmsd.profiles.messages import assert_valid
from tests.csmsd.profiles.scene import NOON, SECOND, Scene


def payload(kind: str = "InvalidChargePointCertificate", at: int = NOON, **more: object) -> dict[str, object]:
    return {"type": kind, "timestamp": format_timestamp(at), **more}


def test_it_is_as_specified() -> None:
    assert_valid(SecurityEventNotificationReq, payload(techInfo="no path"))


def test_both_times_are_kept_and_it_is_told() -> None:
    scene = Scene()
    answer = scene.send("SecurityEventNotification", payload(at=NOON - 90 * SECOND, techInfo="no path"))
    (kept,) = answer.changes
    assert isinstance(kept, SecurityEvent)
    assert (answer.payload, answer.deviations) == ({}, [])
    assert (kept.charge_point, kept.source, kept.type) == ("CP1", "charge_point", "InvalidChargePointCertificate")
    assert (kept.tech_info, kept.occurred_at, kept.received_at) == ("no path", NOON - 90 * SECOND, NOON)
    told = answer.event("security.event")
    assert (told["type"], told["occurred_at"], told["count"]) == (
        "InvalidChargePointCertificate",
        "2026-03-01T11:58:30.000Z",
        1,
    )


def test_a_clock_that_is_wrong_is_part_of_the_news() -> None:
    scene = Scene()
    answer = scene.send("SecurityEventNotification", {"type": "SettingSystemTime", "timestamp": "1970-01-01T00:00:07Z"})
    (kept,) = answer.changes
    assert isinstance(kept, SecurityEvent)
    assert (kept.occurred_at, kept.received_at) == (7000, NOON)
    assert answer.deviations == [("timestamp", "before_2010")]


@pytest.mark.parametrize("spoilt", [{}, {"type": 7, "timestamp": "yesterday"}, {"techInfo": "x" * 3000}, [], "text", 5])
def test_whatever_it_says_it_is_confirmed_and_kept(spoilt: object) -> None:
    scene = Scene()
    answer = scene.send("SecurityEventNotification", spoilt)
    (kept,) = answer.changes
    assert isinstance(kept, SecurityEvent)
    assert (answer.payload, kept.occurred_at) == ({}, None)
    assert kept.type in ("Unknown", "7")
    assert len(kept.tech_info or "") <= 255


def test_one_that_is_sent_again_after_a_lost_answer_is_the_same_one() -> None:
    scene = Scene()
    first = scene.send("SecurityEventNotification", payload()).changes
    scene.now += 300 * SECOND
    assert scene.send("SecurityEventNotification", payload()).changes == first
    (kept,) = first
    assert isinstance(kept, SecurityEvent)
    assert (kept.count, kept.last_received_at) == (1, NOON)


def test_without_a_clock_each_of_them_counts() -> None:
    scene = Scene()
    for _ in range(3):
        answer = scene.send(
            "SecurityEventNotification", {"type": "TamperDetectionActivated", "timestamp": "1970-01-01T00:00:00Z"}
        )
    assert answer.event("security.event")["count"] == 3


def test_times_that_cannot_be_written_are_left_out() -> None:
    scene = Scene()
    (kept,) = scene.send("SecurityEventNotification", {"type": "X", "timestamp": "9999-12-31T23:59:59-10:00"}).changes
    assert isinstance(kept, SecurityEvent)
    assert kept.occurred_at is None
    assert parse_timestamp("9999-12-31T23:59:59Z") == 253_402_300_799_000
