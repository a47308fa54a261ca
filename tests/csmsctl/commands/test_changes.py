"""What commands that change a record ask csmsd for."""

import pytest

from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, Peer, RpcError, ScriptedDaemon


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
    daemon.replies["charge_point.show"] = {"security_profile": 0}
    ended = csmsctl(*words, "--json")
    assert ended.code == 0
    assert ended.document == {"schema_version": 1, "changed": True}
    assert daemon.params(method) == params


@pytest.mark.parametrize(("known", "to", "asked"), [(2, 1, True), (1, 0, True), (1, 1, False), (1, 2, False)])
def test_a_security_profile_is_lowered_only_when_it_is_meant(
    csmsctl: Csmsctl, daemon: ScriptedDaemon, known: int, to: int, asked: bool
) -> None:
    daemon.replies["charge_point.show"] = {"security_profile": known}
    daemon.replies["charge_point.set"] = {"changed": True}
    words = ("cp", "set", "CP1", "--security-profile", str(to))
    ended = csmsctl(*words)
    assert ended.code == (10 if asked else 0)
    if asked:
        assert f"is registered with security profile {known}" in ended.err
        assert {method for method, _ in daemon.requests} == {"charge_point.show"}
        assert csmsctl(*words, "--yes").code == 0


@pytest.mark.parametrize(
    ("words", "look"),
    [
        (["cp", "remove", "CP1"], "charge_point.show"),
        (["tag", "remove", "A1"], "tag.show"),
        (["tx", "close", "7", "--reason", "x"], "transaction.show"),
        (["tx", "settle", "7", "--energy", "1kWh", "--reason", "x"], "transaction.show"),
    ],
)
def test_removals_need_a_confirmation_of_what_is_there(
    csmsctl: Csmsctl, daemon: ScriptedDaemon, words: list[str], look: str
) -> None:
    def not_there(_peer: Peer, _params: Params) -> Params:
        raise RpcError(3, "There is none.")

    daemon.replies[look] = {}
    assert csmsctl(*words, "--json").error["code"] == 10
    daemon.replies[look] = not_there
    assert csmsctl(*words, "--json").error["code"] == 3
    assert {method for method, _ in daemon.requests} == {look}


@pytest.mark.parametrize(
    "words", [["cp", "set", "CP1"], ["tag", "set", "A1"], ["tag", "set", "A", "--no-parent", "--parent", "P"]]
)
def test_changes_that_make_no_sense(csmsctl: Csmsctl, words: list[str]) -> None:
    assert csmsctl(*words).code == 2
