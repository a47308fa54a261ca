"""What the daemon tells of itself."""

import os
from datetime import UTC, datetime

from csmsd import __version__
from csmsd.ocpp.timestamps import parse_timestamp
from tests.conftest import MakeSite
from tests.support.site import Site


async def test_what_it_says_of_itself(make_site: MakeSite) -> None:
    policies = {"unknown_charge_points": "accept", "unknown_id_tags": "Accepted"}
    site = await make_site({"ocpp": {"call_timeout": 7, **policies}})
    before = datetime.now(UTC).timestamp()
    about = await site.call("daemon.info")
    after = datetime.now(UTC).timestamp()
    assert site.process is not None
    assert about["version"] == __version__
    assert about["pid"] == site.process.pid
    assert (about["state_dir"], about["socket"]) == (str(site.state), str(site.socket))
    assert about["listen"] == [site.listen]
    assert about["call_timeout"] == 7
    assert about["policies"] == policies
    assert about["metrics"] is None
    assert about["messages_not_logged"] == 0
    started = parse_timestamp(about["started_at"])
    assert started is not None
    assert before - 1 <= started / 1000 + about["uptime_s"] <= after + 1


async def test_what_of_the_disk_there_is(site: Site) -> None:
    await site.register("CP1")
    storage = (await site.call("daemon.info"))["store"]
    disk = os.statvfs(site.state)
    assert storage["disk_bytes"] == disk.f_blocks * disk.f_frsize
    assert 0 < storage["disk_free_bytes"] < storage["disk_bytes"]
    log = [site.state / name for name in ("log.db", "log.db-wal")]
    assert 0 < storage["log_bytes"] <= sum(file.stat().st_size for file in log if file.exists())
    assert storage["last_commit_ms"] > 0
