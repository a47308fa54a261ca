"""What becomes of an update or an upload, and when it is over."""

import pytest

from csmsd.profiles.firmware_management import outcomes
from csmsd.profiles.firmware_management.uploads import DiagnosticsUpload, Uploads
from tests.csmsd.profiles.scene import NOON


def upload(number: int, state: str = "requested") -> DiagnosticsUpload:
    return DiagnosticsUpload(
        id=number,
        charge_point="CP1",
        created_at=NOON,
        changed_at=NOON,
        deadline_at=NOON,
        location="ftp://x/",
        state=state,
    )


def book(*records: DiagnosticsUpload) -> Uploads:
    uploads = Uploads()
    for record in records:
        uploads.add(record)
    return uploads


@pytest.mark.parametrize(
    ("state", "speaks_against"),
    [("requested", True), ("uploading", True), ("uploaded", False), ("upload_failed", False), ("unknown", False)],
)
def test_another_command_waits_for_what_is_not_over(state: str, speaks_against: bool) -> None:
    known = upload(1, state)
    assert outcomes.under_way_without_outcome(book(known), "cp1") is (known if speaks_against else None)
    assert outcomes.under_way_without_outcome(book(known), "CP2") is None


def test_the_newest_command_counts() -> None:
    over, earlier, newest = upload(1, "uploaded"), upload(2, "uploading"), upload(3)
    changed, told = outcomes.superseded_outcome(book(over, earlier, newest), newest, NOON + 5)
    assert list(changed) == [earlier]
    assert (earlier.state, earlier.changed_at, earlier.error) == ("superseded", NOON + 5, "upload 3 took its place")
    assert [event.data["state"] for event in told] == ["superseded"]
    assert (over.state, newest.state) == ("uploaded", "requested")


@pytest.mark.parametrize(
    ("state", "there", "failed", "silent"),
    [
        ("requested", False, None, False),
        ("uploading", False, None, False),
        ("uploaded", True, None, False),
        ("upload_failed", False, "upload failed", False),
        ("unknown", False, "unknown", True),  # nobody can know, for nothing was heard for too long
    ],
)
def test_what_is_seen_of_it(state: str, there: bool, failed: str | None, silent: bool) -> None:
    record = upload(1, state)
    seen = outcomes.observed_outcome(record, there=there)
    assert (seen.state, seen.reached, seen.failed, seen.silent) == (state, there, failed, silent)
    assert seen.record is record


def test_a_reason_is_told_only_where_it_has_failed() -> None:
    assert (
        outcomes.observed_outcome(upload(1, "uploaded"), there=False, failed="nothing arrived").failed
        == "nothing arrived"
    )
    assert outcomes.observed_outcome(upload(1, "uploaded"), there=True, failed="nothing arrived").failed is None


def test_what_is_not_known_any_more_has_failed() -> None:
    seen = outcomes.observed_outcome(None, there=False)
    assert (seen.state, seen.reached, seen.silent) == ("unknown", False, False)
    assert seen.failed is not None
