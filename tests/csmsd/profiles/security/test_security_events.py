"""What is kept of security events: capped, counted, and nobody pushes out what speaks against him."""

from csmsd.ocpp.timestamps import format_timestamp
from csmsd.profiles.record import Change, Deleted
from csmsd.profiles.security.security_events import (
    FROM_MANY,
    MAX_OF_ONE,
    MOST_ADDRESSES,
    REMEMBERED,
    REPEATS_WITHIN,
    SecurityEvent,
    SecurityEvents,
)

NOON = 1_772_366_400_000


def take(events: SecurityEvents, kind: str, at: int = NOON, *, by: str = "CP1") -> SecurityEvent:
    return events.take(by, "charge_point", kind, None, at, at)[0]


def test_what_comes_again_within_an_hour_is_counted_with_first_and_last_time() -> None:
    events = SecurityEvents()
    first = take(events, "A")
    assert take(events, "A", NOON + REPEATS_WITHIN) is first
    assert (first.count, first.received_at, first.last_received_at) == (2, NOON, NOON + REPEATS_WITHIN)
    assert (first.occurred_at, first.last_occurred_at) == (NOON, NOON + REPEATS_WITHIN)
    later = take(events, "A", NOON + 2 * REPEATS_WITHIN + 1)
    assert later is not first
    assert (first.count, later.count) == (2, 1)


def test_others_are_no_repetition() -> None:
    events = SecurityEvents()
    first = take(events, "A")
    assert take(events, "B") is not first
    assert take(events, "A", by="CP2") is not first
    assert take(events, "A", by="cp1") is first
    assert events.take("CP1", "charge_point", "A", "why", None, NOON)[0] is not first
    assert events.take("CP1", "csmsd", "A", None, None, NOON)[0] is not first


def test_however_much_is_told_no_more_is_kept() -> None:
    """The oldest go, those of nobody else; and what csmsd saw itself stays."""
    events = SecurityEvents()
    seen = events.note("CP1", "FailedToAuthenticateAtCentralSystem", "wrong password", NOON)
    other = take(events, "A", by="CP2")
    gone: list[int] = []
    for number in range(MAX_OF_ONE + 5):
        _, changes = events.take("CP1", "charge_point", f"T{number}", None, None, NOON)
        gone += [change.record.id for change in changes if isinstance(change, Deleted)]  # type: ignore[attr-defined]
    assert gone == [3, 4, 5, 6, 7]
    assert seen is not None
    assert seen.data["id"] not in gone
    assert other.id not in gone
    assert all(len(newest) <= REMEMBERED for newest in events._newest.values())


def test_who_has_many_addresses_pushes_out_nothing_else() -> None:
    """A guesser with a /64 of IPv6 has as many as he likes; what comes at one goes on being counted there."""
    events = SecurityEvents()
    first = events.note("CP1", "SecurityProfileFellBack", "it came back with profile 0", NOON)
    assert first is not None
    told: list[str] = []
    gone: list[Change] = []
    for number in range(5 * MAX_OF_ONE):
        for kind in ("FailedToAuthenticateAtCentralSystem", "SecurityProfileRefused", "InvalidChargePointCertificate"):
            address = "192.0.2.7" if number % 10 == 0 else f"2001:db8::{number:x}"
            news = events.note("CP1", kind, "wrong password", NOON + number, address=address)
            told += [str(news.data["tech_info"])] if news is not None else []
        gone += [change for change in events.housekeeping() if isinstance(change, Deleted)]
    assert gone == []
    assert len(told) == 3 * (MOST_ADDRESSES + 1)
    assert (told.count("wrong password, from 192.0.2.7"), told.count(FROM_MANY)) == (3, 3)
    counted = {(one.type, one.tech_info): one.count for one in events._newest["cp1", "csmsd"]}
    assert counted["SecurityProfileRefused", "wrong password, from 192.0.2.7"] == MAX_OF_ONE / 2
    assert sum(counted.values()) == 15 * MAX_OF_ONE + 1
    later = NOON + 5 * MAX_OF_ONE + REPEATS_WITHIN + 1
    again = events.note("CP1", "SecurityProfileRefused", "wrong password", later, address="2001:db8::1")
    assert again is not None
    assert again.data["tech_info"] == "wrong password, from 2001:db8::1"


def test_what_csmsd_saw_is_written_with_the_next_housekeeping_and_told_once() -> None:
    events = SecurityEvents()
    assert events.note(None, "InvalidTLSVersion", "TLS 1.0, from 192.0.2.7", NOON) is not None
    assert events.note(None, "InvalidTLSVersion", "TLS 1.0, from 192.0.2.7", NOON + 1) is None
    (unwritten,) = events.unwritten
    assert (unwritten.charge_point, unwritten.count, unwritten.source) == ("", 2, "csmsd")
    assert events.housekeeping() == [unwritten]
    assert events.housekeeping() == []
    events.note(None, "InvalidTLSVersion", "TLS 1.0, from 192.0.2.7", NOON + 2)
    assert events.housekeeping() == [unwritten]


def test_what_was_not_written_survives_that_memory_is_loaded_anew() -> None:
    old, fresh = SecurityEvents(), SecurityEvents()
    old.note("CP1", "InvalidTLSVersion", "x", NOON)
    fresh.carry_over(old)
    assert fresh.unwritten == old.unwritten
    assert take(fresh, "A").id == 2, "no number is used twice"
    assert fresh.note("CP1", "InvalidTLSVersion", "x", NOON + 1) is None, "it is known"
    assert fresh.counts["csmsd", "InvalidTLSVersion"] == 2


def test_types_that_nobody_knows_are_counted_together() -> None:
    """The list is open, and each would be a time series of its own."""
    events = SecurityEvents()
    for kind in ("FirmwareUpdated", "Made", "Up"):
        take(events, kind)
    assert events.counts == {("charge_point", "FirmwareUpdated"): 1, ("charge_point", "other"): 2}


def test_as_it_is_shown() -> None:
    assert take(SecurityEvents(), "A").described() == {
        "id": 1,
        "charge_point": "CP1",
        "source": "charge_point",
        "type": "A",
        "tech_info": None,
        "occurred_at": format_timestamp(NOON),
        "received_at": format_timestamp(NOON),
        "count": 1,
        "last_occurred_at": format_timestamp(NOON),
        "last_received_at": format_timestamp(NOON),
    }


def test_what_is_pruned_is_forgotten_and_what_came_again_is_not() -> None:
    events = SecurityEvents()
    for number in range(3):
        events.take("CP1", "charge_point", f"Type{number}", None, None, NOON)
    assert events.note("CP1", "InvalidMessages", "seen here", NOON) is not None  # not written yet
    events.forget({1, 2, 4})
    assert events.take("CP1", "charge_point", "Type2", None, None, NOON)[0].count == 2
    assert events.take("CP1", "charge_point", "Type0", None, None, NOON)[0].id == 5
    assert [one.id for one in events.unwritten] == [4]
    assert events.note("CP1", "InvalidMessages", "seen here", NOON) is None
