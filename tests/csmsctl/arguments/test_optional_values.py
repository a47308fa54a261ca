"""Options whose value may be left out: which words are theirs."""

import pytest

from csmsctl.arguments.when_and_duration import parse_duration
from csmsctl.operations.declared import build_declared_operation
from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, Peer, ScriptedDaemon


@pytest.mark.parametrize(
    ("words", "attached"),
    [
        ("CP1 --queue", "CP1 --queue=24h"),
        ("--queue CP1", "--queue=24h CP1"),
        ("--queue 2h CP1", "--queue=2h CP1"),
        ("--queue=2h CP1", "--queue=2h CP1"),
        ("--queue --force CP1", "--queue=24h --force CP1"),
        ("--queue 2 CP1", "--queue=24h 2 CP1"),
        ("--wait CP1", "--wait= CP1"),
        ("--wait Started CP1 --queue", "--wait=Started CP1 --queue=24h"),
        ("--wait --queue 90s", "--wait= --queue=90s"),
        ("-- --queue 2h", "-- --queue 2h"),
    ],
)
def test_which_words_belong_to_an_option(words: str, attached: str) -> None:
    assert build_declared_operation("remote-start").attach(words.split()) == attached.split()


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("2h", 7200), ("3d", 259_200), ("1w", 604_800), ("0s", 0)]
)
def test_a_length_of_time(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "-2", "-2h", "2 h", "2H", "1.5h", "++2h", "٣h", "٣", "2h\n", "999999999w"])
def test_no_length_of_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"length of time|too long"):
        parse_duration(text)


def test_the_wait_goes_on_when_csmsd_cuts_a_laggard(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    """What was missed is found in the records."""
    subscribers: list[Peer] = []

    def subscribe(peer: Peer, _: Params) -> Params:
        subscribers.append(peer)
        return {"subscription": "s1", "last": 0}

    def observe(_: Peer, params: Params) -> Params:
        reached = len(subscribers) == 2
        if not reached:
            subscribers[0].notify("lagged", {"last": 1})
            subscribers[0].hang_up()
        observed = {"task": 17, "charge_point": "CP1", "awaited": "rebooted", "reached": reached, "failed": None}
        return {"observed": [observed | {"silent": False, "open_ended": False, "state": "offline"}]}

    daemon.replies["event.subscribe"] = subscribe
    daemon.replies["operation.run"] = {"results": [samples.result()], "awaited": "rebooted", "patience_s": 300}
    daemon.replies["operation.observe"] = observe
    ended = csmsctl("reset", "CP1", "--type", "soft", "--wait")
    assert ended.code == 0, ended
    assert [name for name, _ in daemon.requests][:2] == ["event.subscribe", "operation.run"]
    assert daemon.params("operation.run")["wait"] == ""
    assert daemon.params("event.subscribe")["targets"] == ["CP1"]
