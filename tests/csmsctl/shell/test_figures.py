"""The toolbar of the shell: what goes on at the site, and whether csmsd is there."""

import time
from collections.abc import Callable

from csmsctl.shell.figures import Figures
from tests.csmsctl.scripted_daemon import ScriptedDaemon
from tests.csmsctl.shell.answers import FIGURES


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_figures(daemon: ScriptedDaemon) -> None:
    daemon.replies["daemon.figures"] = FIGURES
    figures = Figures(daemon.path)
    figures.start(lambda: None)

    def text() -> str:
        return "".join(part for _, part in figures.parts())

    try:
        wait_until(lambda: text() == " 2 of 3 connected  1 transaction  11.0 kW ")
        assert figures.news() is None
        troubles = {"started_at": "later", "problems": 2, "open_tasks": 1, "queued_commands": 3, "store": "failing"}
        daemon.replies["daemon.figures"] = FIGURES | troubles
        daemon.wait_for("daemon.figures").hang_up()
        wait_until(lambda: "the store is failing" in text())
        assert text().endswith(" 11.0 kW  2 problems  1 command under way  3 queued ")
        assert figures.news() == "csmsd was restarted; connected again."
        assert figures.news() is None
        peer = daemon.wait_for("daemon.figures")
        daemon.close()
        peer.hang_up()
        wait_until(lambda: text().startswith(" csmsd is not reachable: There is no socket at "))
    finally:
        figures.stop()
