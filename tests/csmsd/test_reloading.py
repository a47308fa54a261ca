"""Settings that change in a running daemon: in place, and only those that can."""

import asyncio
import logging
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from csmsd.reloading import CertificatesStay, Reloading, settings_differences
from csmsd.settings.reading import load_settings
from csmsd.settings.sections import Settings
from csmsd.settings.setting import SettingsError
from tests.conftest import MakeSite
from tests.support.site import Site


@pytest.fixture(autouse=True)
def _level() -> Iterator[None]:
    before = logging.getLogger().level
    yield
    logging.getLogger().setLevel(before)


class Running:
    """A daemon's settings, the file that they are read from, and what was told of each reload."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_text("")
        self.settings: Settings = load_settings(path, {})
        self.told: list[list[str]] = []
        self.renewed = 0
        self.bad_certificates = False
        self.reloading = Reloading(self.settings, lambda: load_settings(path, {}), self.told.append, self._renew)

    async def _renew(self) -> None:
        if self.bad_certificates:
            raise CertificatesStay("the certificates of before stay in use: no key")
        self.renewed += 1


@pytest.fixture
def running(tmp_path: Path) -> Running:
    return Running(tmp_path / "csmsd.toml")


def test_differences(tmp_path: Path) -> None:
    file = tmp_path / "csmsd.toml"
    file.write_text("[ocpp]\nheartbeat_interval = 60\n[log]\nlevel = 'debug'\n")
    assert settings_differences(load_settings(file, {}), load_settings(file, {"log.level": "info"})) == ["log.level"]


async def test_what_can_change_is_changed_in_place_and_the_rest_is_named(running: Running) -> None:
    ocpp, listen = running.settings.ocpp, list(running.settings.server.listen)
    running.path.write_text(
        "[ocpp]\nheartbeat_interval = 77\n[log]\nlevel = 'error'\n[server]\nlisten = ['127.0.0.1:1']\n"
    )

    outcome = await running.reloading.reload()

    assert sorted(outcome["changed"]) == ["log.level", "ocpp.heartbeat_interval"]
    assert outcome["restart_needed"] == ["server.listen"]
    assert running.settings.ocpp is ocpp
    assert ocpp.heartbeat_interval == 77
    assert list(running.settings.server.listen) == listen
    assert logging.getLogger().level == logging.ERROR
    assert [sorted(changed) for changed in running.told] == [["log.level", "ocpp.heartbeat_interval"]]
    assert (await running.reloading.reload())["changed"] == []


async def test_a_bad_file_changes_nothing(running: Running) -> None:
    before = running.settings.ocpp.heartbeat_interval
    running.path.write_text("[ocpp]\nheartbeat_interval = 77\nboot_retry_interval = 'soon'\n")
    with pytest.raises(SettingsError):
        await running.reloading.reload()
    assert (running.settings.ocpp.heartbeat_interval, running.told) == (before, [])


async def test_certificates_are_made_anew_also_where_no_setting_has_changed(running: Running) -> None:
    assert await running.reloading.reload() == {"changed": [], "restart_needed": []}
    assert running.renewed == 1
    running.bad_certificates = True
    running.path.write_text("[ocpp]\nheartbeat_interval = 77\n")
    with pytest.raises(CertificatesStay):
        await running.reloading.reload()
    assert running.settings.ocpp.heartbeat_interval == 77, "what is wrong with them keeps nothing else"


async def test_a_signal_has_no_one_to_answer_and_says_it_in_the_log(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="csmsd.reloading")
    running.path.write_text("[ocpp]\nheartbeat_interval = 77\n[server]\nlisten = ['127.0.0.1:1']\n")
    running.reloading.reload_on_signal()
    await asyncio.gather(*running.reloading._under_way)
    running.path.write_text("[ocpp]\nheartbeat_interval = 'often'\n")
    running.reloading.reload_on_signal()
    await asyncio.gather(*running.reloading._under_way)
    said = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert said[:2] == [
        ("INFO", "reloaded; changed: ocpp.heartbeat_interval"),
        ("WARNING", "these need a restart: server.listen"),
    ]
    assert said[2][0] == "ERROR"
    assert said[2][1].startswith("reload: ")


# --- in a running daemon


async def test_reload_takes_over_what_can_change(make_site: MakeSite) -> None:
    site = await make_site({"ocpp": {"heartbeat_interval": 300}})
    charge_point = await site.raw("CP1")
    site.write_settings(
        {"ocpp": {"heartbeat_interval": 77, "unknown_charge_points": "accept", "call_queue": 5}, "store": {}}
    )
    watcher = await site.watch("daemon.reloaded")
    changed = await site.json("daemon", "reload")
    told = await watcher.event("daemon.reloaded")
    assert told["data"]["changed"] == changed["changed"], "what waits for a restart has not changed"
    assert set(changed["changed"]) == {"ocpp.heartbeat_interval", "ocpp.unknown_charge_points"}
    assert changed["restart_needed"] == ["ocpp.call_queue"]
    assert (await charge_point.boot())[2]["interval"] == 77
    await site.raw("STRANGER", register=False)
    again = await site.json("daemon", "reload")
    assert again["changed"] == []


async def test_sighup_reloads(make_site: MakeSite) -> None:
    site = await make_site()
    charge_point = await site.raw("CP1")
    site.write_settings({"ocpp": {"heartbeat_interval": 77}})
    await reloaded(site)
    assert (await charge_point.boot())[2]["interval"] == 77


async def reloaded(site: Site) -> None:
    """SIGHUP, and the word that it is done."""
    site.signal(signal.SIGHUP)
    while (states := await asyncio.to_thread(site.manager.next, 5)) != ["READY=1"]:
        assert states is not None


async def test_a_bad_file_is_named_and_changes_nothing(make_site: MakeSite) -> None:
    site = await make_site({"ocpp": {"heartbeat_interval": 120}})
    charge_point = await site.raw("CP1")
    site.config.write_text("[ocpp]\nheartbeat_interval = -1\n")
    ended = await site.csmsctl("daemon", "reload")
    assert ended.code == 1
    assert "heartbeat_interval" in ended.err
    await reloaded(site)
    assert "heartbeat_interval" in site.errors()
    assert (await charge_point.boot())[2]["interval"] == 120
