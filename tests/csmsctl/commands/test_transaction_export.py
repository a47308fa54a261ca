"""`export transactions --after-cursor`: whatever fails, nothing is lost, and nothing is doubled unseen."""

import csv
import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csmsctl.arguments.global_options import GlobalOptions
from csmsctl.commands import transaction_export
from csmsctl.failure import Failure
from csmsctl.invocation import Invocation
from tests.csmsctl import samples
from tests.csmsctl.commands.listing import listing
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, RpcError, ScriptedDaemon


class Crash(Exception):
    """The process ends here."""


class Books:
    """What csmsd has booked: an end, or a later and better one, gets the next number."""

    def __init__(self) -> None:
        self.last = 0
        self.booked: dict[int, Params] = {}
        self.crash_in: int | None = None

    def end(self, number: int) -> None:
        self.last += 1
        revision = self.booked[number]["revision"] + 1 if number in self.booked else 1
        self.booked[number] = samples.transaction(number, state="stopped") | {
            "booking": self.last,
            "revision": revision,
        }

    def call(self, method: str, params: Params) -> Any:
        if self.crash_in is not None:
            self.crash_in -= 1
            if self.crash_in < 0:
                raise Crash
        if method == "export.delivered":
            return {"changed": True}
        assert method == "export.transactions"
        rows = sorted(self.booked.values(), key=lambda row: row["booking"])
        return {"transactions": [row for row in rows if row["booking"] > params["after"]][: params["limit"]]}


class Run(Invocation):
    """An invocation that asks these books."""

    def __init__(self, books: Books) -> None:
        super().__init__(GlobalOptions(quiet=True))
        self._books = books

    def call(self, method: str, **params: Any) -> Any:
        return self._books.call(method, params)

    def begin(self, method: str, **params: Any) -> Callable[[], Any]:
        answer = self._books.call(method, params)  # csmsd does not wait until it is wanted
        return lambda: answer


def delivered(file: Path) -> list[tuple[int, int, int]]:
    """(booking, id, revision) of the rows that arrived at the billing system."""
    if not file.exists():
        return []
    with file.open(newline="") as stream:
        return [(int(row["booking"]), int(row["id"]), int(row["revision"])) for row in csv.DictReader(stream)]


