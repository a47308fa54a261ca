"""Changing what differs, and reading back what became of it."""

from collections.abc import Iterator

import pytest

from csmsctl.desired_state.applying import apply_code, apply_or_give_up, apply_plan, not_begun_applying
from csmsctl.desired_state.comparison import Comparison, State
from csmsctl.desired_state.plan import Plan
from csmsctl.link.client import Client
from tests.csmsctl import samples
from tests.csmsctl.scripted_daemon import Hangup, Params, Peer, ScriptedDaemon


def key(name: str, state: State = "change", wanted: str = "60") -> Comparison:
    return Comparison(name, "300", wanted, "defaults", state)


@pytest.fixture
def client(daemon: ScriptedDaemon) -> Iterator[Client]:
    with Client(daemon.path) as connected:
        yield connected


def answering(daemon: ScriptedDaemon, statuses: list[str | None], reported: dict[str, str]) -> None:
    """CP1 answers these statuses, None for no answer in time, and reports these values afterwards."""

    def run(_peer: Peer, params: Params) -> Params:
        if params["command"] == "get-configuration":
            keys = [{"key": name, "value": value, "readonly": False} for name, value in reported.items()]
            return {"results": [samples.result(status=None, response={"configurationKey": keys})]}
        results = []
        for status in statuses:
            outcome = (
                "timeout" if status is None else "accepted" if status in ("Accepted", "RebootRequired") else "rejected"
            )
            results.append(samples.result(outcome=outcome, status=status, action="ChangeConfiguration", task=5))
        return {"results": results}

    daemon.replies["operation.run"] = run


def test_only_what_differs_is_sent_and_read_back(client: Client, daemon: ScriptedDaemon) -> None:
    answering(daemon, ["Accepted", "RebootRequired", "Rejected"], {"A": "60", "B": "300", "C": "300"})
    plan = Plan(
        "CP1", True, [key("A"), key("B"), key("C"), key("D", "same"), key("E", "read_only"), key("F", "unknown")]
    )
    found = apply_plan(client, plan)
    sent, asked = [params["parameters"] for _, params in daemon.requests]
    assert sent == {"set": ["A=60", "B=60", "C=60"]}
    assert asked == {"key": ["A", "B", "C"]}
    assert [(one["key"], one["outcome"], one["code"]) for one in found] == [
        ("A", "accepted", 0),
        ("B", "reboot_required", 0),
        ("C", "rejected", 7),
        ("E", "not_sent", 7),
        ("F", "not_sent", 7),
    ]
    assert (found[0]["verified"], found[0]["read_back"], found[0]["task"]) == (True, "60", 5)
    assert (found[1]["verified"], found[1]["read_back"]) == (None, "300")  # in effect after the boot
    assert found[3]["error"] == "the key is read-only there"


def test_accepted_and_reported_otherwise_is_a_failure(client: Client, daemon: ScriptedDaemon) -> None:
    answering(daemon, ["Accepted"], {"A": "6"})
    (found,) = apply_plan(client, Plan("CP1", True, [key("A")]))
    assert (found["outcome"], found["code"], found["verified"]) == ("altered", 7, False)
    assert found["error"] == "accepted, and reported with another value"


def test_what_was_not_answered_is_not_read_back(client: Client, daemon: ScriptedDaemon) -> None:
    answering(daemon, [None], {"A": "60"})
    found = apply_plan(client, Plan("CP1", True, [key("A"), key("B")]))
    assert [(one["outcome"], one["code"], one["read_back"]) for one in found] == [
        ("timeout", 8, None),
        ("not_sent", 7, None),
    ]
    assert "had stopped answering" in found[1]["error"]
    assert [params["command"] for _, params in daemon.requests] == ["change-configuration"]


def test_what_waits_for_a_reboot_is_not_sent_again(client: Client, daemon: ScriptedDaemon) -> None:
    (found,) = apply_plan(client, Plan("CP1", True, [key("A", "reboot_pending")]))
    assert (found["outcome"], found["code"], found["read_back"]) == ("reboot_required", 0, "300")
    assert daemon.requests == []


@pytest.mark.parametrize(("code", "outcome"), [(6, "not_connected"), (8, "not_sent"), (3, "not_sent")])
def test_one_that_could_not_be_asked_is_sent_nothing(
    client: Client, daemon: ScriptedDaemon, code: int, outcome: str
) -> None:
    (found,) = apply_plan(client, Plan("CP1", False, [key("A")], problem="it is away", code=code))
    assert (found["outcome"], found["code"], found["error"]) == (outcome, code, "it is away")
    assert daemon.requests == []


def test_a_csmsd_that_goes_away_is_a_result(client: Client, daemon: ScriptedDaemon) -> None:
    def hang_up(_peer: Peer, _params: Params) -> None:
        raise Hangup

    daemon.replies["operation.run"] = hang_up
    (found,) = apply_or_give_up(client, Plan("CP1", True, [key("A")]))
    assert (found["outcome"], found["code"]) == ("unknown", 5)


@pytest.mark.parametrize(
    ("codes", "several", "code"), [([0, 0], True, 0), ([0, 7], False, 7), ([0, 7], True, 9), ([], True, 0)]
)
def test_exit_codes(codes: list[int], several: bool, code: int) -> None:
    assert apply_code([{"code": one} for one in codes], several=several) == code


def test_what_was_not_come_to(client: Client) -> None:
    found = not_begun_applying(Plan("CP1", True, [key("A")]))
    assert (found["charge_point"], found["outcome"], found["code"]) == ("CP1", "not_sent", 1)
