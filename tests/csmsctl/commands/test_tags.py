"""`tag`: who may charge."""

from tests.csmsctl import samples
from tests.csmsctl.commands.listing import EVIL, listing
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon


def test_tag_list_and_show(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {"tag.list": listing("tags", samples.tag()), "tag.show": samples.tag(note=EVIL)}
    assert csmsctl("tag", "list", "--parent", "P", "--status", "blocked").code == 0
    assert daemon.params("tag.list") == {"parent": "P", "status": "Blocked"}
    assert "\\x1b[31m" in csmsctl("tag", "show", "A1").out
    assert csmsctl("tag", "show", "A1", "--json").document["tags"][0]["note"] == EVIL
