"""From a request to its answer: after the commit, or at once; and what a handler that breaks off costs."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from csmsd.charge_points.dispatch import Dispatcher
from csmsd.events import EventBus
from csmsd.live_site import LiveSite
from csmsd.ocpp.conversation import Requested
from csmsd.ocpp.errors import OcppError
from csmsd.profiles.core.charge_points import ChargePoint
from csmsd.profiles.core.id_tags import IdTag
from csmsd.profiles.site import Site
from csmsd.store.database import prepare
from csmsd.store.loader import load
from csmsd.store.writer import Writer
from tests.csmsd.profiles.scene import NOON

START = {"connectorId": 1, "idTag": "TAG1", "meterStart": 1000, "timestamp": "2026-03-01T12:00:00.000Z"}


class Desk:
    """CP1 is registered and booted, on a file of its own; `said` is what left csmsd, in its order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.said: list[str] = []
        self.writer = Writer(path, recover=lambda: self.live.recover())
        bus = EventBus(last=0, clock=lambda: NOON, keep=lambda event: None)
        bus.subscribe(lambda event: self.said.append(event.type))
        self.live = LiveSite(self.writer, bus, lambda: NOON, lambda: load(path, Site()))
        nobody: Any = None
        self.dispatcher = Dispatcher(self.live, nobody, nobody)

    def send(self, action: str, payload: object) -> None:
        state = self.live.site.charge_points["cp1"]
        request = Requested("1", action, msgspec.Raw(msgspec.json.encode(payload)))
        self.dispatcher.dispatch(state, request, self._answer)

    def _answer(self, answer: bytes | OcppError) -> None:
        self.said.append(answer.code if isinstance(answer, OcppError) else ", ".join(json.loads(answer)))

    def stored(self) -> int:
        """How many transactions are on disk."""
        with closing(sqlite3.connect(self.path)) as other:
            (rows,) = other.execute("SELECT count(*) FROM transactions").fetchone()
        return int(rows)

    def known(self) -> int:
        """How many transactions run, as memory has it."""
        return len(self.live.site.charge_points["cp1"].transactions.active())


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    path = tmp_path / "csms.db"
    prepare(path)
    made = Desk(path)
    await made.writer.open()
    await made.live.keep(
        [ChargePoint(id="CP1", boot_status="Accepted", registered_at=NOON), IdTag(id="TAG1", created_at=NOON)]
    )
    await made.live.open()
    yield made
    await made.writer.close()


async def test_what_is_kept_is_answered_after_the_commit_and_told_after_the_answer(desk: Desk) -> None:
    desk.send("StartTransaction", START)
    assert (desk.said, desk.known(), desk.stored()) == ([], 1, 0)
    await desk.writer.flush()
    assert desk.said == ["idTagInfo, transactionId", "transaction.started"]
    assert desk.stored() == 1


async def test_what_keeps_nothing_is_answered_at_once(desk: Desk) -> None:
    desk.send("Heartbeat", {})
    assert desk.said == ["currentTime"]


async def test_what_cannot_be_stored_is_an_internal_error_and_forgotten(desk: Desk) -> None:
    """C 3.7: the charge point tries again, and must find nothing of the first time."""
    with closing(sqlite3.connect(desk.path, isolation_level=None)) as other:
        other.execute("CREATE TRIGGER picky BEFORE INSERT ON transactions BEGIN SELECT RAISE(ABORT, 'no'); END")
        desk.send("StartTransaction", START)
        await desk.writer.flush()
        assert (desk.said, desk.known()) == (["InternalError"], 0)
        other.execute("DROP TRIGGER picky")
    desk.send("StartTransaction", START)
    await desk.writer.flush()
    assert desk.said == ["InternalError", "idTagInfo, transactionId", "transaction.started"]
    assert (desk.known(), desk.stored()) == (1, 1)


async def test_a_handler_that_breaks_off_costs_its_request_and_what_it_had_half_changed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: Site, transaction: object) -> None:
        self.charge_points["cp1"].record.labels.append("half changed")
        raise RuntimeError("a mistake")

    with monkeypatch.context() as patched:
        patched.setattr(Site, "add_transaction", broken)
        desk.send("StartTransaction", START)
    assert desk.said == ["InternalError"]
    assert "a mistake" in caplog.text
    desk.send("StartTransaction", START)
    assert desk.said == ["InternalError", "InternalError"], "nothing is worked out from memory that may be wrong"
    await desk.writer.flush()
    assert desk.live.site.charge_points["cp1"].record.labels == []
    desk.send("StartTransaction", START)
    await desk.writer.flush()
    assert desk.said[2:] == ["idTagInfo, transactionId", "transaction.started"]
    assert (desk.known(), desk.stored()) == (1, 1)
