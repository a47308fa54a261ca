"""`cp test` and its person; and when it does not come to its end: nothing that was seen or left goes untold."""

import io
from pathlib import Path

import pytest

from csmsctl.commissioning.person import Person
from csmsctl.commissioning.visit import Visit
from csmsctl.failure import UNREACHABLE, Failure
from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Hangup, Params, Peer, ScriptedDaemon


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_csmsd_that_goes_away(csmsctl: Csmsctl, daemon: ScriptedDaemon, tmp_path: Path) -> None:
    def end(_peer: Peer, _params: Params) -> None:
        raise Hangup

    daemon.replies |= {
        "charge_point.show": samples.charge_point(connected=True, deviations=[]),
        "log.subscribe": {},
        "event.subscribe": {},
        "operation.run": end,
    }
    ended = csmsctl("--json", "cp", "test", "CP1", "--suite", "quick")
    assert ended.code == UNREACHABLE
    report = ended.document
    assert (report["passed"], report["failed"], report["skipped"]) == (0, 1, 6)
    assert "closed the connection" in report["steps"][0]["reason"]
    assert {step["reason"] for step in report["steps"][1:]} == {"csmsd went away"}

    # Nor does a full disk take it away.
    (tmp_path / "full.md").symlink_to("/dev/full")
    ended = csmsctl("--json", "cp", "test", "CP1", "--suite", "quick", "--report", str(tmp_path / "full.md"))
    assert (ended.code, ended.document["failed"]) == (1, 1)
    assert "No space left" in ended.err


def test_ctrl_c_while_something_is_taken_away() -> None:
    visit = Visit.__new__(Visit)
    visit.left_behind, visit._undo = [], {}
    tried = []

    def take_away() -> None:
        tried.append("transaction 1")
        if len(tried) == 1:
            raise KeyboardInterrupt
        raise Failure(UNREACHABLE, "csmsd has ended.")

    visit.afterwards("transaction 1", take_away)
    with pytest.raises(KeyboardInterrupt):
        visit.tidy()
    visit.tidy()
    assert len(tried) == 2
    assert visit.left_behind == ["transaction 1: csmsd has ended."]
    visit.tidy()
    assert len(tried) == 2


def test_what_a_person_is_told_is_not_broken_in_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    Person().do("CP1 is not connected. Its URL is wss://csms.example.org:9000/ocpp/CP1; switch it on.")
    assert capsys.readouterr().err.splitlines()[:3] == [
        "  CP1 is not connected. Its URL is",
        "  wss://csms.example.org:9000/ocpp/CP1;",
        "  switch it on.",
    ]
