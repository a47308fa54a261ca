"""What people see of the answers of charge points."""

import json

import pytest

from tests.csmsctl import samples
from tests.csmsctl.commands.profile_samples import ACCEPTED
from tests.csmsctl.conftest import Csmsctl
from tests.csmsctl.operations.answers import answer_with, plan
from tests.csmsctl.scripted_daemon import Params, ScriptedDaemon
from tests.csmsctl.terminal import Terminal


def test_a_composite_schedule_is_a_table(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    schedule = {
        "duration": 60,
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}, {"startPeriod": 30, "limit": 8.0}],
    }
    response: Params = {"status": "Accepted", "connectorId": 1, "chargingSchedule": schedule}
    daemon.replies["operation.run"] = {"schema_version": 1, "results": [{**ACCEPTED, "response": response}]}
    words = ["get-composite-schedule", "CP1", "--connector", "1", "--duration", "60"]
    ended = csmsctl(*words)
    assert [line.split() for line in ended.out.splitlines()] == [["STARTPERIOD", "LIMIT"], ["0", "16"], ["30", "8"]]
    assert "chargingRateUnit=A" in ended.err
    empty = {"chargingRateUnit": "A", "chargingSchedulePeriod": []}
    for more in ({}, {"connectorId": 0, "scheduleStart": "2026-01-31T12:00:00Z"}, {"chargingSchedule": empty}):
        daemon.replies["operation.run"]["results"][0]["response"] = {"status": "Accepted", **more}
        assert "no schedule reported" in csmsctl(*words).out


def test_lists_in_answers_become_tables(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    keys = [
        {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
        {"key": "Evil", "readonly": True, "value": "\x1b[2J\u202e"},
    ]
    answer = samples.result(
        action="GetConfiguration", status=None, response={"configurationKey": keys, "unknownKey": ["Foo"]}
    )
    daemon.replies["operation.run"] = answer_with(answer)
    ended = csmsctl("get-configuration", "CP1")
    assert ended.out.splitlines() == [
        "KEY                READONLY  VALUE",
        "HeartbeatInterval  no        300",
        "Evil               yes       \\x1b[2J\\u202e",
    ]
    assert "unknownKey=Foo" in ended.err
    assert csmsctl("get-configuration", "CP1", "--csv").out.splitlines()[:2] == [
        "charge_point,key,readonly,value",
        "CP1,HeartbeatInterval,false,300",
    ]
    failed = samples.result("CP2", "timeout", action="GetConfiguration")
    daemon.replies["operation.run"] = answer_with(answer, failed)
    ended = csmsctl("get-configuration", "CP1", "CP2", "-q")
    assert ended.out.startswith("CHARGE POINT  KEY")
    assert ended.err == "CP2: GetConfiguration timeout\n"


@pytest.mark.parametrize(
    ("command", "action", "header"),
    [
        (["get-configuration"], "GetConfiguration", "charge_point,key,readonly,value"),
        (
            ["get-composite-schedule", "--connector", "1", "--duration", "60"],
            "GetCompositeSchedule",
            "charge_point,startPeriod,limit,numberPhases",
        ),
    ],
)
def test_the_csv_of_what_is_listed_is_the_same_whoever_answers(
    csmsctl: Csmsctl, daemon: ScriptedDaemon, command: list[str], action: str, header: str
) -> None:
    empty = samples.result("CP1", action=action, response={"status": "Accepted"})
    failed = samples.result("CP2", "not_connected", action=action, error="CP2 is not connected")
    daemon.replies["operation.run"] = answer_with(empty, failed)
    ended = csmsctl(*command, "CP1", "CP2", "--csv")
    assert (ended.code, ended.out) == (9, header + "\n")
    assert "CP2 is not connected" in ended.err


def test_repeated_actions_say_which_they_are(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["operation.run"] = answer_with(
        samples.result(action="ChangeConfiguration", request={"key": "A", "value": "1"}),
        samples.result(outcome="rejected", action="ChangeConfiguration", request={"key": "B", "value": "2"}),
    )
    ended = csmsctl("change-configuration", "CP1", "--set", "A=1", "--set", "B=2", "--no-headers")
    assert ended.code == 7
    assert [line.split("  ")[-1] for line in ended.out.splitlines()] == ["key=A value=1", "key=B value=2"]
    assert json.loads(json.dumps(daemon.params("operation.run")["parameters"])) == {"set": ["A=1", "B=2"]}


def test_a_dry_run_prints_the_exact_message(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    daemon.replies["operation.run"] = plan("CP1", "CP2")
    ended = csmsctl("reset", "CP1", "CP2", "--type", "soft", "--dry-run", "--no-headers")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        f'{name}  Reset  would be sent  12 ms  {{"type":"Soft"}}' for name in ("CP1", "CP2")
    ]


def test_quiet_is_silent_on_success_and_says_why_on_failure(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    """So that cron mails what matters, and nothing else."""
    good = samples.result("CP1", "accepted")
    bad = samples.result("CP2", "rejected") | {"status": "Rejected", "error": "connector 1 is Faulted"}
    daemon.replies["operation.run"] = {"results": [good]}
    ended = csmsctl("reset", "CP1", "--type", "soft", "-q")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    daemon.replies["operation.run"] = {"results": [good, bad]}
    ended = csmsctl("reset", "CP1", "CP2", "--type", "soft", "-q", "--yes")
    assert (ended.code, ended.out) == (9, "")
    assert ended.err == "CP2: Reset Rejected connector 1 is Faulted\n"
    assert csmsctl("reset", "CP1", "CP2", "--type", "soft", "-q", "--yes", "--csv").out.count("\n") == 3


def test_names_of_configuration_keys_are_whole_on_a_narrow_terminal(csmsctl: Csmsctl, daemon: ScriptedDaemon) -> None:
    long = "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage,SoC"
    keys = [
        {"key": "ChargingScheduleAllowedChargingRateUnit", "readonly": True, "value": "Current,Power"},
        {"key": "MeterValuesSampledData", "readonly": False, "value": long},
    ]
    answer = samples.result(action="GetConfiguration", status=None, response={"configurationKey": keys})
    daemon.replies["operation.run"] = answer_with(answer)
    _, seen = Terminal(csmsctl, "get-configuration", "CP1", "--color", "never", "--no-headers").end()
    assert "ChargingScheduleAllowedChargingRateUnit " in seen
    assert max(map(len, seen.splitlines())) <= 80
