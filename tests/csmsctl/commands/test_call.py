"""`call`: any operation, raw."""

import pytest

from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.operations.answers import answer_with, plan
from tests.csmsctl.scripted_daemon import Params, ScriptedDaemon


def test_raw_calls_ask_like_their_commands(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["operation.call"] = plan("CP1", "CP2")
    assert csmsctl("call", "--all", "Reset", '{"type":"Soft"}').code == 10
    assert csmsctl("call", "--all", "ClearCache").code == 10
    assert csmsctl("call", "--all", "TriggerMessage", '{"requestedMessage":"Heartbeat"}').code == 0


@pytest.mark.parametrize(
    ("words", "targets", "action", "payload"),
    [
        (["CP1", "ClearCache"], ["CP1"], "ClearCache", {}),
        (["CP1", "CP2", "X1", '{"type":"Soft"}'], ["CP1", "CP2"], "X1", {"type": "Soft"}),
        (["CP1", "Reset", "-"], ["CP1"], "Reset", {"type": "Hard"}),
        (["--force", "CP1", "Anything", " {}"], ["CP1"], "Anything", {}),
    ],
)
def test_call(
    csmsctl: Csmsctl, daemon: ScriptedDaemon, words: list[str], targets: list[str], action: str, payload: Params
) -> None:
    daemon.replies["operation.call"] = answer_with(samples.result())
    assert csmsctl("call", *words, stdin='{"type":"Hard"}').code == 0
    asked = daemon.params("operation.call")
    assert (asked["targets"], asked["action"], asked["payload"]) == (targets, action, payload)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["CP1"],
        ["{}"],
        ["CP1", "{}"],
        ["CP1", "Reset", "{"],
        ["CP1", "Reset", "[]"],
        ["CP1", "Reset", '{"a":NaN}'],
        ["CP1", "Reset", "[" * 100_000],
        ["CP1", "DE*1"],
        ["-", "Reset", "-"],
    ],
)
def test_calls_that_make_no_sense(csmsctl: Csmsctl, words: list[str]) -> None:
    assert csmsctl("call", *words, "--json", stdin="CP1").error["code"] == 2
