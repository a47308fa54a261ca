"""Health, and who is answered on the listener of metrics, with a real csmsd."""

import asyncio
import json
from time import monotonic
from typing import Any

import pytest

from tests.conftest import MakeSite
from tests.csmsd.metrics.test_collector import LISTEN, fetch, scrape
from tests.support.site import Site


async def health(site: Site) -> tuple[int, Any]:
    status, _, text = await fetch(site, "/healthz")
    return status, json.loads(text)


async def test_health_is_the_stores_too(make_site: MakeSite) -> None:
    site = await make_site(LISTEN)
    version = (await site.call("daemon.info"))["version"]
    assert await health(site) == (200, {"status": "ok", "version": version, "store": "ok"})
    assert (await fetch(site, "/healthz", method="HEAD"))[0] == 200

    site.limit_file_size(0)
    assert (await site.csmsctl("tag", "add", "A1")).code == 1
    status, answer = await health(site)
    assert (status, answer["status"]) == (503, "failing")
    assert (await scrape(site))("csms_store_up") == 0
    site.limit_file_size(None)
    watcher = await site.watch("store.recovered")
    deadline = monotonic() + 60
    while (await site.csmsctl("tag", "add", "A1")).code:
        assert monotonic() < deadline
        await asyncio.sleep(0.1)
    await watcher.event("store.recovered")
    assert (await health(site))[0] == 200


async def test_strangers_get_nothing_and_keep_nobody_out(make_site: MakeSite) -> None:
    site = await make_site(LISTEN)
    assert (await fetch(site, "/"))[0] == 404
    assert (await fetch(site, "/metrics", method="POST"))[0] == 405
    port = int((await site.call("daemon.info"))["metrics"].rpartition(":")[2])
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(40)]
    assert (await health(site))[0] == 200
    first, _ = silent[0]
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):  # the oldest had to go
        await asyncio.wait_for(first.readexactly(1), 30)
    for _, writer in silent:
        writer.close()


@pytest.mark.parametrize(("listen", "said"), [("nowhere", "metrics.listen"), ("127.0.0.1:99999", "metrics.listen")])
async def test_bad_settings(make_site: MakeSite, listen: str, said: str) -> None:
    site = await make_site({"metrics": {"listen": listen}}, start=False)
    ended = site.run_to_end("--check-config")
    assert (ended.code, said in ended.err) == (78, True)
