"""Settings that change in a running daemon: in place, and only those that can."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from csmsd.reloading import Reloading
from csmsd.settings import Settings, SettingsError, load_settings


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
        self.reloading = Reloading(self.settings, lambda: load_settings(path, {}), self.told.append)


@pytest.fixture
def running(tmp_path: Path) -> Running:
    return Running(tmp_path / "csmsd.toml")


def test_what_can_change_is_changed_in_place_and_the_rest_is_named(running: Running) -> None:
    ocpp, listen = running.settings.ocpp, list(running.settings.server.listen)
    running.path.write_text(
        "[ocpp]\nheartbeat_interval = 77\n[log]\nlevel = 'error'\n[server]\nlisten = ['127.0.0.1:1']\n"
    )

    outcome = running.reloading.reload()

    assert sorted(outcome["changed"]) == ["log.level", "ocpp.heartbeat_interval"]
    assert outcome["restart_needed"] == ["server.listen"]
    assert running.settings.ocpp is ocpp
    assert ocpp.heartbeat_interval == 77
    assert list(running.settings.server.listen) == listen
    assert logging.getLogger().level == logging.ERROR
    assert [sorted(changed) for changed in running.told] == [["log.level", "ocpp.heartbeat_interval"]]
    assert running.reloading.reload()["changed"] == []


def test_a_bad_file_changes_nothing(running: Running) -> None:
    before = running.settings.ocpp.heartbeat_interval
    running.path.write_text("[ocpp]\nheartbeat_interval = 77\nboot_retry_interval = 'soon'\n")
    with pytest.raises(SettingsError):
        running.reloading.reload()
    assert (running.settings.ocpp.heartbeat_interval, running.told) == (before, [])


def test_a_signal_has_no_one_to_answer_and_says_it_in_the_log(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="csmsd.reloading")
    running.path.write_text("[ocpp]\nheartbeat_interval = 77\n[server]\nlisten = ['127.0.0.1:1']\n")
    running.reloading.reload_on_signal()
    running.path.write_text("[ocpp]\nheartbeat_interval = 'often'\n")
    running.reloading.reload_on_signal()
    said = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert said[:2] == [
        ("INFO", "reloaded; changed: ocpp.heartbeat_interval"),
        ("WARNING", "these need a restart: server.listen"),
    ]
    assert said[2][0] == "ERROR"
    assert said[2][1].startswith("reload: ")
