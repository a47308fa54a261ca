"""An executable that measures what else draws on a circuit, under a real csmsd."""

import asyncio
import json
import os
import select
from pathlib import Path
from typing import Any

from tests.conftest import MakeSite


def executable(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


async def test_its_lines_are_readings_and_it_is_ended_with_csmsd(make_site: MakeSite, tmp_path: Path) -> None:
    pid, feed = tmp_path / "pid", tmp_path / "feed"
    os.mkfifo(feed)
    command = executable(tmp_path / "meter", f"echo $$ > {pid}\nexec cat {feed}")
    site = await make_site({"load_management": {"meters": [{"circuit": "main", "command": command}]}})
    await site.call("circuit.add", name="main", limit=["63A"])
    measured = await site.watch("circuit.measured")
    with feed.open("w") as lines:

        async def said(line: Any) -> list[float]:
            lines.write(json.dumps(line) + "\n")
            lines.flush()
            await measured.event("circuit.measured")
            reading: list[float] = (await site.call("circuit.show", name="main"))["reading_a"]
            return reading

        assert await said({"l1": 12.4, "l2": 8, "l3": 9.1}) == [12.4, 8.0, 9.1]
        for wrong in ("12", '{"l1": "4"}', '{"l4": 1}', "{}", "}", '{"l1": 1e9}', '{"l1": true}'):
            lines.write(wrong + "\n")
        assert await said({"l1": -2, "l3": 1}) == [0.0, 0.0, 1.0]
        ended = os.pidfd_open(int(await asyncio.to_thread(pid.read_text)))
        site.write_settings({"load_management": {"meters": []}})
        assert "load_management.meters" in (await site.call("daemon.reload"))["changed"]
        readable, _, _ = await asyncio.to_thread(select.select, [ended], [], [], 20)
        os.close(ended)
        assert readable
