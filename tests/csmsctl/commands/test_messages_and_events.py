"""`log` and `events`, listed and followed."""

import json
import signal
from operator import itemgetter

from tests.csmsctl import samples
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.scripted_daemon import Params, Peer, ScriptedDaemon


def test_log(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    messages = [samples.message(1, text='[2,"1","Heartbeat",{"\x1b":1}]'), samples.message(2, direction="out")]
    daemon.replies |= {
        "log.list": {"schema_version": 1, "messages": messages},
        "log.subscribe": {"subscription": 1},
    }
    ended = csmsctl("log", "CP1", "--since", "2026-01-01T00:00:00Z", "--limit", "7")
    assert ended.out.splitlines()[0] == '2026-01-31T10:00:00.000Z  CP1  <  [2,"1","Heartbeat",{"\\x1b":1}]'
    assert daemon.params("log.list") == {"targets": ["CP1"], "since": "2026-01-01T00:00:00.000Z", "limit": 8}
    assert csmsctl("log", "--json").document["messages"] == messages
    assert csmsctl("log", "--csv").out.splitlines()[0] == "id,time,charge_point,direction,text"
    assert csmsctl("log", "--csv", "--no-headers").out.splitlines()[1].startswith("2,2026-01-31T10:00:00.000Z,CP1,out,")
    with csmsctl.start("log", "-f", "--json") as process:
        assert process.stdout is not None
        assert [json.loads(process.stdout.readline())["id"] for _ in range(2)] == [1, 2]
        peer = daemon.wait_for("log.subscribe")
        peer.notify("message", samples.message(2))  # was in the list already
        peer.notify("message", samples.message(3))
        assert json.loads(process.stdout.readline()) == {"schema_version": 1, **samples.message(3)}
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143


def test_following_an_action_tells_the_answer_to_what_was_called_before(
    csmsctl: Csmsctl, daemon: ScriptedDaemon
) -> None:
    stored = [samples.message(number, text=f'[2,"{number}","MeterValues",{{}}]') for number in range(1, 1202)]
    stored[1099] = samples.message(1100, text='[2,"x","Reset",{}]', direction="out")

    def reply(_: Peer, params: Params) -> Params:
        chosen = [one for one in stored if one["id"] < params.get("before_id", 9999)]
        return {"schema_version": 1, "messages": chosen[-params["limit"] :]}

    daemon.replies |= {"log.list": reply, "log.subscribe": {"subscription": 1}}
    with csmsctl.start("log", "-f", "--action", "Reset", "--json") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["id"] == 1100
        peer = daemon.wait_for("log.subscribe")
        peer.notify("message", samples.message(1202, text='[3,"y",{"status":"Accepted"}]'))
        peer.notify("message", samples.message(1203, text='[3,"x",{"status":"Accepted"}]'))
        peer.notify("message", samples.message(1204, text='[2,"z","Reset",{}]', direction="out"))
        assert json.loads(process.stdout.readline())["id"] == 1203
        process.terminate()


def test_what_cannot_be_read_of_the_log_is_told(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    torn = {"first": 2, "last": 9, "since": "2026-01-31T10:00:00.000Z", "until": "2026-01-31T10:00:59.000Z"}
    daemon.replies["log.list"] = {"schema_version": 1, "messages": [samples.message(1)], "torn": [torn]}
    ended = csmsctl("log", "--limit", "0")
    assert ended.code == 0
    assert len(ended.out.splitlines()) == 1
    assert ended.err == (
        "Messages 2 to 9 (2026-01-31T10:00:00.000Z to 2026-01-31T10:00:59.000Z) cannot be read: "
        "the log is damaged there.\n"
    )


def test_events(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies |= {
        "event.list": {"schema_version": 1, "events": [samples.event(1), samples.event(2)]},
        "event.subscribe": {"subscription": 1, "last": 9},
    }
    assert csmsctl("events", "--type", "connector.status").out.count("connector.status") == 2
    assert daemon.params("event.list") == {"types": ["connector.status"], "limit": 101}
    csmsctl("events", "--type", "transaction.st*", "--type", "transaction.started")
    assert daemon.params("event.list")["types"] == ["transaction.started", "transaction.stopped"]
    unknown = csmsctl("events", "--type", "transaction.begun")
    assert (unknown.code, "No event is of type 'transaction.begun'" in unknown.err) == (2, True)
    assert '"{""connector"":1' in csmsctl("events", "--csv").out.splitlines()[1]
    csmsctl("events", "--after", "1", "--json")
    assert daemon.params("event.list") == {"after": 1, "limit": 1000, "oldest": True}
    with csmsctl.start("events", "-f", "--after", "1", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        peer = daemon.wait_for("event.subscribe")
        assert daemon.params("event.subscribe") == {"after": 1}
        peer.notify("event", samples.event(5))
        assert json.loads(process.stdout.readline())["number"] == 5
        peer.notify("lagged", {"subscription": 1, "last": 8})
        assert process.wait(60) == 1
        assert json.loads(process.stderr.read())["error"]["next"] == "Go on with: csmsctl events -f --after 8"


def test_events_of_an_action(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    of_reset = samples.event(2, "task.settled", data={"task": 7, "action": "Reset", "outcome": "accepted"})
    of_others = [samples.event(1), samples.event(3, "task.created", data={"task": 8, "action": "ClearCache"})]
    daemon.replies |= {
        "event.list": {"schema_version": 1, "events": sorted([of_reset, *of_others], key=itemgetter("number"))},
        "event.subscribe": {"subscription": 1, "last": 9},
    }
    document = csmsctl("events", "--action", "reset", "--json").document
    assert [event["number"] for event in document["events"]] == [2]
    with csmsctl.start("events", "-f", "--after", "9", "--action", "Reset", "--json") as process:
        assert process.stdout is not None
        peer = daemon.wait_for("event.subscribe")
        for number, told in enumerate([*of_others, of_reset], 10):
            peer.notify("event", {**told, "number": number})
        assert json.loads(process.stdout.readline())["number"] == 12
        process.terminate()


def test_following_ends_when_nobody_reads_any_more(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    """`csmsctl events -f | head -1` on a site where nothing happens."""
    daemon.replies |= {
        "event.subscribe": {"subscription": "s1", "last": 1},
        "event.list": {"schema_version": 1, "events": [samples.event(1)]},
    }
    with csmsctl.start("events", "-f", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() != ""
        process.stdout.close()
        assert process.wait(60) == 0
        assert process.stderr.read() == ""
