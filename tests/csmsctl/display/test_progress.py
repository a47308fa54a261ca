"""What a terminal shows while something is waited for."""

from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, Peer, ScriptedDaemon
from tests.csmsctl.terminal import Terminal


def test_progress_shows_only_when_there_is_something_to_wait_for(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    import threading

    shown = threading.Event()

    def slowly(peer: Peer, _params: Params) -> Params:
        peer.progress([samples.result()])
        shown.wait(60)
        return {"schema_version": 1, "results": [samples.result()]}

    daemon.replies["operation.run"] = slowly
    terminal = Terminal(csmsctl, "clear-cache", "CP1")
    terminal.expect("waiting for answers")
    shown.set()
    code, seen = terminal.end()
    assert code == 0
    assert "Accepted" in seen
