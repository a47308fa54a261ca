"""One connection for many threads: each gets its own answer, and a csmsd that comes back is waited for."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from csmsctl.failure import NOT_THERE, TIMED_OUT, UNREACHABLE, USAGE, Failure
from csmsctl.link.shared_client import SharedClient
from tests.csmsctl import samples
from tests.csmsctl.scripted_daemon import Hangup, Params, Peer, RpcError, ScriptedDaemon, Silence


@pytest.fixture
def shared(daemon: ScriptedDaemon) -> Iterator[SharedClient]:
    client = SharedClient(daemon.path, 30)
    yield client
    client.close()


def test_a_connection_that_is_gone_already(daemon: ScriptedDaemon, shared: SharedClient) -> None:
    """It broke between two requests: the second goes by another."""
    daemon.replies["tag.add"] = {"changed": True}
    assert shared._wire is not None
    shared._wire.connection.close()
    assert shared.part(30).call("tag.add", {"id": "A1"}) == {"changed": True}
    assert len(daemon.requests) == 1


def test_each_gets_its_own_answer_in_whatever_order_they_come(daemon: ScriptedDaemon, shared: SharedClient) -> None:
    asked: dict[str, object] = {}

    def hold(peer: Peer, params: Params) -> None:
        asked[params["id"]] = peer.number
        if len(asked) == 3:
            for tag, number in reversed(asked.items()):
                peer.send({"id": number, "result": {"id": tag}})
        raise Silence

    daemon.replies["tag.show"] = hold
    with ThreadPoolExecutor(3) as pool:
        tags = ["A1", "B2", "C3"]
        assert list(pool.map(lambda tag: shared.part(30).call("tag.show", {"id": tag})["id"], tags)) == tags
    assert len(asked) == 3


def test_progress_goes_to_whose_operation_it_is(daemon: ScriptedDaemon, shared: SharedClient) -> None:
    def run(peer: Peer, params: Params) -> Params:
        peer.progress([samples.result(params["targets"][0])])
        peer.notify("event", {"number": 1})  # for nobody here
        return {"results": []}

    daemon.replies["operation.run"] = run
    seen: dict[str, list[str]] = {"CP1": [], "CP2": []}
    for identity, heard in seen.items():
        shared.part(30).call(
            "operation.run",
            {"targets": [identity]},
            on_progress=lambda progress, heard=heard: heard.append(progress["result"]["charge_point"]),  # type: ignore[misc]
        )
    assert seen == {"CP1": ["CP1"], "CP2": ["CP2"]}


def test_an_error_is_that_of_the_one_who_asked(daemon: ScriptedDaemon, shared: SharedClient) -> None:
    def fail(_peer: Peer, _params: Params) -> None:
        raise RpcError(3, "No idTag A9.", "See: csmsctl tag list")

    daemon.replies |= {"tag.show": fail, "tag.add": {"changed": True}}
    with pytest.raises(Failure, match="No idTag A9") as failed:
        shared.part(30).call("tag.show", {"id": "A9"})
    assert (failed.value.code, failed.value.next_step) == (NOT_THERE, "See: csmsctl tag list")
    assert shared.part(30).call("tag.add", {"id": "A1"}) == {"changed": True}


def test_each_has_a_time_limit_of_its_own(daemon: ScriptedDaemon, shared: SharedClient) -> None:
    def be_silent(_peer: Peer, _params: Params) -> None:
        raise Silence

    daemon.replies |= {"tag.show": be_silent, "tag.add": {"changed": True}}
    with pytest.raises(Failure) as failed:
        shared.part(0.1).call("tag.show", {"id": "A1"})
    assert failed.value.code == TIMED_OUT
    assert shared.part(30).call("tag.add", {"id": "A1"}) == {"changed": True}  # the connection is as it was


def test_what_was_asked_before_it_went_away_is_not_asked_again(daemon: ScriptedDaemon, shared: SharedClient) -> None:
    def hang_up(_peer: Peer, _params: Params) -> None:
        raise Hangup

    daemon.replies |= {"tag.remove": hang_up, "tag.add": {"changed": True}}
    with pytest.raises(Failure) as failed:
        shared.part(30).call("tag.remove", {"id": "A1"})
    assert (failed.value.code, "may have been carried out" in (failed.value.next_step or "")) == (UNREACHABLE, True)
    assert shared.part(30).call("tag.add", {"id": "A1"}) == {"changed": True}
    assert [method for method, _ in daemon.requests] == ["tag.remove", "tag.add"]


def test_nobody_follows_what_is_to_come(daemon: ScriptedDaemon, shared: SharedClient) -> None:
    part = shared.part(30)
    for stream in (lambda: part.call("event.subscribe"), part.next_notification):
        with pytest.raises(Failure) as failed:
            stream()
        assert failed.value.code == USAGE
    part.close()
    daemon.replies["tag.add"] = {"changed": True}
    assert shared.part(30).call("tag.add", {"id": "A1"})["changed"]  # the end of one command is not that of the others
    assert [method for method, _ in daemon.requests] == ["tag.add"]


def test_whoever_waits_when_it_is_closed_fails(daemon: ScriptedDaemon, shared: SharedClient) -> None:
    def be_silent(_peer: Peer, _params: Params) -> None:
        raise Silence

    daemon.replies["tag.show"] = be_silent
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(shared.part(60).call, "tag.show", {"id": "A1"})
        daemon.wait_for("tag.show")
        shared.close()
        with pytest.raises(Failure) as failed:
            waiting.result(60)
    assert failed.value.code == UNREACHABLE


def test_nobody_is_there(daemon: ScriptedDaemon) -> None:
    daemon.close()
    with pytest.raises(Failure) as failed:
        SharedClient(daemon.path, 0.2)
    assert failed.value.code == UNREACHABLE


def test_one_that_comes_back_is_waited_for(
    daemon: ScriptedDaemon, shared: SharedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(_peer: Peer, _params: Params) -> None:
        daemon.close()
        raise Hangup

    tried = threading.Event()

    def sleep(seconds: float) -> None:
        tried.set()
        time.sleep(seconds)

    monkeypatch.setattr("csmsctl.link.shared_client.sleep", sleep)
    daemon.replies["tag.remove"] = end
    with pytest.raises(Failure):
        shared.part(5).call("tag.remove", {"id": "A1"})
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(shared.part(10).call, "tag.add", {"id": "A1"})
        assert tried.wait(10)
        again = ScriptedDaemon(daemon.path, {"tag.add": {"changed": True}})
        try:
            assert waiting.result(10) == {"changed": True}
        finally:
            again.close()


def test_after_a_request_that_was_not_taken_in_time_nothing_more_is_sent_on_that_connection(
    daemon: ScriptedDaemon,
) -> None:
    """A part of it may have been: what follows would be nonsense."""
    deaf = daemon.path.with_name("deaf.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(deaf))
        listener.listen(1)
        client = SharedClient(deaf, 5)
        peer, _ = listener.accept()
        with peer:
            with pytest.raises(Failure) as failed:
                client.part(0.1).call("tag.add", {"note": "x" * 4_000_000})
            assert failed.value.code == TIMED_OUT
            peer.settimeout(10)
            while peer.recv(1 << 20):
                pass  # and then the end
        client.close()
