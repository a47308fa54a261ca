"""Which tasks, reservations, firmware updates, diagnostics and messages in quarantine go."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from csmsd.profiles.core.charge_points import QuarantinedMessage
from csmsd.profiles.firmware_management.rollouts import Rollout, RolloutMember
from csmsd.profiles.firmware_management.updates import FirmwareUpdate
from csmsd.profiles.firmware_management.uploads import DiagnosticsUpload
from csmsd.profiles.reservation.reservations import Reservation
from csmsd.store.prunable import Prunable
from tests.csmsd.upkeep.pruned_books import NEW, OLD, Books, books_at, task


@pytest.fixture
async def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Books]:
    async with books_at(tmp_path / "csms.db", monkeypatch) as found:
        yield found


def followed(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "charge_point": "CP1",
        "created_at": OLD,
        "changed_at": OLD,
        "deadline_at": OLD,
        "location": "http://x/",
        **fields,
    }


def update(number: int, state: str = "installed", **fields: Any) -> FirmwareUpdate:
    return FirmwareUpdate(**followed(number, state=state, retrieve_at=OLD, downloads_left=0, **fields))


def upload(number: int, state: str = "uploaded", **fields: Any) -> DiagnosticsUpload:
    return DiagnosticsUpload(**followed(number, state=state, **fields))


async def test_tasks(books: Books) -> None:
    under_way = task(3, OLD, state="sent", settled_at=None)
    await books.keep(*[task(number, OLD) for number in (1, 2, 4, 5, 6)], under_way, task(7, NEW))
    assert await books.prune("tasks") == 5
    assert books.stored("SELECT id FROM task") == [3, 7]


async def test_reservations(books: Books) -> None:
    def reservation(number: int, charge_point: str, state: Any) -> Reservation:
        return Reservation(
            charge_point=charge_point, id=number, connector=1, id_tag="A1", state=state, created_at=OLD, expires_at=OLD,
            ended_at=OLD if state == "used" else None,
        )  # fmt: skip

    await books.keep(
        *[reservation(number, "CP1", "used") for number in range(1, 5)],
        reservation(2, "CP2", "reserved"),
        reservation(9, "CP2", "used"),
    )
    assert await books.prune("reservations") == 4
    assert books.stored("SELECT charge_point, id FROM reservation ORDER BY id") == [("CP2", 2), ("CP2", 9)]
    assert books.site.reservations.get("CP1", 1) is None


async def test_a_reservation_whose_id_is_in_use_again_stays(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was old when it was looked for; by the time that it would go, it is another one."""
    ended: dict[str, Any] = {"charge_point": "CP1", "connector": 1, "id_tag": "A1", "state": "used"}
    times: dict[str, Any] = {"created_at": OLD, "expires_at": OLD, "ended_at": OLD}
    await books.keep(*[Reservation(id=number, **ended, **times) for number in (1, 2, 3)])
    real = Prunable.reservations

    async def reservations(self: Prunable, before: int) -> list[Reservation]:
        found = await real(self, before)
        books.site.reservations.add(Reservation(id=2, **ended | {"state": "reserved"}, **times | {"ended_at": None}))
        return found

    monkeypatch.setattr(Prunable, "reservations", reservations)
    assert await books.prune("reservations") == 1
    assert books.stored("SELECT id FROM reservation ORDER BY id") == [2, 3]
    known = books.site.reservations.get("CP1", 2)
    assert known is not None
    assert known.active


async def test_firmware_updates_and_diagnostics(books: Books) -> None:
    in_a_rollout = [
        Rollout(id=1, created_at=OLD, file="f", parallel=1, canary=0, only_idle=False, max_failures=0, resumed_at=OLD),
        RolloutMember(rollout=1, charge_point="CP1", position=0, state="done", update_id=2),
    ]
    await books.keep(
        *[update(1), update(2), update(3, "downloading"), update(4), update(5), update(6, "refused")],
        *[upload(11, stored="a" * 32), upload(12), upload(13, "uploading"), upload(14)],
        *in_a_rollout,
    )
    assert await books.prune("firmware_updates") == 2
    # Of a rollout, not over, what its reports are about, and the newest.
    assert books.stored("SELECT id FROM firmware_update") == [2, 3, 5, 6]
    assert await books.prune("diagnostics") == 2
    assert books.stored("SELECT id FROM diagnostics_upload") == [13, 14]
    assert books.files.removed == ["a" * 32]
    assert books.site.firmware.uploads.get(11) is None


async def test_quarantine(books: Books) -> None:
    await books.keep(
        *[
            QuarantinedMessage(id=number, charge_point="CP1", received_at=time, action="A", reason="", payload="")
            for number, time in enumerate((OLD, OLD, NEW, OLD), 1)
        ]
    )
    assert await books.prune("quarantine") == 2
    assert books.stored("SELECT id FROM quarantine") == [3, 4]
    assert [orphan.number for orphan in books.site.charge_points["cp1"].orphans] == [3, 4], "nor does memory know them"
