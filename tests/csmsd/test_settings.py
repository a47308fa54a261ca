"""Settings: typed, checked, refused with file, key and reason; changed in a running daemon where that is possible."""

import asyncio
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from csmsd import settings as csmsd_settings
from csmsd.settings import ListenerAt, SettingsError, load_settings, parse_address_setting, settings_differences
from tests.conftest import MakeSite
from tests.support.site import Ended, Site, environment


def csmsd(*arguments: str) -> Ended:
    """Runs csmsd, which is to end by itself."""
    done = subprocess.run(
        [sys.executable, "-m", "csmsd", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=environment(),
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("[server]\nlisten = ['127.0.0.1']\n", "server.listen", "HOST:PORT"),
        ("[server]\nlisten = ['127.0.0.1:99999']\n", "server.listen", "HOST:PORT"),
        ("[server]\nlisten = []\n", "server.listen", "length"),
        ("[server]\nlistn = ['127.0.0.1:9000']\n", "server", "listn"),
        ("[servr]\n", "", "servr"),
        ("[ocpp]\nheartbeat_interval = 0\n", "ocpp.heartbeat_interval", "1"),
        ("[ocpp]\nheartbeat_interval = 'often'\n", "ocpp.heartbeat_interval", "int"),
        ("[ocpp]\nunknown_charge_points = 'ignore'\n", "ocpp.unknown_charge_points", "ignore"),
        ("[store]\nsynchronous = 'OFF'\n", "store.synchronous", "OFF"),
        ("[log]\nlevel = 'loud'\n", "log.level", "loud"),
        ("[control]\nmode = '0666'\n", "control.mode", "everybody on this machine"),
        ("[control]\nreception_mode = '0661'\n", "control.reception_mode", "everybody on this machine"),
        ("[control]\nread_mode = 'rw'\n", "control.read_mode", "regex"),
        ("[control]\nsocket = '/a'\nread_socket = '/a'\n", "control", "two sockets have one path"),
        ("server = 5\n", "server", "object"),
        ("[server\n", "", "TOML"),
        ("[ocpp]\ncall_timeout = nan\n", "ocpp.call_timeout", ""),
        ("[[server.listeners]]\naddress = 'x'\n", "server.listeners: x: address", "HOST:PORT"),
        ("[[server.listeners]]\naddress = '1'\ntransport = 'ssl'\n", "server.listeners[0].transport", "ssl"),
        (
            "[[server.listeners]]\naddress = '1'\ntransport = 'proxy'\n",
            "server.listeners: 1: peers",
            "names its proxies",
        ),
        ("[[server.listeners]]\naddress = '1'\npeers = ['::1']\n", "server.listeners: 1: peers", "no other has any"),
        (
            "[[server.listeners]]\naddress = '1'\ntransport = 'proxy'\npeers = ['10.0.0.1/8']\n",
            "server.listeners: 1: peers",
            "'10.0.0.1/8' is no address and no network",
        ),
        (
            "[[server.listeners]]\naddress = '1'\ntransport = 'plain'\nclient_certificate = 'required'\n",
            "server.listeners: 1: client_certificate",
            "without TLS",
        ),
        ("[[tls.certificates]]\ncertificate = 'a.pem'\n", "tls.certificates", "'a.pem' is not an absolute path"),
        ("[tls]\nclient_crl = ['a.pem']\n", "tls.client_crl", "'a.pem' is not an absolute path"),
        ("[security]\nminimum_profile = 4\n", "security.minimum_profile", "<= 3"),
    ],
)
def test_a_bad_file_ends_with_78_and_names_file_key_and_reason(
    tmp_path: Path, text: str, key: str, reason: str
) -> None:
    file = tmp_path / "csmsd.toml"
    file.write_text(text)
    for more in ([], ["--check-config"]):
        ended = csmsd("--config", str(file), "--state-dir", str(tmp_path / "state"), *more)
        assert ended.code == 78, ended
        assert str(file) in ended.err
        assert key in ended.err
        assert reason in ended.err
        assert "Traceback" not in ended.err
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("min_switch = 901", "load_management.min_switch: longer than a turn"),
        ("lease = 60", "load_management.lease"),
        ("margin = 0", "load_management.margin"),
        ("meters = [{circuit = 'main', command = 'x'}]", "load_management.meters: 'x' is not an absolute path"),
        (
            "meters = [{circuit = 'a', command = '/bin/true'}, {circuit = 'A', command = '/bin/false'}]",
            "load_management.meters: two for one circuit",
        ),
    ],
)
def test_periods_and_meters_of_load_management_are_checked(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "csmsd.toml"
    file.write_text(f"[load_management]\n{text}\n")
    with pytest.raises(SettingsError, match=re.escape(why)):
        load_settings(file, {})


def test_a_bad_flag_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    file = tmp_path / "csmsd.toml"
    file.write_text("")
    ended = csmsd("--config", str(file), "--listen", "nowhere", "--check-config")
    assert ended.code == 78
    assert "command line" in ended.err
    assert "server.listen" in ended.err
    assert str(file) not in ended.err


def test_a_file_that_was_named_must_exist(tmp_path: Path) -> None:
    ended = csmsd("--config", str(tmp_path / "absent.toml"), "--check-config")
    assert ended.code == 78
    assert "absent.toml" in ended.err


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    ended = csmsd("--config", str(tmp_path), "--check-config")
    assert ended.code == 78
    assert str(tmp_path) in ended.err


def test_check_config_of_a_good_file(tmp_path: Path) -> None:
    file = tmp_path / "csmsd.toml"
    file.write_text("[ocpp]\nheartbeat_interval = 60\n")
    ended = csmsd("--config", str(file), "--state-dir", str(tmp_path / "state"), "--check-config")
    assert ended.code == 0
    assert not (tmp_path / "state").exists()


def test_print_config_is_a_file_that_says_the_same(tmp_path: Path) -> None:
    file, printed = tmp_path / "csmsd.toml", tmp_path / "printed.toml"
    file.write_text("[ocpp]\nheartbeat_interval = 60\n")
    ended = csmsd("--config", str(file), "--listen", "127.0.0.1:1", "--state-dir", str(tmp_path), "--print-config")
    assert ended.code == 0, ended
    printed.write_text(ended.out)
    found = load_settings(printed, {})
    assert (found.ocpp.heartbeat_interval, found.server.listen) == (60, ["127.0.0.1:1"])
    assert found.state_directory == tmp_path
    assert found.control.socket is not None
    defaults = load_settings(None, {"control.socket": found.control.socket, "store.directory": str(tmp_path)})
    assert settings_differences(defaults, found) == ["server.listen", "ocpp.heartbeat_interval"]


def test_listeners_of_another_kind_stand_in_place_of_the_usual_one_or_beside_one_that_is_named(tmp_path: Path) -> None:
    file, printed = tmp_path / "csmsd.toml", tmp_path / "printed.toml"
    others = (
        "[[server.listeners]]\naddress = '127.0.0.1:9443'\ntransport = 'tls'\nclient_certificate = 'required'\n"
        "[[tls.certificates]]\ncertificate = '/etc/csmsd/rsa.pem'\n"
    )
    places = ["--state-dir", str(tmp_path), "--socket", str(tmp_path / "s")]
    for own, listens in (("", []), ("[server]\nlisten = ['127.0.0.1:9000']\n", ["127.0.0.1:9000"])):
        file.write_text(own + others)
        found = load_settings(file, {})
        assert found.server.listen == listens
        usual = [ListenerAt(address=address) for address in listens]
        assert found.server.all_listeners[:-1] == usual
        other = found.server.all_listeners[-1]
        assert (other.address, other.transport, other.client_certificate) == ("127.0.0.1:9443", "tls", "required")
        printed.write_text(csmsd("--config", str(file), *places, "--print-config").out)
        assert settings_differences(found, load_settings(printed, {})) == ["store.directory", "control.socket"]


def test_usage_and_version() -> None:
    assert csmsd("--no-such-flag").code == 2
    assert csmsd("--version").out.startswith("csmsd ")
    assert "--check-config" in csmsd("--help").out


def test_flags_go_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "csmsd.toml"
    file.write_text("[server]\nlisten = ['127.0.0.1:1']\n[log]\nlevel = 'error'\n")
    found = load_settings(file, {"server.listen": ["127.0.0.1:2"], "store.directory": "/elsewhere"})
    assert found.server.listen == ["127.0.0.1:2"]
    assert found.log.level == "error"
    assert found.state_directory == Path("/elsewhere")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9000", ("127.0.0.1", 9000)),
        ("[::1]:9000", ("::1", 9000)),
        (":9000", ("0.0.0.0", 9000)),
        ("9000", ("0.0.0.0", 9000)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_address_setting(text) == address


@pytest.mark.parametrize("text", ["", "host:", "host:port", "host:-1", "host:65536", "host:٣"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        parse_address_setting(text)


def test_places_of_root_and_of_a_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("INVOCATION_ID", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    assert csmsd_settings.default_config() == tmp_path / "config/csmsd/csmsd.toml"
    assert csmsd_settings.default_state_directory() == tmp_path / "state/csmsd"
    assert csmsd_settings.default_socket(tmp_path) == tmp_path / "run/csmsd/csmsd.sock"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert csmsd_settings.default_socket(tmp_path) == tmp_path / "csmsd.sock"
    monkeypatch.setenv("INVOCATION_ID", "a service")
    assert csmsd_settings.default_config() == Path("/etc/csmsd/csmsd.toml")
    assert csmsd_settings.default_state_directory() == Path("/var/lib/csmsd")
    assert csmsd_settings.default_socket(tmp_path) == Path("/run/csmsd/csmsd.sock")


def test_without_a_home_a_place_has_to_be_named(nobody: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("INVOCATION_ID", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 4242)
    assert csmsd_settings.default_config() == Path("/etc/csmsd/csmsd.toml")
    with pytest.raises(SettingsError, match=r"no home directory .* --state-dir"):
        load_settings(None, {})
    settings = load_settings(None, {"store.directory": str(tmp_path)})
    assert settings.socket_path == tmp_path / "csmsd.sock"


def test_differences(tmp_path: Path) -> None:
    file = tmp_path / "csmsd.toml"
    file.write_text("[ocpp]\nheartbeat_interval = 60\n[log]\nlevel = 'debug'\n")
    assert settings_differences(load_settings(file, {}), load_settings(file, {"log.level": "info"})) == ["log.level"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[store]\ndirectroy = '/x'\n", r"store: there is no key 'directroy'; did you mean directory\?"),
        ("[files]\nhttp = '[::]:80'\n", r"files: there is no key 'http'; did you mean http_listen"),
        ("[log]\nxyzzy = 1\n", r"log: there is no key 'xyzzy'; there are level"),
        ("[sever]\n", r"there is no section 'sever'; did you mean server"),
    ],
)
def test_an_unknown_key_is_an_error_of_the_file_and_the_one_that_may_be_meant_is_named(
    tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "csmsd.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=said):
        load_settings(file, {})


# --- reload


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


async def test_a_bad_file_changes_nothing(make_site: MakeSite) -> None:
    site = await make_site({"ocpp": {"heartbeat_interval": 120}})
    charge_point = await site.raw("CP1")
    site.config.write_text("[ocpp]\nheartbeat_interval = -1\n")
    ended = await site.csmsctl("daemon", "reload")
    assert ended.code == 1
    assert "heartbeat_interval" in ended.err
    await reloaded(site)
    assert "heartbeat_interval" in site.errors()
    assert (await charge_point.boot())[2]["interval"] == 120
