"""What the shell remembers of the lines that were typed."""

import stat
from pathlib import Path

from csmsctl.shell.history import LineHistory, history_file
from tests.csmsctl.scripted_daemon import ScriptedDaemon
from tests.csmsctl.shell.answers import RunShell, history


def test_secrets_are_not_remembered(run_shell: RunShell, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {"operation.run": {"results": []}, "operation.call": {"results": []}}
    secret = "0123456789abcdef"
    run_shell(
        "clear-cache CP1\r"
        f"change-configuration CP1 --set AuthorizationKey={secret}\r"
        f'call CP1 ChangeConfiguration {{"key": "AuthorizationKey", "value": "{secret}"}}\r'
        f'{{"command": "change-configuration", "targets": ["CP1"], "set": "AuthorizationKey={secret}"}}\r'
        f"rpc charge_point.add {{\"password\": \"{secret}\r\r"
        f"get-diagnostics CP1 --location ftp://me:{secret}@host/\r"
    )  # fmt: skip
    assert sum(method.startswith("operation") for method, _ in daemon.requests) == 5
    assert history() == ["clear-cache CP1"]


def test_the_history_is_its_owners_and_ends_somewhere(tmp_path: Path) -> None:
    path = tmp_path / "csmsctl" / "history"
    lines = LineHistory(path)
    for number in range(4001):
        lines.append_string(f"tag show A{number}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o644)  # as somebody's backup left it
    read = list(LineHistory(path).load_history_strings())
    assert (len(read), read[0], read[-1]) == (2000, "tag show A4000", "tag show A2001")
    assert len(path.read_text().splitlines()) == 2000
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_a_home_nothing_is_kept(nobody: None) -> None:
    lines = LineHistory(history_file())
    lines.append_string("status")
    assert lines.get_strings() == ["status"]
    assert list(LineHistory(history_file()).load_history_strings()) == []


def test_a_history_that_cannot_be_kept_or_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text('not JSON\n{"a": 1}\n"tag list"\n')
    assert list(LineHistory(tmp_path / "file").load_history_strings()) == ["tag list"]
    lines = LineHistory(tmp_path / "file" / "history")
    lines.append_string("tag list")
    assert lines.get_strings() == ["tag list"]
