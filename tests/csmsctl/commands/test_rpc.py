"""`rpc`: any method of csmsd, raw."""

from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon


def test_rpc(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["echo"] = lambda _peer, params: {"params": params}
    assert csmsctl("rpc", "echo", '{"a":null}').document == {"schema_version": 1, "params": {"a": None}}
    assert csmsctl("rpc", "echo", "-", stdin='{"b":1}').document["params"] == {"b": 1}
    assert csmsctl("rpc", "echo", "[1]").code == 2
    assert csmsctl("rpc", "nothing").code == 1
