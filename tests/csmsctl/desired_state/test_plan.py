"""What is to be done with each charge point, and the exit code of it all."""

from collections.abc import Iterator

import pytest

from csmsctl.arguments.global_options import GlobalOptions
from csmsctl.desired_state.comparison import Comparison, State
from csmsctl.desired_state.document import DesiredState
from csmsctl.desired_state.plan import Plan, make_plans, plan_code
from csmsctl.invocation import Invocation
from tests.csmsctl import samples
from tests.csmsctl.scripted_daemon import Params, Peer, ScriptedDaemon


def key(state: State, name: str = "HeartbeatInterval") -> Comparison:
    return Comparison(name, "300", "60", "defaults", state)


@pytest.mark.parametrize(
    ("made", "code"),
    [
        ([], 0),
        ([Plan("CP1", True, [key("same")])], 0),
        ([Plan("CP1", True, [key("change")])], 1),
        ([Plan("CP1", code=6, problem="away")], 6),
        ([Plan("CP1", keys=[key("change")], code=6, problem="away")], 1),  # as far as is known, something differs
        ([Plan("CP1", code=6), Plan("CP2", True, [key("same")])], 9),
        ([Plan("CP1", code=8), Plan("CP2", code=6)], 9),
    ],
)
def test_exit_codes(made: list[Plan], code: int) -> None:
    assert plan_code(made) == code


def test_nothing_is_sent_to_one_that_could_not_be_asked() -> None:
    keys = [key("same"), key("change"), key("not_reported"), key("read_only"), key("unknown"), key("reboot_pending")]
    plan = Plan("CP1", True, keys)
    assert [one.state for one in plan.changes] == ["change", "not_reported"]
    assert len(plan.differences) == len(plan.rows()) == 5
    assert (plan.summary()["same"], plan.summary()["differences"]) == (1, 5)
    away = Plan("CP1", False, keys, problem="it is not connected", code=6)
    assert (away.changes, len(away.differences)) == ([], 5)


STATE = DesiredState(
    defaults={},
    labels={"north": {"HeartbeatInterval": "60"}, "nowhere": {"HeartbeatInterval": "1"}},
    charge_points={"GONE": {"HeartbeatInterval": "1"}},
)


def configuration(*keys: tuple[str, str]) -> list[Params]:
    return [
        {"key": name, "value": value, "readonly": False, "reported_at": f"2026-01-0{at}T00:00:00.000Z"}
        for at, (name, value) in enumerate(keys, 1)
    ]


@pytest.fixture
def run(daemon: ScriptedDaemon) -> Iterator[Invocation]:
    """Three charge points of the north, and one of the south: CP1 answers, CP2 does not, CP3 is away."""
    points = [
        samples.charge_point("CP1"),
        samples.charge_point("CP2"),
        samples.charge_point("CP3", connected=False),
        samples.charge_point("SOUTH", labels=["south"]),
    ]
    shown = {"CP1": [], "CP2": [], "CP3": configuration(("heartbeatinterval", "60"), ("Other", "x"))}

    def listed(_peer: Peer, params: Params) -> Params:
        return {"charge_points": [one for one in points if one["id"] in params.get("targets", [one["id"]])]}

    def asked(_peer: Peer, params: Params) -> Params:
        (identity,) = params["targets"]
        if identity == "CP2":
            return {"results": [samples.result("CP2", "timeout", error="no answer within 30 s")]}
        answer = {"configurationKey": [{"key": "HeartbeatInterval", "value": "300", "readonly": False}]}
        return {"results": [samples.result(identity, status=None, response=answer)]}

    daemon.replies |= {
        "charge_point.list": listed,
        "charge_point.show": lambda _peer, params: {"configuration": shown[params["id"]]},
        "operation.run": asked,
        "task.list": {"tasks": []},
    }
    invocation = Invocation(GlobalOptions(socket=daemon.path, quiet=True))
    yield invocation
    invocation.close()


def test_each_as_it_can_be_known(run: Invocation, capsys: pytest.CaptureFixture[str]) -> None:
    asked, silent, away, gone = make_plans(run, STATE, None, parallel=2)
    assert (asked.charge_point, asked.code, [one.state for one in asked.keys]) == ("CP1", 0, ["change"])
    assert (asked.keys[0].current, asked.keys[0].wanted, asked.keys[0].origin) == ("300", "60", "label north")
    assert (silent.code, silent.keys) == (8, ())
    assert silent.problem == "it could not be asked (no answer within 30 s), and what it has is not known here"
    assert (away.code, away.problem, [one.state for one in away.keys]) == (6, "it is not connected", ["same"])
    assert away.reported_at == "2026-01-01T00:00:00.000Z"  # the oldest of what is compared with
    assert (gone.charge_point, gone.code, gone.problem) == ("GONE", 3, "it is not registered")
    assert capsys.readouterr().err == "No charge point has the label nowhere, which the file names.\n"


def test_only_those_that_are_named(run: Invocation) -> None:
    made = make_plans(run, STATE, ["CP1", "SOUTH"], parallel=2)
    assert [plan.charge_point for plan in made] == ["CP1"]  # the file says nothing about SOUTH


def test_with_what_was_reported_last_nobody_is_asked(run: Invocation, daemon: ScriptedDaemon) -> None:
    made = make_plans(run, STATE, ["CP1", "CP3"], parallel=2, cached=True)
    assert [(plan.code, len(plan.keys)) for plan in made] == [(1, 0), (0, 1)]
    assert made[0].problem == "it was not asked, and what it has is not known here"
    assert "operation.run" not in [method for method, _ in daemon.requests]
