"""No case that cannot fail: with one thing wrong in what csmsd or csmsctl does, its case is not passed."""

import json
import re
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from csmsctl.conformance import case as case_module
from csmsctl.conformance import charge_point, site
from csmsctl.conformance.case import Case, Outcome, Run
from csmsctl.conformance.cases import all_cases
from csmsctl.conformance.site import Ended, Site
from tests.conformance.spoiling import ABSENT, Frame, changed, spoil_connections

CASES = {case.id.removesuffix("_CSMS"): case for case in all_cases()}

ACCEPTED = "idTagInfo.status"

# Case → what csmsd would do wrong: (action, part of its payload, the wrong value). A `.conf` is an answer of csmsd.
WRONG: dict[str, list[tuple[str, str, object]]] = {
    "TC_001": [
        ("BootNotification.conf", "status", "Pending"),
        ("Heartbeat.conf", "currentTime", "2020-01-01T00:00:00Z"),
    ],
    "TC_003": [("Authorize.conf", ACCEPTED, "Invalid"), ("StartTransaction.conf", ACCEPTED, "ConcurrentTx")],
    "TC_004_1": [("StartTransaction.conf", "transactionId", 0)],
    "TC_004_2": [("Authorize.conf", ACCEPTED, "Blocked")],
    "TC_005_1": [("StartTransaction.conf", "transactionId", -1)],
    "TC_007": [("StartTransaction.conf", ACCEPTED, "Invalid")],
    "TC_061": [("ClearCache", "now", True)],
    "TC_010": [("RemoteStartTransaction", "connectorId", 2), ("Authorize.conf", ACCEPTED, "Invalid")],
    "TC_011_1": [("RemoteStartTransaction", "idTag", "SOMEBODY"), ("StartTransaction.conf", ACCEPTED, "Invalid")],
    "TC_011_2": [("RemoteStartTransaction", "connectorId", ABSENT)],
    "TC_012": [("RemoteStopTransaction", "transactionId", 1_000_000)],
    "TC_013": [("Reset", "type", "Soft"), ("BootNotification.conf", "status", "Rejected")],
    "TC_014": [("Reset", "type", "Hard")],
    "TC_017_1": [("UnlockConnector", "connectorId", 2)],
    "TC_017_2": [("UnlockConnector", "connectorId", "1")],
    "TC_018_1": [("UnlockConnector", "connectorId", 0)],
    "TC_019_1": [("GetConfiguration", "key", ["HeartbeatInterval"])],
    "TC_019_2": [("GetConfiguration", "key", ABSENT)],
    "TC_021": [("ChangeConfiguration", "value", 60), ("ChangeConfiguration", "key", "HeartbeatInterval")],
    "TC_023_1": [("Authorize.conf", ACCEPTED, "Blocked")],
    "TC_023_2": [("Authorize.conf", ACCEPTED, "Invalid"), ("Authorize.conf", "idTagInfo.expiryDate", ABSENT)],
    "TC_023_3": [("Authorize.conf", ACCEPTED, "Invalid")],
    "TC_024": [("Authorize.conf", ACCEPTED, "Invalid")],
    "TC_026": [("RemoteStartTransaction", "connectorId", 0)],
    "TC_028": [("RemoteStopTransaction", "transactionId", 1)],
    "TC_030": [("UnlockConnector", "connectorId", 3)],
    "TC_031": [("UnlockConnector", "connectorId", 1)],
    "TC_032_1": [("BootNotification.conf", "status", "Pending"), ("StopTransaction.conf", "idTagInfo", {})],
    "TC_037_1": [("StartTransaction.conf", ACCEPTED, "Invalid")],
    "TC_037_3": [("StartTransaction.conf", ACCEPTED, "Accepted")],
    "TC_039": [("StartTransaction.conf", ACCEPTED, "Expired"), ("StopTransaction.conf", ACCEPTED, "Invalid")],
    "TC_040_1": [("ChangeConfiguration", "key", "HeartbeatInterval")],
    "TC_040_2": [("ChangeConfiguration", "value", "60")],
    "TC_064": [("DataTransfer.conf", "status", "Accepted")],
    "TC_042_1": [("GetLocalListVersion", "listVersion", 0)],
    "TC_042_2": [("GetLocalListVersion", "listVersion", 0)],
    "TC_043_1": [("SendLocalList", "updateType", "Differential")],
    "TC_043_3": [("SendLocalList", "listVersion", 0)],
    "TC_043_4": [("SendLocalList", "localAuthorizationList.0.idTagInfo", ABSENT), ("SendLocalList", "listVersion", -1)],
    "TC_043_5": [("SendLocalList", "updateType", "Full"), ("SendLocalList", "listVersion", 1)],
    "TC_044_1": [
        ("UpdateFirmware", "location", "https://example.org/other"),
        ("UpdateFirmware", "retrieveDate", ABSENT),
    ],
    "TC_044_2": [("UpdateFirmware", "retrieveDate", "2026-01-01T00:00:00Z")],
    "TC_044_3": [("FirmwareStatusNotification.conf", "status", "Accepted")],
    "TC_045_1": [("GetDiagnostics", "location", "ftp://example.org/other")],
    "TC_045_2": [("DiagnosticsStatusNotification.conf", "status", "Accepted")],
    "TC_046": [("ReserveNow", "connectorId", 2), ("ReserveNow", "idTag", "SOMEBODY")],
    "TC_047": [("ReserveNow", "expiryDate", "2036-01-01T00:00:00.000Z")],
    "TC_048_1": [("ReserveNow", "connectorId", 0)],
    "TC_048_2": [("ReserveNow", "idTag", "SOMEBODY")],
    "TC_048_3": [("ChangeAvailability", "type", "Operative"), ("ReserveNow", "connectorId", 2)],
    "TC_048_4": [("ReserveNow", "reservationId", 0)],
    "TC_049": [("ReserveNow", "connectorId", 1)],
    "TC_051": [("CancelReservation", "reservationId", 1_000_000)],
    "TC_052": [("CancelReservation", "reservationId", 1)],
    "TC_053": [("ReserveNow", "parentIdTag", ABSENT), ("Authorize.conf", "idTagInfo.parentIdTag", "SOMEBODY")],
    "TC_054": [("TriggerMessage", "requestedMessage", "BootNotification"), ("MeterValues.conf", "status", "Accepted")],
    "TC_055": [("TriggerMessage", "connectorId", 1)],
    "TC_056": [
        ("SetChargingProfile", "csChargingProfiles.validFrom", ABSENT),
        ("SetChargingProfile", "csChargingProfiles.validTo", ABSENT),
        ("SetChargingProfile", "csChargingProfiles.chargingSchedule.startSchedule", ABSENT),
        ("SetChargingProfile", "csChargingProfiles.chargingSchedule.chargingSchedulePeriod.0.limit", 16.0),
        ("SetChargingProfile", "csChargingProfiles.chargingProfilePurpose", "TxProfile"),
    ],
    "TC_057": [
        ("SetChargingProfile", "csChargingProfiles.transactionId", ABSENT),
        ("SetChargingProfile", "csChargingProfiles.transactionId", 1_000_000),
    ],
    "TC_059": [
        ("RemoteStartTransaction", "chargingProfile.transactionId", 1),
        ("RemoteStartTransaction", "chargingProfile.chargingProfileKind", "Absolute"),
        ("RemoteStartTransaction", "chargingProfile", ABSENT),
    ],
    "TC_066": [("GetCompositeSchedule", "duration", 60), ("GetCompositeSchedule", "chargingRateUnit", ABSENT)],
    "TC_067": [
        ("SetChargingProfile", "csChargingProfiles.stackLevel", 7),
        ("ClearChargingProfile", "id", 1_000_000),
        ("ClearChargingProfile", "stackLevel", 0),
    ],
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not come soon does not come."""
    monkeypatch.setattr(charge_point, "SECONDS_ALLOWED", 1.0)


_numbers = count(1)


async def _play(case: Case, private_csmsd: Site) -> Outcome:
    """Plays the case on a charge point of its own."""
    return await case_module.run_case(replace(case, id=f"BROKEN-{next(_numbers)}"), private_csmsd)


def test_there_is_something_wrong_for_every_case() -> None:
    assert set(CASES) <= set(WRONG)


@pytest.mark.parametrize(
    ("name", "action", "path", "value"),
    [pytest.param(name, *wrong, id=f"{name}-{wrong[0]}-{wrong[1]}") for name in CASES for wrong in WRONG.get(name, [])],
)
async def test_a_wrong_value_is_found(
    name: str, action: str, path: str, value: object, private_csmsd: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt = 0

    def spoil(of: str, frame: Frame) -> Frame:
        nonlocal spoilt
        if of == action.removesuffix(".conf") and frame[0] == (3 if action.endswith(".conf") else 2):
            wrong = changed(frame[-1], path, value)
            spoilt += wrong != frame[-1]
            return [*frame[:-1], wrong]
        return frame

    spoil_connections(monkeypatch, spoil)
    problem = (await _play(CASES[name], private_csmsd)).problem
    assert spoilt, f"no {action} came"
    assert problem is not None
    # A wrong listVersion that is a good one shows in what csmsctl says was sent.
    command = "-".join(word.lower() for word in re.findall("[A-Z][a-z]+", action))
    assert action.removesuffix(".conf") in problem or f" {command} " in problem, problem


# --- what every case looks at


@pytest.mark.parametrize(
    ("what", "wrong", "complaint"),
    [
        ("no answer at all", None, "was not answered within"),
        ("CALLERROR", [4, "{id}", "InternalError", "", {}], "InternalError"),
        ("four elements", [4, "{id}", "InternalError", ""], "five elements"),
        (
            "a code of no specification",
            [4, "{id}", "OccurrenceConstraintViolation", "", {}],
            "no error code of the specification",
        ),
        ("details that are no object", [4, "{id}", "InternalError", "", None], "errorDetails"),
        ("an answer to something else", [3, "other", {"idTagInfo": {"status": "Accepted"}}], "not asked"),
        ("one field more", [3, "{id}", {"idTagInfo": {"status": "Accepted"}, "more": 1}], "more must be absent"),
        ("no JSON", '[3, "', "not JSON"),
    ],
)
async def test_a_wrong_answer_is_found(
    what: str,
    wrong: Frame | str | None,
    complaint: str,
    private_csmsd: Site,
    monkeypatch: pytest.MonkeyPatch,
    impatient: None,
) -> None:
    def spoil(of: str, frame: Frame) -> Frame | str | None:
        if of != "Authorize":
            return frame
        return [frame[1] if part == "{id}" else part for part in wrong] if isinstance(wrong, list) else wrong

    spoil_connections(monkeypatch, spoil)
    problem = (await _play(CASES["TC_003"], private_csmsd)).problem
    assert problem is not None
    assert complaint in problem


async def test_a_time_without_milliseconds_is_found(private_csmsd: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(_: str, frame: Frame) -> Frame:
        text = json.dumps(frame)
        if frame[0] == 3 and "currentTime" in frame[2]:
            return [*frame[:2], frame[2] | {"currentTime": frame[2]["currentTime"][:19] + "Z"}]
        return list(json.loads(text))

    spoil_connections(monkeypatch, spoil)
    outcome = await _play(CASES["TC_001"], private_csmsd)
    assert outcome.problem is not None
    assert outcome.observations.bad_timestamps > 0


async def test_a_call_without_being_told_to_is_found(private_csmsd: Site) -> None:
    async def play(run: Run) -> None:
        asked = await run.charge_point()
        await asked.heartbeat()
        other = private_csmsd.csmsctl("--timeout", "0.2", "clear-cache", run.name)
        assert (await other).code == 8

    outcome = await _play(replace(CASES["TC_001"], play=play), private_csmsd)
    assert outcome.problem == "csmsd sent ClearCache without being told to"


# --- csmsctl, which is the operator


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("unlock-connector", {"code": 0}),
        ("unlock-connector", {"status": "Unlocked"}),
        ("unlock-connector", {"outcome": "accepted"}),
        ("unlock-connector", {"request": {}}),
        ("unlock-connector", {"response": {}}),
        ("unlock-connector", {"action": "Reset"}),
        ("unlock-connector", {"charge_point": "CP"}),
        ("unlock-connector", {"schema_version": 2}),
        ("unlock-connector", {"err": "Traceback (most recent call last)"}),
        ("unlock-connector", {"out": "UnlockFailed"}),
        ("task", {"outcome": "accepted"}),
        ("task", {"state": "sent"}),
        ("task", {"id": 0}),
        ("task", {"code": 1}),
    ],
)
async def test_an_operator_who_is_told_wrong_things_is_found(
    command: str, wrong: dict[str, Any], private_csmsd: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = site.Site.csmsctl

    async def lying(self: Site, *arguments: str) -> Ended:
        ended = await real(self, *arguments)
        if command not in arguments:
            return ended
        document = ended.json
        for records in (document.get("results"), document.get("tasks")):
            for record in records or []:
                record |= {key: value for key, value in wrong.items() if key in record}
        document |= {key: value for key, value in wrong.items() if key in document}
        out = str(wrong.get("out", json.dumps(document)))
        return replace(ended, code=wrong.get("code", ended.code), out=out, err=wrong.get("err", ended.err))

    monkeypatch.setattr(site.Site, "csmsctl", lying)
    problem = (await _play(CASES["TC_030"], private_csmsd)).problem
    assert problem is not None
    assert command in problem
