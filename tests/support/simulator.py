"""`csmsctl simulate` as a process of its own, towards a csmsd that runs."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.site import Site, environment


@asynccontextmanager
async def simulator(
    site: Site, *identities: str, options: tuple[str, ...] = (), program: tuple[str, ...] = ("-m", "csmsctl")
) -> AsyncIterator[asyncio.StreamWriter]:
    """Simulated charge points that have told the status of both their connectors, and obey the lines written."""
    watcher = await site.watch("connector.status")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *program, "simulate", *(word for identity in identities for word in ("--id", identity))),
        *("--control", "-", "--url", site.url("").rstrip("/"), *options),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        env=environment(),
    )
    assert process.stdin is not None
    try:
        awaited = set(identities)
        while awaited:
            told = await watcher.event("connector.status")
            if told["data"]["connector"] == 2:
                awaited.discard(told["charge_point"])
        yield process.stdin
    finally:
        process.stdin.close()
        await process.wait()
