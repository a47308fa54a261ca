"""What was under way when the last csmsd ended is never repeated, and never waited for without an end."""

from typing import Any

import pytest

from csmsd.operations.interrupted import settle_what_was_interrupted
from csmsd.profiles.firmware_management.updates import FirmwareUpdate
from csmsd.profiles.firmware_management.uploads import DiagnosticsUpload
from csmsd.profiles.task import Task
from tests.csmsd.operations.engine import Engine

NOT_KNOWN = "csmsd ended before the answer came; whether it was carried out is not known"


def task(number: int, action: str = "Reset") -> Task:
    return Task(id=number, created_at=0, charge_point="CP1", action=action, request="{}")


def followed(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "charge_point": "CP1",
        "created_at": 0,
        "changed_at": 0,
        "deadline_at": 9,
        "location": "x",
    } | more


async def test_its_outcome_is_unknown(engine: Engine) -> None:
    await engine.store(task(1), task(2))
    await settle_what_was_interrupted([task(1), task(2)], engine.live)
    assert engine.rows("SELECT id, state, outcome, error, settled_at FROM task") == [
        (number, "settled", "unknown", NOT_KNOWN, engine.scene.now) for number in (1, 2)
    ]
    assert engine.links.asked.empty()


@pytest.mark.parametrize(("state", "error"), [("requested", NOT_KNOWN), ("uploading", None), ("uploaded", None)])
async def test_an_upload_that_it_began_is_waited_for_and_says_so(engine: Engine, state: str, error: str | None) -> None:
    upload = DiagnosticsUpload(**followed(1, state=state))
    engine.live.site.firmware.uploads.add(upload)
    await engine.store(upload)
    await settle_what_was_interrupted([task(1, "GetDiagnostics")], engine.live)
    assert engine.rows("SELECT state, error FROM diagnostics_upload") == [(state, error)]


@pytest.mark.parametrize(("state", "error"), [("requested", NOT_KNOWN), ("downloading", None)])
async def test_so_is_an_update(engine: Engine, state: str, error: str | None) -> None:
    update = FirmwareUpdate(**followed(1, state=state, retrieve_at=0))
    engine.live.site.firmware.updates.add(update)
    await engine.store(update)
    await settle_what_was_interrupted([task(1, "UpdateFirmware")], engine.live)
    assert engine.rows("SELECT state, error FROM firmware_update") == [(state, error)]


async def test_where_nothing_was_under_way_nothing_is_written(engine: Engine) -> None:
    commits = engine.writer.commits.count
    await settle_what_was_interrupted([], engine.live)
    assert engine.writer.commits.count == commits
