"""The composition root: one daemon for a state directory, its start and its stop."""

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
