"""DataTransfer hooks in a real csmsd: the answer comes when the hook has ended, and nobody waits for it meanwhile."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeSite
from tests.support.control import ControlError
from tests.support.programs import python_program

HELLO = """
import json, sys
asked = json.load(sys.stdin)
print(json.dumps({"status": "Accepted", "data": asked["chargePoint"] + " said " + asked["data"]}))
"""
# Ends as soon as it can read the fifo.
WAITING = """
open(%r).read()
print('{"status":"Accepted"}')
"""


def hook(path: Path, body: str) -> str:
    return str(python_program(path, body))


def settings(*hooks: dict[str, Any], **more: Any) -> dict[str, dict[str, Any]]:
    return {"data_transfer": {"hooks": list(hooks), **more}}


async def test_answered_by_a_hook(make_site: MakeSite, tmp_path: Path) -> None:
    hello = hook(tmp_path / "hello", HELLO)
    bad = hook(tmp_path / "bad", "\nprint('?')")
    site = await make_site(
        settings(
            {"vendor_id": "com.example", "message_id": "Hello", "command": hello},
            {"vendor_id": "com.example", "message_id": "Bad", "command": bad},
        )
    )
    charge_point = await site.raw("CP1")
    watcher = await site.watch("hook.failed")

    async def answer(vendor: str, message: str) -> Any:
        return (await charge_point.ask("DataTransfer", {"vendorId": vendor, "messageId": message, "data": "hi"}))[2]

    assert await answer("com.example", "Hello") == {"status": "Accepted", "data": "CP1 said hi"}
    assert await answer("com.example", "Bye") == {"status": "UnknownMessageId"}
    assert await answer("net.example", "Hello") == {"status": "UnknownVendorId"}
    assert await answer("com.example", "Bad") == {"status": "Rejected"}
    assert "cannot be read" in (await watcher.event("hook.failed", "CP1"))["data"]["reason"]


async def test_nobody_waits_for_a_hook(make_site: MakeSite, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    slow = hook(tmp_path / "slow", WAITING % str(fifo))
    site = await make_site(settings({"vendor_id": "com.example", "command": slow}, timeout=30))
    charge_point = await site.raw("CP1")
    await charge_point.frame(2, "slow", "DataTransfer", {"vendorId": "com.example"})
    assert (await charge_point.heartbeat())[0] == 3
    control = await site.control()
    await control.line(
        '{"jsonrpc":"2.0","id":9,"method":"operation.run","params":{"command":"clear-cache","targets":["CP1"]}}'
    )
    await charge_point.answer(await charge_point.asked("ClearCache"), {"status": "Accepted"})
    assert (await control.receive())["params"]["result"]["outcome"] == "accepted"
    fifo.write_text("go")
    assert await charge_point.answer_to("slow") == [3, "slow", {"status": "Accepted"}]


async def test_a_hook_ends_with_csmsd(make_site: MakeSite, tmp_path: Path) -> None:
    slow = hook(tmp_path / "slow", "\nimport time; time.sleep(60)")
    site = await make_site(settings({"vendor_id": "com.example", "command": slow}, timeout=60))
    charge_point = await site.raw("CP1")
    await charge_point.frame(2, "slow", "DataTransfer", {"vendorId": "com.example"})
    await charge_point.heartbeat()
    assert await site.stop() == 0


async def test_reload(make_site: MakeSite, tmp_path: Path) -> None:
    site = await make_site()
    charge_point = await site.raw("CP1")
    hello = hook(tmp_path / "hello", HELLO)
    site.write_settings(settings({"vendor_id": "com.example", "command": hello}))
    assert (await site.call("daemon.reload"))["changed"] == ["data_transfer.hooks"]
    answer = await charge_point.ask("DataTransfer", {"vendorId": "com.example", "data": "hi"})
    assert answer[2]["status"] == "Accepted"
    site.write_settings(settings({"vendor_id": "com.example", "command": "hello"}))
    with pytest.raises(ControlError, match="'hello' is not an absolute path"):
        await site.call("daemon.reload")


@pytest.mark.parametrize(
    ("hooks", "said"),
    [
        ([{"vendor_id": "a", "command": "relative"}], "is not an absolute path"),
        ([{"vendor_id": "a", "command": "/no/such/file"}], "is no file that can be run"),
        ([{"vendor_id": "a", "command": "/bin/true"}, {"vendor_id": "A", "command": "/bin/false"}], "two hooks for A"),
        ([{"vendor_id": "a"}], "command"),
        ([{"vendor_id": "a", "command": "/bin/true", "shell": True}], "shell"),
    ],
)
async def test_bad_settings(make_site: MakeSite, hooks: list[dict[str, Any]], said: str) -> None:
    site = await make_site(settings(*hooks), start=False)
    ended = site.run_to_end("--check-config")
    assert ended.code == 78
    assert said in ended.err
