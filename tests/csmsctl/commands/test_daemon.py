"""`daemon`: csmsd itself."""

from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon


def test_daemon(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {
        "daemon.info": samples.info(),
        "daemon.reload": {"changed": ["log.level"], "restart_needed": ["server.listen"]},
    }
    assert "127.0.0.1:9000" in csmsctl("daemon", "info").out
    ended = csmsctl("daemon", "reload")
    assert "log.level" in ended.out
    assert "server.listen" in ended.err
