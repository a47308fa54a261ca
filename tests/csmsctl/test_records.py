"""The record commands: what they ask the daemon, what they print."""

from typing import Any

import pytest

from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, ScriptedDaemon

EVIL = "\x1b[31m[bold]\u202e\ud800"


def listing(key: str, *records: Params) -> Params:
    return {"schema_version": 1, key: list(records)}


# --- status


def test_status(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    offline = samples.charge_point("CP2", connected=False)
    never = samples.charge_point("CP3", connected=False, last_seen_at=None, connectors=[])
    daemon.replies["status"] = samples.status(samples.charge_point(), offline, never, unknown_charge_points=2)
    ended = csmsctl("status")
    assert ended.code == 0
    assert "csmsd 0.1.0, up 2 h 5 min: 1 of 3 charge points connected, 1 transaction running" in ended.out
    assert "unknown charge points reject, unknown idTags Invalid" in ended.out
    assert "2 unknown charge points knocked; see: csmsctl cp pending" in ended.out
    assert "offline (was Charging)" in ended.out
    assert "never connected" in ended.out
    [offline_charging] = [line for line in ended.out.splitlines() if "was Charging" in line]
    assert "7.360" not in offline_charging  # what flows now is not known
    assert csmsctl("status", "--json").document == daemon.replies["status"]
    assert csmsctl("status", "--csv", "--no-headers").out.splitlines()[0].startswith("CP1,true,")


def test_status_of_some(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["status"] = samples.status(samples.charge_point())
    ended = csmsctl("status", "CP*", "@north", "--no-headers")
    assert daemon.params("status") == {"targets": ["CP*", "@north"]}
    assert ended.out.splitlines()[0].startswith("CP1 ")


def test_connector_0_shows_when_something_is_wrong_with_it(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    well, ill = samples.connector(0), samples.connector(0, status="Faulted", error_code="GroundFailure")
    daemon.replies["status"] = samples.status(
        samples.charge_point("CP1", connectors=[well, samples.connector(1)]),
        samples.charge_point("CP2", connectors=[ill], reboot_required=True, boot_status="Pending"),
    )
    lines = csmsctl("status", "--no-headers").out.splitlines()[-2:]
    assert lines[0].split()[:3] == ["CP1", "1", "Available"]
    assert "Faulted GroundFailure" in lines[1]
    assert "registration Pending, reboot required" in lines[1]


def test_a_failing_store_is_told(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["status"] = samples.status(store="failing")
    assert "store is failing" in csmsctl("status").out


# --- charge points


def test_cp_list_and_pending(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    evil = samples.charge_point("CP2", vendor=EVIL, note="=cmd()")
    daemon.replies["charge_point.list"] = listing("charge_points", samples.charge_point(), evil)
    ended = csmsctl("cp", "list", "CP*")
    assert daemon.params("charge_point.list") == {"targets": ["CP*"]}
    assert "\\x1b[31m[bold]\\u202e\\ud800" in ended.out
    assert "'=cmd()" in csmsctl("cp", "list", "--csv").out
    assert len(csmsctl("cp", "list", "--json").document["charge_points"]) == 2
    daemon.replies["charge_point.pending"] = listing("pending")
    ended = csmsctl("cp", "pending")
    assert (ended.code, ended.out, ended.err) == (0, "", "Nobody is waiting.\n")


def test_cp_show(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    shown = samples.charge_point(
        deviations=[{"action": "StartTransaction", "field": "idTag", "kind": "too_long", "count": 3, "last_at": None}],
        configuration=[{"key": "HeartbeatInterval", "value": "300", "readonly": False, "reported_at": None}],
    )
    daemon.replies["charge_point.show"] = shown
    ended = csmsctl("cp", "show", "CP1")
    for expected in ("ACME", "connectors", "Charging", "HeartbeatInterval", "too_long"):
        assert expected in ended.out
    assert csmsctl("cp", "show", "CP1", "--json").document == listing("charge_points", shown)


def test_cp_add_prints_password_and_url(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    added = {"changed": True, "charge_point": samples.charge_point("CP9"), "password": "s3cret"}
    daemon.replies |= {"charge_point.add": added, "daemon.info": samples.info()}
    ended = csmsctl("cp", "add", "CP9", "--label", "north", "--label", "new", "--generate-password")
    assert ended.out.splitlines() == ["URL:      ws://127.0.0.1:9000/ocpp/CP9", "password: s3cret"]
    assert daemon.params("charge_point.add") == {"id": "CP9", "labels": ["north", "new"], "generate_password": True}
    document = csmsctl("cp", "add", "CP9", "--json").document
    assert (document["changed"], document["password"], document["url"]) == (
        True,
        "s3cret",
        "ws://127.0.0.1:9000/ocpp/CP9",
    )


def test_cp_add_names_this_host_when_it_listens_everywhere(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    import socket

    secure = samples.charge_point("CP9", security_profile=2)
    daemon.replies |= {
        "charge_point.add": {"changed": True, "charge_point": secure},
        "daemon.info": samples.info(listen=["0.0.0.0:9443"]),
    }
    assert csmsctl("cp", "add", "CP9").out == f"URL: wss://{socket.gethostname()}:9443/ocpp/CP9\n"


def test_cp_add_of_what_is_there(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["charge_point.add"] = {"changed": False, "charge_point": samples.charge_point()}
    ended = csmsctl("cp", "add", "CP1")
    assert (ended.code, ended.out) == (0, "")
    assert "already" in ended.err
    assert csmsctl("cp", "add", "CP1", "--json").document["changed"] is False


def test_cp_passwords_come_from_files_or_standard_input(
    csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Any
) -> None:
    daemon.replies["charge_point.set"] = {"changed": True, "charge_point": samples.charge_point()}
    csmsctl("cp", "set", "CP1", "--password-file", "-", stdin="from stdin\n")
    assert daemon.params("charge_point.set") == {"id": "CP1", "password": "from stdin"}
    file = tmp_path / "password"
    file.write_text("from file")
    csmsctl("cp", "set", "CP1", "--password-file", str(file))
    assert daemon.params("charge_point.set") == {"id": "CP1", "password": "from file"}
    assert csmsctl("cp", "set", "CP1", "--password-file", "-", stdin="").code == 2
    assert csmsctl("cp", "set", "CP1", "--password-file", str(file), "--generate-password").code == 2
    ended = csmsctl("cp", "set", "CP1", "--password-file", "/nowhere/password", "--json")
    assert (ended.code, ended.error["message"]) == (1, "/nowhere/password: No such file or directory.")


@pytest.mark.parametrize(
    ("words", "method", "params"),
    [
        (["cp", "set", "CP1", "--label", "a", "--remove-label", "b", "--note", "x", "--no-ping"], "charge_point.set",
         {"id": "CP1", "add_labels": ["a"], "remove_labels": ["b"], "note": "x", "ping": False}),
        (["cp", "set", "CP1", "--security-profile", "0", "--registration", "pending"], "charge_point.set",
         {"id": "CP1", "security_profile": 0, "registration": "Pending"}),
        (["cp", "accept", "CP1"], "charge_point.accept", {"id": "CP1"}),
        (["cp", "disconnect", "CP1"], "charge_point.disconnect", {"id": "CP1"}),
        (["cp", "remove", "CP1", "--force", "--yes"], "charge_point.remove", {"id": "CP1", "force": True}),
        (["tag", "block", "A1"], "tag.block", {"id": "A1"}),
        (["tag", "unblock", "A1"], "tag.unblock", {"id": "A1"}),
        (["tag", "remove", "A1", "--yes"], "tag.remove", {"id": "A1"}),
        (["tag", "add", "A1", "--parent", "P", "--expires", "2020-01-01T00:00:00Z", "--blocked",
          "--max-transactions", "1", "--note", "x"], "tag.add",
         {"id": "A1", "parent": "P", "expires_at": "2020-01-01T00:00:00.000Z", "blocked": True,
          "max_transactions": 1, "note": "x"}),
        (["tag", "set", "A1", "--no-parent", "--no-expiry", "--no-limit", "--note", ""], "tag.set",
         {"id": "A1", "parent": None, "expires_at": None, "max_transactions": None, "note": None}),
        (["tag", "set", "A1", "--max-transactions", "0"], "tag.set", {"id": "A1", "max_transactions": 0}),
        (["tx", "close", "7", "--reason", "gone", "--yes"], "transaction.close", {"id": 7, "reason": "gone"}),
        (["task", "cancel", "42"], "task.cancel", {"id": 42}),
    ],
)  # fmt: skip
def test_changes(csmsctl: Csmsctl, daemon: ScriptedDaemon, words: list[str], method: str, params: Params) -> None:
    daemon.replies[method] = {"changed": True}
    ended = csmsctl(*words, "--json")
    assert ended.code == 0
    assert ended.document == {"schema_version": 1, "changed": True}
    assert daemon.params(method) == params


@pytest.mark.parametrize(
    "words", [["cp", "remove", "CP1"], ["tag", "remove", "A1"], ["tx", "close", "7", "--reason", "x"]]
)
def test_removals_need_a_confirmation(csmsctl: Csmsctl, daemon: ScriptedDaemon, words: list[str]) -> None:
    ended = csmsctl(*words, "--json")
    assert ended.error["code"] == 10
    assert daemon.requests == []


@pytest.mark.parametrize(
    "words", [["cp", "set", "CP1"], ["tag", "set", "A1"], ["tag", "set", "A", "--no-parent", "--parent", "P"]]
)
def test_changes_that_make_no_sense(csmsctl: Csmsctl, words: list[str]) -> None:
    assert csmsctl(*words).code == 2


# --- idTags, transactions, tasks


def test_tag_list_and_show(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {"tag.list": listing("tags", samples.tag()), "tag.show": samples.tag(note=EVIL)}
    assert csmsctl("tag", "list", "--parent", "P", "--status", "blocked").code == 0
    assert daemon.params("tag.list") == {"parent": "P", "status": "Blocked"}
    assert "\\x1b[31m" in csmsctl("tag", "show", "A1").out
    assert csmsctl("tag", "show", "A1", "--json").document["tags"][0]["note"] == EVIL


def test_tx_list(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["transaction.list"] = listing("transactions", samples.transaction())
    words = ["--charge-point", "CP1", "--tag", "A1", "--state", "ACTIVE", "--since", "2026-01-01T00:00:00Z"]
    ended = csmsctl("tx", "list", *words, "--limit", "0")
    assert "7.360" in ended.out
    assert daemon.params("transaction.list") == {
        "charge_point": "CP1",
        "tag": "A1",
        "state": "active",
        "since": "2026-01-01T00:00:00.000Z",
        "limit": 0,
    }


def test_tx_show(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["transaction.show"] = samples.transaction(flags=["start_time:in_the_future"])
    out = csmsctl("tx", "show", "7").out
    for line in ("energy:         7.360 kWh", "duration:       1 h 0 min", "stop reason:    Remote"):
        assert line in out
    assert "start_time:in_the_future" in out
    document = csmsctl("tx", "show", "7", "--json").document
    assert document == listing("transactions", daemon.replies["transaction.show"])


def test_tx_meter_and_orphans(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    sample = {"measurand": "Power.Active.Import", "phase": None, "unit": "W", "context": None, "value": 7360.0}
    daemon.replies |= {
        "transaction.meter": {
            "transaction": 7,
            "meter_values": [{"time": "2026-01-31T10:00:00.000Z", "samples": [sample]}],
        },
        "quarantine.list": listing("quarantine", {"id": 1, "charge_point": "CP1", "payload": '{"a":"\x1b"}'}),
    }
    assert "Power.Active.Import" in csmsctl("tx", "meter", "7").out
    assert csmsctl("tx", "meter", "7", "--csv").out.splitlines()[1].startswith("2026-01-31T10:00:00.000Z,Power")
    assert '{"a":"\\x1b"}' in csmsctl("tx", "orphans", "--charge-point", "CP1").out


def test_tx_export_takes_page_after_page(csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Any) -> None:
    every = [samples.transaction(number, id_tag="=cmd") for number in range(2300, 0, -1)]

    def page(_peer: object, params: Params) -> Params:
        before = params.get("before_id", 10_000)
        return listing("transactions", *[one for one in every if one["id"] < before][: params["limit"]])

    daemon.replies["transaction.list"] = page
    file = tmp_path / "all.csv"
    ended = csmsctl("tx", "export", "--since", "2026-01-01T00:00:00Z", "--output", str(file))
    assert (ended.code, ended.out) == (0, "")
    lines = file.read_text().splitlines()
    assert lines[0].startswith("id,charge_point,connector,id_tag,state,start_time,stop_time,")
    assert [int(line.partition(",")[0]) for line in lines[1:]] == list(range(2300, 0, -1))
    assert ",'=cmd," in lines[1]
    assert {params["since"] for _, params in daemon.requests} == {"2026-01-01T00:00:00.000Z"}
    assert csmsctl("tx", "export").out.splitlines() == lines
    assert len(csmsctl("tx", "export", "--json").document["transactions"]) == 2300


def test_an_export_that_fails_leaves_no_file(csmsctl: Csmsctl, tmp_path: Any) -> None:
    file = tmp_path / "all.csv"
    file.write_text("of last month")
    assert csmsctl("tx", "export", "--output", str(file)).code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["all.csv"]
    assert file.read_text() == "of last month"


def test_tasks(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {"task.list": listing("tasks", samples.task()), "task.show": samples.task()}
    assert csmsctl("task", "list", "--charge-point", "CP1", "--action", "Reset", "--outcome", "timeout").code == 0
    assert daemon.params("task.list") == {"charge_point": "CP1", "action": "Reset", "outcome": "timeout", "limit": 100}
    assert '{"type":"Soft"}' in csmsctl("task", "show", "42").out
    assert csmsctl("task", "show", "42", "--json").document["tasks"] == [samples.task()]


# --- daemon, rpc


def test_daemon(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {
        "daemon.info": samples.info(),
        "daemon.reload": {"changed": ["log.level"], "restart_needed": ["server.listen"]},
    }
    assert "127.0.0.1:9000" in csmsctl("daemon", "info").out
    ended = csmsctl("daemon", "reload")
    assert "log.level" in ended.out
    assert "server.listen" in ended.err


def test_rpc(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["echo"] = lambda _peer, params: {"params": params}
    assert csmsctl("rpc", "echo", '{"a":null}').document == {"schema_version": 1, "params": {"a": None}}
    assert csmsctl("rpc", "echo", "-", stdin='{"b":1}').document["params"] == {"b": 1}
    assert csmsctl("rpc", "echo", "[1]").code == 2
    assert csmsctl("rpc", "nothing").code == 1
