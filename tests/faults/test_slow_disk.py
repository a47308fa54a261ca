"""A disk whose fsync takes 0.1 s: what comes meanwhile is committed together, so nobody waits for more than two."""

from pathlib import Path

from tests.conftest import MakeSite
from tests.support.disk_shim import WatchedDisk
from tests.support.power_cut import Recording
from tests.support.shim import needs_compiler
from tests.support.storm import storm

CHARGE_POINTS = 100
START = {"connectorId": 1, "idTag": "A1B2C3", "meterStart": 0, "timestamp": "2026-03-01T12:00:00.000Z"}


@needs_compiler
async def test_what_comes_during_a_commit_is_in_the_next_one(make_site: MakeSite, tmp_path: Path) -> None:
    site = await make_site(start=False)
    disk = WatchedDisk(tmp_path, site.state, journal=True)
    site.variables = disk.variables
    await site.start()
    identities = [f"CP{number}" for number in range(CHARGE_POINTS)]
    for identity in identities:
        await site.register(identity)
    begun = disk.noted()
    disk.slow_down(0.1)
    async with storm(
        site, [(identity, "StartTransaction", START) for identity in identities], within=0, patience=60
    ) as (all_at_once):
        report = await all_at_once.report()
    disk.slow_down(0)
    assert {answer[0] for answer in report.answers.values()} == {3}
    assert site.stored("SELECT count(*) FROM transactions") == [(CHARGE_POINTS,)]
    commits = Recording(disk.journal).syncs_of("csms.db-wal", begun)
    print(f"{commits} commits for {CHARGE_POINTS} boots and as many starts; the slowest took {report.slowest:.1f} s")
    assert 0 < commits < CHARGE_POINTS
