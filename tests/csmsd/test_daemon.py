"""The composition root: one daemon for a state directory, its start and its stop."""

import sqlite3
from contextlib import closing

from csmsd.store.footprint import Footprint
from tests.conftest import MakeSite
from tests.support.site import Site


async def test_two_on_one_state_directory(site: Site, make_site: MakeSite) -> None:
    other = await make_site(state=site.state, start=False)
    ended = other.run_to_end()
    assert ended.code != 0
    assert f"another csmsd runs on {site.state}; name another --state-dir" in ended.err
    assert (await site.call("daemon.info"))["listen"] == [site.listen], "the first one is not disturbed"


async def test_a_start_and_a_stop_are_told(site: Site) -> None:
    watcher = await site.watch("daemon.stopping")
    log = await site.call("daemon.info")
    assert log["pid"]
    assert await site.stop() == 0
    assert (await watcher.event("daemon.stopping"))["charge_point"] is None


async def test_settings_that_cannot_be_used_are_named_and_change_nothing(site: Site) -> None:
    site.write_settings({"ocpp": {"call_timeout": -1}})
    code, text = await site.refused("daemon.reload")
    assert code == 1
    assert "call_timeout" in text
    assert (await site.call("daemon.info"))["call_timeout"] == 30


async def test_load_management_is_told_when_the_clock_was_seen_last(make_site: MakeSite) -> None:
    """After a boot of the machine nothing else may show that it was set back meanwhile."""
    site = await make_site({"load_management": {"arrival_reserve": 0}})
    point = await site.raw("CP1")
    lent = await site.watch("load.lent")
    await site.call("circuit.import", circuits={"main": {"limit": "20A", "members": [{"charge_point": "CP1"}]}})
    await point.answer(await point.asked("SetChargingProfile"), {"status": "Accepted"})
    await lent.event("load.lent")
    await site.stop()
    with closing(sqlite3.connect(site.database, isolation_level=None)) as database:
        database.execute("UPDATE load_clock SET boot = 'another'")
    footprint = Footprint.read(site.database.parent)
    assert footprint is not None
    footprint.seen_at += 3_600_000
    footprint.write(site.database.parent)
    await site.start()
    point = await site.raw("CP1", register=False)
    await point.asked("SetChargingProfile")
    assert "the clock was set back while csmsd did not run" in site.errors()
