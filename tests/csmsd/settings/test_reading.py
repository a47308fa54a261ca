"""csmsd.toml and the command line, read by csmsd itself: what is refused, and what is printed."""

import subprocess
import sys
from pathlib import Path

import pytest

from csmsd.reloading import settings_differences
from csmsd.settings.reading import load_settings
from csmsd.settings.sections import ListenerAt
from csmsd.settings.setting import SettingsError
from tests.support.site import Ended, environment


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
        ("[ocpp]\nheartbeat_interval = 0\n", "ocpp.heartbeat_interval", "1"),
        ("[server\n", "", "TOML"),
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
