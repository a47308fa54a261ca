"""One line of a batch: what it may say, and what is told of it."""

import json
from pathlib import Path

from tests.csmsctl import samples
from tests.csmsctl.batch.running import results
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon

NONSENSE = [
    ('tag add "A1', 2, "is not closed"),
    ('{"command":', 2, "not JSON"),
    ('call CP1 Reset {"type":', 2, "not complete"),
    ("tag add \udcff", 2, "not UTF-8"),
    ("nonsense", 2, "No such command"),
    ("csmsctl", 2, "The command is missing"),
    ("tag", 2, "The command is missing"),
    ("tag --help", 2, "No such option: --help"),
    ("batch -", 2, "cannot be part of a batch"),
    ("watch CP1", 2, "cannot be part of a batch"),
    ("simulate", 2, "cannot be part of a batch"),
    ("log -f", 2, "cannot follow"),
    ("events --follow", 2, "cannot follow"),
    ("rpc event.subscribe", 2, "cannot follow"),
    ("clear-cache -", 2, "cannot read standard input"),
    ("rpc daemon.info -", 2, "cannot read standard input"),
    ("cp add CP1 --password-file -", 2, "cannot read standard input"),
    ("tag remove A1", 10, "asks for confirmation"),
    ("tag list --csv", 2, "are JSON"),
    ("tag list --socket /elsewhere", 2, "one connection"),
    ("tag list --timeout 0", 2, "--timeout wants a length of time"),
    ("tag import /nowhere.csv", 1, "/nowhere.csv"),
]


def test_lines_that_make_no_sense(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    """Each is an error of its own line that says what it is about; nobody is asked, and the others are not touched."""
    daemon.replies |= {"tag.add": {"changed": True}, "tag.show": {"id": "A1"}}
    code, found = results(csmsctl, "\n".join([line for line, _, _ in NONSENSE] + ["tag add A1"]))
    assert code == 9
    assert [line["exit_code"] for line in found] == [code for _, code, _ in NONSENSE] + [0]
    for line, (_, code, message) in zip(found[:-1], NONSENSE, strict=True):
        assert line["error"]["code"] == code
        assert message in line["error"]["message"]
    assert [method for method, _ in daemon.requests] == ["tag.show", "tag.add"]


def test_secrets_are_not_repeated(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["operation.run"] = {"results": []}
    _, [found] = results(csmsctl, "change-configuration CP1 --set AuthorizationKey=abc")
    assert found["command"][-1] == "AuthorizationKey=******"
    _, [found] = results(csmsctl, "AuthorizationKey=abc")
    assert found["error"]["message"] == "No such command 'AuthorizationKey=******'."
    _, [found] = results(csmsctl, "change-configuration CP1 --set AuthorizationKey=abc")
    assert daemon.params("operation.run")["parameters"] == {"set": ["AuthorizationKey=abc"]}


def test_a_line_that_names_a_file(csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path) -> None:
    """The file is what it is without a batch."""
    daemon.replies["tag.list"] = {"tags": [samples.tag(id="A1")]}
    table, document = tmp_path / "tags.csv", tmp_path / "tags.json"
    code, found = results(csmsctl, f"tag export --output {table}\ntag export --json --output {document}\ntag export")
    assert code == 0
    assert [line["result"] for line in found[:2]] == [None, None]
    assert table.read_text().startswith("id,")
    assert json.loads(document.read_text())["tags"] == found[2]["result"]["tags"] == [samples.tag(id="A1")]


def test_json_that_stands_for_a_file(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["operation.run"] = {"results": []}
    profile = {"chargingProfileId": 1, "stackLevel": 0}
    line = {"command": "set-charging-profile", "targets": "CP1", "connector": 1, "profile": profile}
    results(csmsctl, json.dumps(line))
    assert daemon.params("operation.run")["parameters"] == {"connector": 1, "profile": profile}


def test_text_that_is_no_document(csmsctl: Csmsctl) -> None:
    _, [found] = results(csmsctl, "--version")
    assert found["result"]["output"][0].startswith("csmsctl ")
