"""`daemon`: csmsd itself."""

from csmsctl.failure import TIMED_OUT
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


def test_wait_ready_waits_for_the_socket(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["daemon.info"] = samples.info()
    late = daemon.path.with_name("late.sock")
    with csmsctl.start("daemon", "wait-ready", "--socket", str(late), "--timeout", "20") as process:
        late.symlink_to(daemon.path)
        assert process.wait(60) == 0
    ended = csmsctl("daemon", "wait-ready", "--socket", "/nowhere/s", "--timeout", "0.2", "--json")
    assert ended.code == TIMED_OUT
