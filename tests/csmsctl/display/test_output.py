"""What is printed, in whatever the locale allows."""

from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import ScriptedDaemon


def test_letters_that_the_locale_lacks(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["tag.show"] = samples.tag(note="Müller \ud800 日本")
    ended = csmsctl("tag", "show", "A1", PYTHONIOENCODING="ascii")
    assert "M\\xfcller \\ud800 \\u65e5\\u672c" in ended.out
    ended = csmsctl("tag", "show", "A1", "--json", PYTHONIOENCODING="ascii")
    assert ended.document["tags"][0]["note"] == "Müller \ud800 日本"
