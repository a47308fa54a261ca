"""What is sent to charge points, what is asked before, and the exit codes."""

import pytest

from csmsctl.operations.request import exit_code_of_request
from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.operations.answers import answer_with, plan
from tests.csmsctl.scripted_daemon import Params, Peer, RpcError, ScriptedDaemon
from tests.csmsctl.terminal import Terminal


def test_one_target(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["operation.run"] = answer_with(samples.result())
    ended = csmsctl("reset", "CP1", "--type", "soft", "--json", "--timeout", "7")
    assert ended.code == 0
    assert ended.document == {"schema_version": 1, "results": [samples.result()]}
    assert daemon.params("operation.run") == {
        "command": "reset",
        "parameters": {"type": "Soft"},
        "targets": ["CP1"],
        "timeout": 7.0,
        "parallel": 8,
    }
    ended = csmsctl("reset", "CP1", "--type", "Soft")
    assert ended.out.splitlines()[1].split() == ["CP1", "Reset", "Accepted", "12", "ms", "-"]


@pytest.mark.parametrize(
    ("outcomes", "several", "code"),
    [
        (["accepted"], False, 0),
        (["rejected"], False, 7),
        (["call_error"], False, 7),
        (["timeout"], False, 8),
        (["not_connected"], False, 6),
        (["unknown"], False, 8),
        (["accepted", "rejected"], False, 7),
        (["accepted", "accepted"], True, 0),
        (["accepted", "not_connected"], True, 9),
        (["timeout"], True, 9),
        ([], False, 0),
    ],
)
def test_exit_codes(outcomes: list[str], several: bool, code: int) -> None:
    assert exit_code_of_request([samples.result(outcome=outcome) for outcome in outcomes], several=several) == code


def test_exit_codes_of_what_was_not_sent() -> None:
    assert exit_code_of_request([samples.result(outcome="not_sent", error="no", error_code=3)]) == 3
    assert exit_code_of_request([samples.result(outcome="not_sent", error="no", error_code=2)]) == 2
    assert exit_code_of_request([samples.result(outcome="not_sent")]) == 0  # a dry run
    assert exit_code_of_request([samples.result("CP1"), samples.result("CP2", "timeout")]) == 9


def test_exit_code_of_the_process(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    failed = samples.result("CP2", "not_connected", error="CP2 is not connected")
    daemon.replies["operation.run"] = answer_with(samples.result("CP1"), failed)
    ended = csmsctl("clear-cache", "CP1", "CP2", "--yes")
    assert ended.code == 9
    assert "not connected" in ended.out


def test_unknown_charge_point(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    def fail(_peer: Peer, _params: Params) -> None:
        raise RpcError(3, "No charge point CP9.", "See csmsctl cp list")

    daemon.replies["operation.run"] = fail
    assert csmsctl("clear-cache", "CP9").code == 3


def test_one_named_charge_point_is_not_asked_for(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["operation.run"] = plan("CP1")
    assert csmsctl("reset", "CP1", "--type", "soft").code == 0
    assert len(daemon.requests) == 1


@pytest.mark.parametrize("words", [["CP1", "CP2"], ["CP*"], ["@north"], ["--all"]])
def test_several_are_asked_for(csmsctl: Csmsctl, daemon: ScriptedDaemon, words: list[str]) -> None:
    daemon.replies["operation.run"] = plan("CP1", "CP2")
    ended = csmsctl("reset", *words, "--type", "soft", "--json")
    assert ended.code == 10
    assert "--yes" in ended.error["next"]
    assert "CP1, CP2" in ended.error["message"]
    assert all(params.get("dry_run") for _, params in daemon.requests)
    assert csmsctl("reset", *words, "--type", "soft", "--yes").code == 0
    assert csmsctl("reset", *words, "--type", "soft", "--dry-run").code == 0


@pytest.mark.parametrize(
    "words",
    [
        ["clear-cache"],
        ["clear-charging-profile"],
        ["update-firmware", "--location", "ftp://h/f"],
        ["remote-stop"],
        ["unlock-connector", "--connector", "1"],
        ["change-availability", "--connector", "0", "--type", "INOPERATIVE"],
    ],
)
def test_so_is_what_else_takes_something_from_many(csmsctl: Csmsctl, daemon: ScriptedDaemon, words: list[str]) -> None:
    daemon.replies["operation.run"] = plan("CP1", "CP2")
    ended = csmsctl(*words, "--all", "--json")
    assert ended.code == 10
    assert " CP1, CP2" in ended.error["message"]
    assert csmsctl(*words, "CP1").code == 0


def test_what_takes_nothing_away_is_not_asked_for(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["operation.run"] = daemon.replies["operation.call"] = plan("CP1", "CP2")
    assert csmsctl("change-availability", "--all", "--connector", "0", "--type", "operative").code == 0
    assert csmsctl("call", "CP*", "ChangeAvailability", '{"connectorId":0,"type":"Operative"}').code == 0
    assert csmsctl("call", "CP*", "ChangeAvailability", '{"connectorId":0,"type":"Inoperative"}').code == 10
    assert csmsctl("remote-stop", "--transaction", "7").code == 0


def test_a_glob_can_be_said_to_be_one(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["operation.run"] = plan("DE*ABC*E10")
    csmsctl("trigger-message", "DE*0", "@deck", "-", "--message", "Heartbeat", "--glob", stdin="*-1\nCP1\n")
    assert daemon.params("operation.run")["targets"] == ["[D]E*0", "@deck", "*-1", "CP1"]
    daemon.replies["transaction.list"] = {"transactions": []}
    csmsctl("tx", "list", "DE*0", "--glob")
    assert daemon.params("transaction.list")["targets"] == ["[D]E*0"]


def test_an_identity_that_looks_like_a_glob_is_one(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["operation.run"] = plan("DE*ABC*E1")
    assert csmsctl("reset", "de*abc*e1", "--type", "soft").code == 0
    daemon.replies["operation.run"] = plan("CP1")
    assert csmsctl("reset", "CP*", "--type", "soft").code == 10


def test_what_was_confirmed_is_what_is_sent(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    def answer(_peer: Peer, params: Params) -> Params:
        outcome = "not_sent" if params.get("dry_run") else "accepted"
        return {"schema_version": 1, "results": [samples.result(name, outcome) for name in ("CP1", "CP2")]}

    daemon.replies["operation.run"] = answer
    terminal = Terminal(csmsctl, "reset", "--all", "--type", "soft")
    terminal.expect("Reset CP1, CP2? [y/N]")
    terminal.type("y\r")
    assert terminal.end()[0] == 0
    assert daemon.params("operation.run")["targets"] == ["CP1", "CP2"]


ROOT = '{"certificateType": "CentralSystemRootCertificate", "certificate": "PEM"}'
EXPOSED = {
    "cp rotate-key CP1": ("charge_point.rotate_key", "the new key"),
    "cp secure CP1 --to 1": ("charge_point.secure", "the key"),
    "cp secure CP1 --to 2": ("charge_point.secure", "the key and the root certificate"),
    "cp secure CP1 --to 3": ("charge_point.secure", "the root certificate"),
    "install-certificate CP1 --type manufacturer --own-ca": ("operation.run", "the root certificate"),
    "call CP1 InstallCertificate": ("operation.call", "the root certificate"),
}


@pytest.mark.parametrize("line", EXPOSED)
@pytest.mark.parametrize(
    ("tls", "connected", "profile", "asked"),
    [
        (None, True, 1, True),
        (None, False, 1, True),
        (None, False, 2, False),
        ("TLSv1.3 TLS_AES_128_GCM_SHA256", True, 1, False),
    ],
)
def test_keys_and_roots_go_without_tls_only_when_it_is_meant(
    csmsctl: Csmsctl,
    daemon: ScriptedDaemon,
    line: str,
    tls: str | None,
    connected: bool,
    profile: int,
    asked: bool,
) -> None:
    """Also to one alone. One that is away has what it is registered with."""
    method, exposed = EXPOSED[line]
    words = [*line.split(), *([ROOT] if line.startswith("call") else [])]
    found = {"id": "CP1", "tls": tls, "connected": connected, "security_profile": profile}
    daemon.replies["charge_point.list"] = {"charge_points": [found]}
    daemon.replies[method] = answer_with(samples.result())
    daemon.replies["event.subscribe"] = {}
    ended = csmsctl(*words)
    if asked:
        assert ended.code == 10
        told = " ".join(ended.err.split())
        assert "CP1 has no TLS: whoever is in between can read and change " + exposed in told
        assert method not in {name for name, _ in daemon.requests}
        ended = csmsctl(*words, "--yes")
    assert ended.code == 0, ended.err
    assert method in {name for name, _ in daemon.requests}
