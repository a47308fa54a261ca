"""`task`: what was sent, and what came of it."""

from tests.csmsctl import samples
from tests.csmsctl.commands.listing import listing
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon


def test_tasks(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {"task.list": listing("tasks", samples.task()), "task.show": samples.task()}
    assert csmsctl("task", "list", "--charge-point", "CP1", "--action", "Reset", "--outcome", "timeout").code == 0
    assert daemon.params("task.list") == {"targets": ["CP1"], "action": "Reset", "outcome": "timeout", "limit": 101}
    assert '{"type":"Soft"}' in csmsctl("task", "show", "42").out
    assert csmsctl("task", "show", "42", "--json").document["tasks"] == [samples.task()]
