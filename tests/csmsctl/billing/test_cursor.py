"""How far an export has come: a file that only its own kind may change, one export at a time."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from csmsctl.billing.cursor import cursor
from csmsctl.failure import OTHER, USAGE, Failure

BOOKED: dict[str, Any] = {"id": 7, "booking": 12, "start_time": "2026-03-01T12:00:00.000Z", "energy_wh": 500}
KEPT = {"booking": 12, "transaction": 7, "start_time": "2026-03-01T12:00:00.000Z"}


def test_the_first_run_makes_it_and_the_next_one_finds_what_it_moved_to(tmp_path: Path) -> None:
    file = tmp_path / "cursor"
    with cursor(str(file)) as first:
        assert first.booking == 0
        first.move_to(BOOKED)
        assert first.at == KEPT
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text()) == {"schema_version": 1, **KEPT}
    with cursor(str(file)) as second:
        assert (second.at, second.booking) == (KEPT, 12)


def test_a_first_run_that_failed_leaves_one_that_stands_at_the_beginning(tmp_path: Path) -> None:
    file = tmp_path / "cursor"
    with cursor(str(file)):
        pass
    assert file.read_bytes() == b""
    with cursor(str(file)) as again:
        assert again.at is None


@pytest.mark.parametrize(
    "text",
    [
        "id,booking\n",
        "[]",
        "12",
        "{}",
        *(json.dumps({"schema_version": 1, **KEPT, key: None}) for key in KEPT),
        *(json.dumps({"schema_version": 1} | {name: KEPT[name] for name in KEPT if name != key}) for key in KEPT),
        json.dumps({"schema_version": 1, **KEPT, "booking": True}),
        json.dumps({"schema_version": 1, **KEPT, "transaction": 7.0}),
    ],
)
def test_another_file_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    file = tmp_path / "invoices.csv"
    file.write_text(text)
    with pytest.raises(Failure) as failed, cursor(str(file)):
        pass
    assert (failed.value.code, file.read_text()) == (USAGE, text)


def test_a_folder_is_no_cursor(tmp_path: Path) -> None:
    with pytest.raises(Failure) as failed, cursor(str(tmp_path)):
        pass
    assert failed.value.code == USAGE


def test_of_two_exports_with_one_the_second_fails(tmp_path: Path) -> None:
    file = str(tmp_path / "cursor")
    with cursor(file) as first:
        with pytest.raises(Failure) as failed, cursor(file):
            pass
        first.move_to(BOOKED)
    assert failed.value.code == OTHER
    with cursor(file) as after:
        assert after.at == KEPT
