"""What goes to an operator: in its turn, and no faster than it is read."""

import asyncio
import json
from contextlib import suppress

from tests.support.control import ControlConnection
from tests.support.site import Site


async def test_each_result_is_told_before_the_answer(site: Site) -> None:
    for number in range(20):
        await site.register(f"CP{number}")
    control = await site.control()
    run = {"command": "clear-cache", "targets": ["*"]}
    await control.line(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "operation.run", "params": run}))
    told = [await control.receive() for _ in range(20)]
    assert [message["params"]["done"] for message in told] == list(range(1, 21))
    results = (await control.receive())["result"]["results"]
    assert sorted(message["params"]["result"]["charge_point"] for message in told) == sorted(
        result["charge_point"] for result in results
    )


async def test_a_client_that_reads_no_answers_is_let_go(site: Site) -> None:
    control = await ControlConnection.open(site.socket)
    await control.call("tag.add", id="A", note="x" * 1_000_000)
    read = 0
    with suppress(ConnectionError):
        for number in range(200):
            await control.line(json.dumps({"jsonrpc": "2.0", "id": number, "method": "tag.list"}))
        async with asyncio.timeout(30):
            while part := await control.reader.read(65_536):
                read += len(part)
    assert read < 200_000_000
    with suppress(ConnectionError):
        await control.close()
