"""What a section may say: typed, and refused with file, key and reason."""

import re
from pathlib import Path

import pytest

from csmsd.settings.reading import load_settings
from csmsd.settings.setting import SettingsError


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
def test_what_a_section_may_not_say_is_refused_with_file_key_and_reason(
    tmp_path: Path, text: str, key: str, reason: str
) -> None:
    file = tmp_path / "csmsd.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as refused:
        load_settings(file, {})
    said = str(refused.value)
    assert said.startswith(f"{file}: {key}")
    assert reason in said


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
