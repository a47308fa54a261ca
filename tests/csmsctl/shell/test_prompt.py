"""The line that is typed, key by key."""

import pytest

from tests.csmsctl.scripted_daemon import ScriptedDaemon
from tests.csmsctl.shell.answers import RunShell


@pytest.mark.parametrize("typed", ["cp show no7\t\r", "cp show no7\t --json\r", "cp sho\t NO\t7\r"])
def test_what_is_typed_after_tab_stands_behind_what_it_found(
    run_shell: RunShell, completing: ScriptedDaemon, typed: str
) -> None:
    """However fast it is typed."""
    run_shell(typed)
    assert completing.params("charge_point.show") == {"id": "NORTH-07"}