# A transaction ends or is corrected; or an export runs, and crashes at one of its steps (None: it does not).
STEPS = st.lists(
    st.one_of(
        st.integers(1, 6).map(lambda number: ("end", number)),
        st.one_of(st.none(), st.integers(0, 5)).map(lambda at: ("export", at)),
        st.just(("export, and the cursor is not written", None)),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_whatever_crashes_nothing_is_lost_and_what_comes_twice_is_the_same(steps: list[tuple[str, int | None]]) -> None:
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(transaction_export, "_AT_ONCE", 2)
        place, output = Path(directory) / "cursor", Path(directory) / "new.csv"
        books, received = Books(), []
        for step, number in [*steps, ("export", None)]:
            if step == "end":
                assert number is not None
                books.end(number)
                continue
            output.unlink(missing_ok=True)
            books.crash_in = number
            with patch.context() as inner:
                if step != "export":
                    inner.setattr("csmsctl.billing.cursor.Cursor.move_to", crash)
                with suppress(Crash):
                    transaction_export.export_new_transactions(Run(books), str(place), str(output))
            books.crash_in = None
            received += delivered(output)
        rows = {booking: (transaction, revision) for booking, transaction, revision in received}
        # The newest word on each transaction arrived, and a booking that came again said the same.
        assert dict(sorted(rows.values())) == {number: row["revision"] for number, row in books.booked.items()}
        assert all(rows[booking] == (transaction, revision) for booking, transaction, revision in received)
        # With nothing new, nothing comes.
        transaction_export.export_new_transactions(Run(books), str(place), str(output))
        assert delivered(output) == []


def crash(*_: object) -> None:
    raise Crash


def test_without_a_crash_nothing_comes_twice(tmp_path: Path) -> None:
    books, place, output = Books(), tmp_path / "cursor", tmp_path / "new.csv"
    received = []
    for number in (1, 2, 1, 3):
        books.end(number)
        transaction_export.export_new_transactions(Run(books), str(place), str(output))
        received += delivered(output)
    assert received == [(1, 1, 1), (2, 2, 1), (3, 1, 2), (4, 3, 1)]


# --- the command


def booked(*numbers: int) -> Iterator[Params]:
    for number in numbers:
        yield samples.transaction(number, state="stopped") | {"booking": number, "revision": 1}


def test_the_command(csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path) -> None:
    place = tmp_path / "billing.cursor"
    daemon.replies["export.transactions"] = {"schema_version": 1, "transactions": list(booked(7, 9))}
    daemon.replies["export.delivered"] = {"changed": True}
    ended = csmsctl("export", "transactions", "--after-cursor", str(place))
    assert ended.code == 0
    assert [row["booking"] for row in csv.DictReader(ended.out.splitlines())] == ["7", "9"]
    assert daemon.params("export.transactions")["after"] == 0
    assert daemon.params("export.delivered") == {"booking": 9}
    assert json.loads(place.read_text())["booking"] == 9
    assert place.stat().st_mode & 0o777 == 0o600

    daemon.replies["export.transactions"] = {"schema_version": 1, "transactions": []}
    ended = csmsctl("export", "transactions", "--after-cursor", str(place), "--json")
    assert (ended.code, ended.out) == (0, "")
    assert daemon.params("export.transactions") == {
        "after": 9,
        "transaction": 9,
        "start_time": samples.transaction(9)["start_time"],
        "limit": 1000,
    }


def test_json_is_a_line_for_each(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["export.transactions"] = {"schema_version": 1, "transactions": list(booked(1, 2))}
    lines = [json.loads(line) for line in csmsctl("export", "transactions", "--json").out.splitlines()]
    assert [(line["schema_version"], line["booking"]) for line in lines] == [(1, 1), (1, 2)]


def test_a_full_disk_leaves_the_cursor(csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path) -> None:
    place = tmp_path / "billing.cursor"
    daemon.replies["export.transactions"] = {"schema_version": 1, "transactions": list(booked(7))}
    ended = csmsctl("export", "transactions", "--after-cursor", str(place), "--output", "/dev/full")
    assert ended.code == 1
    assert "No space left" in ended.err
    assert place.read_text() == ""


@pytest.mark.parametrize("as_json", [False, True])
def test_an_output_that_nobody_reads_leaves_the_cursor(
    csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path, as_json: bool
) -> None:
    daemon.replies["export.transactions"] = listing("transactions", samples.transaction(booking=1, revision=1))
    daemon.replies["export.delivered"] = {}
    cursor = tmp_path / "cursor"
    words = ["export", "transactions", "--after-cursor", str(cursor), *(["--json"] if as_json else [])]
    reading, writing = os.pipe()
    os.close(reading)
    for what, options in (
        ("Nobody reads the output", {"stdout": writing}),
        ("Standard output is closed", {"stdout": None, "preexec_fn": lambda: os.close(1)}),
    ):
        process = csmsctl.start(*words, **options)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 1
        assert what in errors
        assert not cursor.exists() or cursor.read_text() == ""
    os.close(writing)
    assert all(method != "export.delivered" for method, _ in daemon.requests)
    assert csmsctl(*words).out.count("\n") == (1 if as_json else 2)
    assert json.loads(cursor.read_text())["booking"] == 1


def test_that_csmsd_could_not_take_it_down_does_not_spoil_the_export(
    csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path
) -> None:
    def full(_: object, __: object) -> None:
        raise RpcError(1, "disk full")

    daemon.replies["export.transactions"] = {"schema_version": 1, "transactions": list(booked(7))}
    daemon.replies["export.delivered"] = full
    ended = csmsctl("export", "transactions", "--after-cursor", str(tmp_path / "c"))
    assert ended.code == 0
    assert "disk full" in ended.err
    assert json.loads((tmp_path / "c").read_text())["booking"] == 7


@pytest.mark.parametrize("text", ["7", "{}", '{"booking": "7", "transaction": 1, "start_time": ""}', "not JSON"])
def test_a_file_that_is_no_cursor_is_left_alone(csmsctl: Csmsctl, tmp_path: Path, text: str) -> None:
    place = tmp_path / "valuable.csv"
    place.write_text(text)
    ended = csmsctl("export", "transactions", "--after-cursor", str(place))
    assert ended.code == 2
    assert "is not a cursor" in ended.err
    assert place.read_text() == text


def test_two_exports_with_one_cursor(tmp_path: Path) -> None:
    place = tmp_path / "cursor"
    with place.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Failure, match="Another export is at work"):
            transaction_export.export_new_transactions(Run(Books()), str(place), None)


def test_tx_export_takes_page_after_page(csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Any) -> None:
    every = [samples.transaction(number, id_tag="=cmd") for number in range(2300, 0, -1)]

    def page(_peer: object, params: Params) -> Params:
        before = params.get("before_id", 10_000)
        return listing("transactions", *[one for one in every if one["id"] < before][: params["limit"]])

    daemon.replies["transaction.list"] = page
    file = tmp_path / "all.csv"
    ended = csmsctl("tx", "export", "--since", "2026-01-01T00:00:00Z", "--output", str(file))
    assert (ended.code, ended.out) == (0, "")
    lines = file.read_text().splitlines()
    assert lines[0].startswith("id,charge_point,connector,id_tag,state,start_time,stop_time,")
    assert [int(line.partition(",")[0]) for line in lines[1:]] == list(range(2300, 0, -1))
    assert ",'=cmd," in lines[1]
    assert {params["stopped_since"] for _, params in daemon.requests} == {"2026-01-01T00:00:00.000Z"}
    assert csmsctl("tx", "export").out.splitlines() == lines
    assert len(csmsctl("tx", "export", "--json").document["transactions"]) == 2300


def test_an_export_that_fails_leaves_no_file(csmsctl: Csmsctl, tmp_path: Any) -> None:
    file = tmp_path / "all.csv"
    file.write_text("of last month")
    assert csmsctl("tx", "export", "--output", str(file)).code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["all.csv"]
    assert file.read_text() == "of last month"
