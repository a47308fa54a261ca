"""Files that commands write."""

from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon


def test_a_file_that_cannot_be_written_goes_by_its_own_name(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["tag.list"] = {"tags": [samples.tag(id="A1")]}
    ended = csmsctl("tag", "export", "--output", "/nowhere/tags.csv")
    assert (ended.code, ended.err) == (1, "csmsctl: /nowhere/tags.csv: No such file or directory.\n")
