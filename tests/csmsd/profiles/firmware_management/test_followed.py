"""Which of a charge point's updates reports are about, how long each is remembered, and how tokens end."""

from typing import Any

import pytest

from csmsd.profiles.firmware_management.updates import FirmwareUpdate, Updates
from csmsd.profiles.firmware_management.uploads import DiagnosticsUpload, Uploads
from tests.csmsd.profiles.scene import NOON


def update(number: int, state: str = "requested", *, by: str = "CP1", **fields: Any) -> FirmwareUpdate:
    times = {"created_at": 0, "changed_at": 0, "retrieve_at": 0, "deadline_at": NOON}
    return FirmwareUpdate(id=number, charge_point=by, location="", state=state, **(times | fields))


def upload(number: int, **fields: Any) -> DiagnosticsUpload:
    times = {"created_at": 0, "changed_at": 0, "deadline_at": NOON}
    return DiagnosticsUpload(id=number, charge_point="CP1", location="", **(times | fields))


def updates(*records: FirmwareUpdate) -> Updates:
    book = Updates()
    for record in records:
        book.add(record)
    return book


def ids(book: Updates | Uploads) -> list[int]:
    return sorted(record.id for record in book)


def test_of_what_is_over_the_last_five_are_remembered() -> None:
    book = updates(*(update(number, "installed") for number in range(1, 9)))
    assert ids(book) == [4, 5, 6, 7, 8]
    assert [record.id for record in book.of_charge_point("cp1")] == [4, 5, 6, 7, 8]
    assert book.get(3) is None


def test_what_is_not_over_is_remembered_however_old() -> None:
    book = updates(update(1), *(update(number, "installed") for number in range(2, 9)))
    assert ids(book) == [1, 4, 5, 6, 7, 8]
    assert ids(updates(update(1, "installed", by="CP2"), *(update(n, "installed") for n in range(2, 8)))) == [
        *(1, 3, 4, 5, 6, 7)
    ], "each charge point has its own"


def test_an_upload_whose_file_is_kept_is_remembered() -> None:
    book = Uploads()
    for number in range(1, 9):
        book.add(upload(number, received_at=1, stored="x" if number == 2 else None))
    assert ids(book) == [2, 4, 5, 6, 7, 8]
    assert [record.id for record in book.kept] == [2]


def test_reports_are_about_the_newest_that_reached_it() -> None:
    book = updates(update(1, "downloading"), update(2, "not_sent"), update(3, "refused"), update(4, "cancelled"))
    newest, current = book.newest("cp1"), book.current("cp1")
    assert (newest is not None and newest.id, current is not None and current.id) == (4, 1)
    assert (book.newest("CP2"), book.current("CP2")) == (None, None)
    assert [record.id for record in book.open_before(update(4))] == [1]


def test_one_that_begins_anew_under_its_number_takes_the_place_of_the_old_one() -> None:
    book = updates(update(1, "not_sent"), update(2))
    again = update(1)
    book.add(again)
    assert [record.id for record in book.of_charge_point("CP1")] == [1, 2]
    assert book.get(1) is again


@pytest.mark.parametrize(
    ("outcome", "reported", "state"),
    [
        ("call_error", None, "refused"),
        ("not_connected", None, "not_sent"),
        ("not_sent", None, "not_sent"),
        ("timeout", None, "requested"),  # it may be at it all the same
        ("unknown", None, "requested"),
        ("call_error", "Downloading", "requested"),  # it is at it: it says so
    ],
)
def test_without_a_confirmation_only_what_is_certain_is_said(outcome: str, reported: str | None, state: str) -> None:
    record = update(1, reported=reported)
    changes, events = updates(record).unconfirmed(1, outcome, NOON)
    assert (record.state, len(changes), len(events)) == (state, *((1, 1) if state != "requested" else (0, 0)))
    assert updates().unconfirmed(None, outcome, NOON) == ([], [])


def test_the_end_of_a_charge_point_ends_what_is_open_and_takes_back_its_tokens() -> None:
    opened = update(1, "downloading", token_hash="a", downloads_left=1, bytes_left=10)
    failed = update(2, "download_failed", token_hash="b", downloads_left=1, bytes_left=10)  # it could try again
    done = update(3, "installed", token_hash="c")
    other = update(4, by="CP2", token_hash="d")
    book = updates(opened, failed, done, other)
    assert book.end_for("cp1", "the charge point was removed", NOON) == [opened, failed]
    assert (opened.state, opened.error, opened.changed_at) == ("cancelled", "the charge point was removed", NOON)
    assert (failed.state, failed.error) == ("download_failed", None)
    assert [book.of_token(token) for token in ("a", "b")] == [None, None]
    assert (opened.token_hash, failed.token_hash) == (None, None)
    assert book.of_token("d") is other


def test_what_is_overdue() -> None:
    assert [update(1).overdue(moment) for moment in (NOON - 1, NOON)] == [False, True]
    assert not update(1, "installed").overdue(NOON)


def test_what_is_forgotten_is_found_by_nothing() -> None:
    record = update(1, token_hash="a")
    book = updates(record)
    book.forget(record)
    assert (book.get(1), book.of_token("a"), book.newest("CP1"), list(book.with_token())) == (None, None, None, [])


@pytest.mark.parametrize(
    ("state", "dead"),
    [
        ("requested", False),
        ("uploading", False),
        ("upload_failed", False),  # it may try again
        ("unknown", False),
        ("superseded", True),
        ("not_sent", True),
        ("refused", True),
        ("cancelled", True),
    ],
)
def test_when_a_url_is_of_no_use_any_more(state: str, dead: bool) -> None:
    assert upload(1, state=state).token_dead is dead
    assert upload(1, state=state, received_at=NOON).token_dead, "its file is here"
