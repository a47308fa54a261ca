"""The private csmsd of a self-test: a process of its own, with settings of the operator and nobody else's places."""

from pathlib import Path

import pytest

from csmsctl.conformance.private_csmsd import Ended, Site, read_private_settings
from csmsctl.failure import OTHER, USAGE, Failure

SETTINGS = """
[server]
listen = "0.0.0.0:9000"
max_connections = 7
[store]
directory = "/var/lib/csmsd"
[control]
socket = "/run/csmsd/csmsd.sock"
group = "csms"
[files]
http_listen = "0.0.0.0:80"
ftp_listen = "0.0.0.0:21"
max_firmware_mib = 9
[ocpp]
heartbeat_interval = 60
"""


def test_the_settings_without_the_places(tmp_path: Path) -> None:
    """The csmsd of every day keeps its port, its socket and its files."""
    file = tmp_path / "csmsd.toml"
    file.write_text(SETTINGS)
    assert read_private_settings(str(file)) == {
        "server": {"max_connections": 7},
        "store": {},
        "control": {},
        "files": {"max_firmware_mib": 9},
        "ocpp": {"heartbeat_interval": 60},
    }
    assert read_private_settings(None) == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read: No such file"), (b"\xff", "it is not UTF-8"), (b"[ocpp", "is not valid TOML")],
)
def test_settings_that_cannot_be_read(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "csmsd.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Failure, match=said) as failed:
        read_private_settings(str(file))
    assert failed.value.code == USAGE


async def test_from_its_start_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSMS_SOCKET", "/nowhere/csmsd.sock")  # of the csmsd of every day
    with Site({"ocpp": {"heartbeat_interval": 77}}) as site:
        directory = site.directory
        assert site.url.startswith("ws://127.0.0.1:")
        in_effect = site.settings_in_effect()
        assert in_effect["ocpp"]["heartbeat_interval"] == 77
        assert "listen" not in in_effect["server"]
        assert site.call("tag.add", id="A1")["changed"] is True
        ended = await site.csmsctl("--json", "tag", "list")
        assert (ended.code, [tag["id"] for tag in ended.json["tags"]]) == (0, ["A1"])
        assert ended.command_line == "csmsctl --json tag list"
        assert site.stop() == 0
        assert site.stop() == 0  # there is nothing more to stop
    assert not directory.exists()


def test_one_that_does_not_start_says_why_and_leaves_nothing() -> None:
    site = Site({"ocpp": {"heartbeat_interval": -1}})
    with pytest.raises(Failure, match="heartbeat_interval") as failed:
        site.__enter__()
    assert failed.value.code == OTHER
    assert not site.directory.exists()


def test_what_prints_no_document() -> None:
    assert Ended((), 0, "[]", "").json == {}
